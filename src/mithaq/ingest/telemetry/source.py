"""Sources of telemetry that never end: each gives what came since, and is told when all that came of it is kept.

What was given and not said to be kept is given again by the next run, so whoever is killed loses nothing. Standard
input alone cannot be read twice.
"""

import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Final, Protocol

import msgspec

from mithaq.clock import monotonic
from mithaq.errors import InputError
from mithaq.formats.telemetry import PLAIN, Found, Kind, Refusal, Said
from mithaq.formats.telemetry import read as read_telemetry
from mithaq.ingest.telemetry.following import Batch, Cursor, Following

_PACE: Final = 0.5  # seconds between two looks at files
_PIECE: Final = 128 << 10  # bytes of a pipe at once
_BATCH: Final = 1000  # events of a pipe at once
_AHEAD: Final = 4  # batches of a pipe that are read before they are asked for


class NoSource(InputError):
    """What is to be watched is not there, or is named in no way that is known."""

    code = "no-source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a source gave at once."""

    found: list[Found]  # events and refusals
    name: str = ""  # of the file, stream or sender, for people
    mark: object = None  # the source's own: what ``keep`` needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What came to a source, or was written there, and was not kept yet, as far as that can be told."""

    size: int = 0  # bytes
    chunks: int = 0  # of what is pushed; messages of a log
    since: float = 0.0  # when the oldest of it came, in seconds since 1970; 0.0: nothing waits, or nobody knows
    away: bool = False  # nobody answers where it would be read


class Source(Protocol):
    """Where telemetry comes from."""

    def batches(self, wait: float) -> Iterator[Taken]:
        """Yield what came; end when nothing more is there, after waiting up to ``wait`` seconds for the first."""

    def keep(self, taken: Taken) -> None:
        """Take note that all that came of it is kept: it need not be given again."""

    def behind(self) -> Behind:
        """Return what waits."""

    def close(self) -> None:
        """Let go of what it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How sources are read."""

    as_kind: Kind | None = None  # None: what its opening fits
    said: Said = PLAIN
    kept: MutableMapping[str, str] = field(default_factory=dict)  # what a source keeps of itself
    folder: Path | None = (
        None  # where what is pushed waits; None: the source is told, or cannot listen
    )


class Files:
    """A file, or a folder of them, however deep, each read as it grows."""

    def __init__(self, path: Path, ways: Ways) -> None:
        """Take a path.

        Raises:
            NoSource: it is not there.
        """
        if not path.exists():
            raise NoSource(f"no such file or folder: {path}")
        self._following = Following([path], ways.said, ways.as_kind)
        self._kept = ways.kept
        self._told: set[str] = set()  # names of files that cannot be read
        self.cursors = {
            name: msgspec.json.decode(text, type=Cursor) for name, text in ways.kept.items()
        }

    def batches(self, wait: float) -> Iterator[Taken]:
        """Yield what was written since."""
        until = monotonic() + wait
        while True:
            came = False
            for batch in self._following.batches(dict(self.cursors)):
                came = True
                yield Taken(found=batch.found, name=batch.path, mark=batch)
            yield from self._unreadable()
            left = until - monotonic()
            if came or left <= 0:
                return
            time.sleep(min(_PACE, left))

    def keep(self, taken: Taken) -> None:
        """Keep how far its file was read."""
        batch = taken.mark
        if not isinstance(batch, Batch):
            return
        # The new name first: a file that is known by two is read once, one that is known by none from its beginning.
        self.cursors[batch.path] = batch.cursor
        self._kept[batch.path] = msgspec.json.encode(batch.cursor).decode()
        if batch.gone:
            self.cursors.pop(batch.gone, None)
            self._kept.pop(batch.gone, None)

    def _unreadable(self) -> Iterator[Taken]:
        """Say once of each file that cannot be read why; it is tried again at every look."""
        now = self._following.unreadable
        for name in sorted(now.keys() - self._told):
            why = Refusal(number=0, code="telemetry-file", why=now[name], name=name)
            yield Taken(found=[why], name=name)
        self._told = set(now)

    def behind(self) -> Behind:
        """Return how many bytes of files that grow by lines were not read yet, as far as they are known."""
        whole = 0
        for name, cursor in self.cursors.items():
            if cursor.kind:
                with suppress(OSError):
                    whole += max(0, Path(name).stat().st_size - cursor.offset)
        return Behind(size=whole)

    def close(self) -> None:
        """Files are open only while they are read."""


class Piped:
    """A pipe. It is read ahead in a thread of its own, so that who waits for it can be woken."""

    def __init__(self, read: Callable[[], bytes], ways: Ways, name: str = "-") -> None:
        """Take what returns the next bytes, waiting for some; empty at the end."""
        self.ended = False  # all that it held was yielded
        self._read, self._ways, self._name = read, ways, name
        self._ready: Queue[list[Found] | None] = Queue(_AHEAD)  # None: the end
        self._pending: list[Found] = []
        Thread(target=self._run, name="mithaq-pipe", daemon=True).start()

    def batches(self, wait: float) -> Iterator[Taken]:
        """Yield what came through it."""
        while not self.ended:
            try:
                found = self._ready.get(timeout=wait) if wait > 0 else self._ready.get_nowait()
            except Empty:
                return
            wait = 0
            if found is None:
                self.ended = True
            else:
                yield Taken(found=found, name=self._name)

    def keep(self, taken: Taken) -> None:
        """Nothing can be given again."""

    def behind(self) -> Behind:
        """Nobody knows what is in a pipe."""
        return Behind()

    def close(self) -> None:
        """Give it up; its thread ends with the process."""
        self.ended = True

    def _run(self) -> None:
        try:
            pieces = iter(self._piece, b"")
            ways = self._ways
            for one in read_telemetry(pieces, self._name, ways.said, as_kind=ways.as_kind):
                self._pending.append(one)
                if len(self._pending) >= _BATCH:
                    self._hand()
        finally:
            self._hand()
            self._ready.put(None)

    def _piece(self) -> bytes:
        """Return the next bytes; what came of those before is handed on, for there may be none for long."""
        self._hand()
        return self._read()

    def _hand(self) -> None:
        if self._pending:
            self._ready.put(self._pending)
            self._pending = []
