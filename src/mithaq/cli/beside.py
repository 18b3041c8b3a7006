"""What happens beside a command that goes on for long: a sentence for people, and a line of the log for those who seek.

Rooms below log events, which bear names and facts and no content. At the terminal those that a person can do something
about are sentences, each once a minute at most; all of them are written down in the home, as JSON.
"""

import json
import logging
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mithaq.cli.problems import in_words
from mithaq.clock import monotonic

if TYPE_CHECKING:
    from mithaq.cli.screen import Screen

_MOST: Final = 8 << 20  # bytes of a log; the one before is kept
_AGAIN: Final = 60.0  # seconds until the same sentence is said again
_SAID: Final = frozenset(
    {
        "stream-away",
        "stream-back",
        "stream-full",
        "sink-not-told",
        "sink-told",
        "sink-fault",
        "refused",
        "store-away",
        "store-back",
        "fault",
    }
)


@contextmanager
def beside(screen: "Screen", home: Path | None, name: str) -> Iterator[None]:
    """Tell people what is logged, and write it down in ``logs/NAME.jsonl`` of the home, as long as this goes on."""
    import structlog  # noqa: PLC0415 help needs none of it

    teller = _Teller(screen, home / "logs" / f"{name}.jsonl" if home else None)
    before = structlog.get_config() if structlog.is_configured() else None
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            teller,
        ],
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler, root, hook = _Handler(), logging.getLogger(), threading.excepthook
    root.addHandler(handler)
    threading.excepthook = _fallen
    try:
        yield
    finally:
        threading.excepthook = hook
        root.removeHandler(handler)
        structlog.reset_defaults() if before is None else structlog.configure(**before)


class _Teller:
    """The last that happens to an event that was logged."""

    def __init__(self, screen: "Screen", file: Path | None) -> None:
        self._screen, self._file = screen, file
        self._said: dict[str, float] = {}  # sentence -> when it was said
        self._one_by_one = threading.Lock()

    def __call__(self, _logger: object, _level: str, facts: MutableMapping[str, Any]) -> str:
        with self._one_by_one:
            if facts["event"] in _SAID:
                self._tell(facts)
            with suppress(
                OSError, ValueError
            ):  # a full disk, or a terminal that is gone, stops no work
                self._write(json.dumps(facts, default=str, ensure_ascii=False))
        return ""

    def _tell(self, facts: Mapping[str, Any]) -> None:
        language = self._screen.words.language
        told = {key: in_words(str(value), language) for key, value in facts.items()}
        told |= {"log": str(self._file or "")}
        sentence = self._screen.words.say(f"beside.{facts['event']}", **told)
        now = monotonic()
        self._said = {each: at for each, at in self._said.items() if now - at < _AGAIN}
        if sentence not in self._said:
            self._said[sentence] = now
            self._screen.line(sentence, console=self._screen.err)

    def _write(self, line: str) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(mode=0o700, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")
            full = log.tell() > _MOST
        if full:
            self._file.replace(self._file.with_suffix(".1.jsonl"))


class _Handler(logging.Handler):
    """Takes what libraries log: the terminal is not theirs."""

    def emit(self, record: logging.LogRecord) -> None:
        import structlog  # noqa: PLC0415 as above

        with suppress(Exception):
            kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
            structlog.get_logger().warning(
                "library", by=record.name, said=record.getMessage()[:500], kind=kind
            )


def _fallen(args: threading.ExceptHookArgs) -> None:
    """Log that a thread ended by an error; where, and not with what."""
    import structlog  # noqa: PLC0415 as above

    where, frames = "", args.exc_traceback
    while frames:
        where, frames = f"{frames.tb_frame.f_code.co_filename}:{frames.tb_lineno}", frames.tb_next
    name = args.thread.name if args.thread else ""
    with suppress(Exception):
        structlog.get_logger().error("fault", thread=name, kind=args.exc_type.__name__, where=where)
