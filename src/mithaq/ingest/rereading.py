"""Events that are kept, read again by the node itself: what is new among rules and patterns is looked for in them.

What is new is taken together, as many as one reading serves, and held against all that is kept. A step takes some
seconds; how far it came is kept in the home as for any hunt (``resuming``), so a worker that is killed goes on there,
and a hit is known by its rule and its event, so nothing is there twice. Rules come from outside: what finds too much or
takes too long is set aside as where telemetry is watched, and what was revoked meanwhile finds nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection

from mithaq import defence
from mithaq.clock import monotonic, text
from mithaq.config import Config
from mithaq.defence import Recorded
from mithaq.detect.guard import Guard, Limits, SetAside
from mithaq.detect.indicators import of_pattern
from mithaq.detect.matches import Match
from mithaq.errors import InputError
from mithaq.ingest.hunting import Hit, Hunt
from mithaq.ingest.keeping import Keeper
from mithaq.ingest.noting import Noting
from mithaq.ingest.resuming import Progress
from mithaq.ingest.wanted import Content, compiled, gathered
from mithaq.model.objects import Body
from mithaq.model.telemetry import Event
from mithaq.model.whose import Word
from mithaq.store import journal, live

STATE: Final = "past.reread"
_TOGETHER: Final = 2_000  # rules and patterns that are held against the events in one reading
_PAGE: Final = 20_000  # copies that are looked at for them at once
_NAMED: Final = 20  # damaged files that are told of


class State(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far the node came with reading again, for whoever asks."""

    looked: int = 0  # the number of the last copy that was looked for
    until: int = 0  # and of the last of those that are looked for now
    began: str = ""
    ended: str = ""  # empty: it goes on, or there never was one
    rules: int = 0
    unserved: int = 0  # that cannot be evaluated
    since: str = ""  # the first day
    files: int = 0
    size: int = 0  # bytes
    done: int = 0
    new: int = 0  # hits
    damaged: tuple[str, ...] = ()


def state(unit: Connection) -> State:
    """Return how far the node came."""
    return msgspec.json.decode(journal.setting(unit, STATE, "{}"), type=State)


def waiting(unit: Connection, known: State, now: datetime) -> int:
    """Return how many rules and patterns came since what is looked for now; of very many those that came first."""
    return len(_fresh(unit, max(known.looked, known.until), now)[0])


@dataclass(slots=True)
class _Kept:
    """Keeps what is found, unless it counts no more."""

    keeper: Keeper
    guard: Guard
    sought: dict[Word, Body]
    said: set[str] = field(default_factory=set)  # digests of what was set aside

    def begin(self, content: Content) -> None:
        """Keep that rules are looked for."""
        self.keeper.begin(content)

    def keep(self, found: Sequence[Match], batch: Sequence[Event] = ()) -> None:
        """Keep matches of what still stands as it did, and what is set aside for them."""
        passed = self.guard.passed(found, batch)
        fresh = [each for digest, each in self.guard.aside.items() if digest not in self.said]
        if not (passed or fresh):
            return
        now = self.keeper.clock()
        with self.keeper.core.read() as unit:
            standing = defence.standing(unit, {match.word for match in passed}, now)
        self._set_aside(fresh, now)
        self.keeper.keep([match for match in passed if self._counts(match, standing)])

    def _counts(self, match: Match, standing: dict[Word, Body]) -> bool:
        ours, said = self.sought[match.word], standing.get(match.word, {})
        return said.get("pattern") == ours.get("pattern")

    def _set_aside(self, fresh: Sequence[SetAside], now: datetime) -> None:
        for each in fresh:
            version = str(self.sought[Word(each.rule, each.giver)].get("modified", ""))
            with self.keeper.core.begin() as unit:
                defence.set_aside(unit, each, version, now)
            self.said.add(each.digest)


class Rereading:
    """Reads again what is kept, as long as something is new; ``step`` goes on for some time."""

    def __init__(self, keeper: Keeper, noting: Noting, config: Config) -> None:
        """Read nothing yet."""
        keeper.past, keeper.also = True, self._count
        self._keeper, self._noting = keeper, noting
        self._compiled = compiled(config)
        said = config.settings.watch
        self._limits = Limits(window=said.window, most=said.matches, seconds=said.seconds)
        self._folder = config.home / "core" / "hunts"
        self._state = State()
        self._run: Hunt | None = None
        self._progress: Progress | None = None
        self._steps: Iterator[Hit | None] = iter(())

    def step(self, seconds: float, halted: Callable[[], bool]) -> bool:
        """Go on for so long, or until told to stop; say whether there is more to do."""
        if self._run is None and not self._begin():
            return False
        if self._run is None:
            return True
        until = monotonic() + seconds
        try:
            for each in self._steps:
                if each is None and (halted() or monotonic() >= until):
                    self._tell()
                    return True
        except FileNotFoundError:  # as days that are over go
            self.leave()
            return True
        except BaseException:
            self.leave()
            raise
        self._end()
        return True

    def leave(self) -> None:
        """Begin anew the next time, with the files that are there then; what was looked through is known."""
        if self._progress:
            self._progress.close()
        self._run = self._progress = None

    def _begin(self) -> bool:
        """Take up what is new; say whether there was any."""
        core, now = self._keeper.core, self._keeper.clock()
        since = self._since(now)
        files = self._noting.files(since)
        with core.read() as unit:
            known = state(unit)
            going = known.until if known.until > known.looked else 0
            new, until = _fresh(unit, known.looked, now, most=bool(files), until=going)
        if until == known.looked:
            self._swept()
            return False
        content = gathered(held=new.items(), kept=self._compiled)
        if not (files and content.count):
            with core.begin() as unit:
                _put(unit, msgspec.structs.replace(known, looked=until, until=until))
            return True
        self._state = State(
            looked=known.looked,
            until=until,
            began=known.began if going else text(now),
            rules=content.count,
            unserved=len(content.unserved),
            since=since,
            files=len(files),
            size=sum(_size(file) for file in files),
            new=known.new if going else 0,
        )
        self._start(content, new, since)
        return True

    def _start(self, content: Content, new: dict[Word, Body], since: str) -> None:
        guard = Guard(monotonic, self._limits)
        with self._keeper.core.read() as unit:
            for each in live.asides(unit):
                guard.aside[each.digest] = SetAside(
                    rule=each.rule,
                    digest=each.digest,
                    title=each.title,
                    code=each.code,
                    after=each.after,
                )
        self._progress = self._opened(content.digest)
        self._run = Hunt(
            content,
            keeper=_Kept(self._keeper, guard, new, set(guard.aside)),
            progress=self._progress,
            ready=guard.timed,
            whole=False,
        )
        self._steps = self._run.run(self._files(since))
        self._tell()

    def _opened(self, content: str) -> Progress:
        """Return how far was come with the same; what was kept of others goes."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / f"past-{content.rpartition(':')[2][:32]}.jsonl"
        self._swept(path)
        progress = Progress(path, content)
        progress.begin()
        return progress

    def _swept(self, but: Path | None = None) -> None:
        """Take away what readings left that were killed at their very end."""
        for other in self._folder.glob("past-*.jsonl"):
            if other != but:
                other.unlink(missing_ok=True)

    def _files(self, since: str) -> Iterator[Path]:
        """Yield what is kept, and then what came until then: who watches took up what is new within that time."""
        seen: set[Path] = set()
        for _ in range(2):
            for file in self._noting.files(since):
                if file not in seen and file.exists():
                    seen.add(file)
                    yield file

    def _since(self, now: datetime) -> str:
        return text(now - timedelta(days=self._noting.back))[:10] if self._noting.back else "9999"

    def _tell(self, *, over: bool = False) -> None:
        """Keep how far it came."""
        run, told, now = self._run, self._state, self._keeper.clock()
        assert run is not None  # noqa: S101 who tells is reading
        known = msgspec.structs.replace(
            told,
            looked=told.until if over else told.looked,
            ended=text(now) if over else "",
            done=told.size if over else min(run.done, told.size),
            damaged=tuple(run.broken[:_NAMED]),
        )
        with self._keeper.core.begin() as unit:
            _put(unit, known)
            if over:
                facts = {"rules": known.rules, "files": known.files, "new": known.new}
                journal.record(unit, now, "reread", "", **facts)
        self._state = known

    def _count(self, unit: Connection, done: Recorded) -> None:
        """Keep with hits that they are, or whoever is killed before the next step would not tell of them."""
        if done.new:
            self._state = msgspec.structs.replace(self._state, new=self._state.new + done.new)
            _put(unit, self._state)

    def _end(self) -> None:
        self._tell(over=True)
        if self._progress:
            self._progress.finish()
        self._run = self._progress = None


def _fresh(
    unit: Connection, after: int, now: datetime, *, most: bool = True, until: int = 0
) -> tuple[dict[Word, Body], int]:
    """Return what the index cannot look for of what is new, as many as are looked for together; and how far it goes."""
    found: dict[Word, Body] = {}
    at = after
    while len(found) < _TOGETHER:
        new, end = defence.fresh(unit, at, _PAGE if most else 0, now, until)
        found |= {word: body for word, body in new.items() if not _indexed(word, body)}
        if end == at:
            break
        at = end
    return found, at


def _indexed(word: Word, body: Body) -> bool:
    """Say whether it is one value, or any of several, which the index knows."""
    if body.get("pattern_type", "stix") != "stix":
        return False
    with suppress(InputError):
        return of_pattern(word, str(body["pattern"]), "") is not None
    return False


def _put(unit: Connection, known: State) -> None:
    journal.keep(unit, STATE, msgspec.json.encode(known).decode())


def _size(file: Path) -> int:
    with suppress(OSError):
        return file.stat().st_size
    return 0
