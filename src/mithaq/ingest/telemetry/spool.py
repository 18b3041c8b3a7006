"""A spool for telemetry that is pushed: what was acknowledged to a sender outlives this process.

Each chunk is a file: written, synced and then named, so that it is there whole or not at all, and gone when what came
of it is kept. The spool is as large as it may be and no larger.
"""

import fcntl
import os
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Condition, Lock
from typing import IO, Final

import msgspec

from mithaq.formats.telemetry import Found, Refusal
from mithaq.ingest.telemetry.chunks import Chunk, handed
from mithaq.ingest.telemetry.source import Behind, NoSource, Taken, Ways

TURNED_AWAY: Final = "telemetry-turned-away"
MOST: Final = 256 << 20  # bytes that may wait
_BLOCK: Final = 4096  # bytes that the smallest chunk takes of a disk
_AT_ONCE: Final = 16  # chunks until others have their turn


class Full(Exception):
    """There is no more room."""


class Damaged(Exception):
    """What waited cannot be read any more."""


class _Said(msgspec.Struct, frozen=True):
    """What stands before the bytes of a chunk."""

    kind: str
    name: str
    sensor: str


@dataclass(slots=True)
class Spool:
    """A folder of chunks; one process has it. What waits is known without looking there again."""

    folder: Path
    most: int
    _lock: IO[bytes]
    size: int = 0  # bytes that wait
    _number: int = 0
    _waiting: dict[Path, int] = field(default_factory=dict)  # and their size, the oldest first
    _new: deque[Path] = field(default_factory=deque)  # not given to anybody yet, the oldest first

    @classmethod
    def open(cls, folder: Path, most: int = MOST) -> "Spool":
        """Take a folder, with what a process before left there.

        Raises:
            NoSource: another process has it, or it cannot be written.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = (folder / "lock").open("ab")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for part in folder.glob("*.part"):  # nobody was told that it is kept
                part.unlink()
            there = {path: _room(path) for path in sorted(folder.glob("*.chunk"))}
        except OSError as error:
            raise NoSource(f"cannot spool in {folder}: {error.strerror}") from error
        number = int([*there][-1].stem) if there else 0
        return cls(folder, most, lock, sum(there.values()), number, there, deque(there))

    def put(self, chunk: Chunk) -> None:
        """Keep a chunk, safe from a power cut; one caller at a time.

        Raises:
            Full: there is no room for it now. OSError: the disk fails, and nothing of it is left there.
        """
        head = msgspec.json.encode(_Said(chunk.kind, chunk.name, chunk.sensor)) + b"\n"
        size = max(len(head) + len(chunk.raw), _BLOCK)
        if self.size + size > self.most:
            raise Full
        self._number += 1
        part = self.folder / f"{self._number:016d}.part"
        whole = part.with_suffix(".chunk")
        try:
            with part.open("wb") as file:
                file.write(head)
                file.write(chunk.raw)
                file.flush()
                os.fsync(file.fileno())
            part.rename(whole)
            _sync(self.folder)
        except OSError:
            for path in (part, whole):
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            raise
        self.size += size
        self._waiting[whole] = size
        self._new.append(whole)

    def next(self) -> Path | None:
        """Return what waits for longest of what was not returned yet."""
        return self._new.popleft() if self._new else None

    @property
    def fresh(self) -> bool:
        """Say whether something waits that was not returned yet."""
        return bool(self._new)

    def read(self, path: Path) -> Chunk:
        """Return a chunk that waits.

        Raises:
            Damaged: it is none any more.
        """
        try:
            head, _, raw = path.read_bytes().partition(b"\n")
            said = msgspec.json.decode(head, type=_Said)
        except (OSError, msgspec.MsgspecError) as error:
            raise Damaged from error
        return Chunk(raw=raw, kind=said.kind, name=said.name, sensor=said.sensor)

    def drop(self, path: Path) -> None:
        """Forget a chunk: what came of it is kept."""
        self._forget(path)
        path.unlink(missing_ok=True)

    def put_by(self, path: Path) -> None:
        """Let what is no chunk any more lie there under another name, for people to see."""
        self._forget(path)
        with suppress(OSError):
            path.rename(path.with_suffix(".damaged"))

    def _forget(self, path: Path) -> None:
        self.size -= self._waiting.pop(path, 0)

    def behind(self) -> Behind:
        """Return what waits."""
        since = 0.0
        with suppress(OSError, StopIteration, RuntimeError):  # somebody takes or puts one just now
            since = next(iter(self._waiting)).stat().st_mtime
        return Behind(size=self.size, chunks=len(self._waiting), since=since)

    def close(self) -> None:
        """Let another process have it."""
        self._lock.close()


def _room(path: Path) -> int:
    return max(path.stat().st_size, _BLOCK)


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


class Inbox:
    """What senders pushed, and how much had to be turned away; many threads put in, one takes out."""

    def __init__(self, spool: Spool, ways: Ways) -> None:
        """Take a spool, with what still waits in it."""
        self.spool, self._ways = spool, ways
        self._putting, self._changed = Lock(), Condition()
        self._at_hand: Iterator[Taken] = iter(())  # the rest of a chunk that was begun
        self._turned: Counter[str] = Counter()  # why -> how many, since it was said last

    def put(self, chunk: Chunk) -> None:
        """Keep a chunk.

        Raises:
            Full: there is no room for it now. OSError: the disk fails.
        """
        with self._putting:
            self.spool.put(chunk)
        with self._changed:
            self._changed.notify()

    def turn_away(self, why: str, count: int = 1) -> None:
        """Count what was not taken."""
        with self._changed:
            self._turned[why] += count

    def chunks(self, wait: float) -> Iterator[tuple[Path, Chunk]]:
        """Yield what waits and was not given yet, after waiting up to ``wait`` seconds for the first."""
        with self._changed:
            self._changed.wait_for(lambda: self.spool.fresh or bool(self._turned), timeout=wait)
        for _ in range(_AT_ONCE):
            path = self.spool.next()
            if path is None:
                return
            try:
                chunk = self.spool.read(path)
            except Damaged:
                with self._putting:
                    self.spool.put_by(path)
                self.turn_away("a chunk that waited is damaged")
            else:
                yield path, chunk

    def _when(self, path: Path) -> Ways:
        """Return how a chunk is read: lines that name no year are of the last one before it came."""
        try:
            came = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except OSError:
            return self._ways
        return replace(self._ways, said=replace(self._ways.said, now=came))

    def turned_away(self, name: str) -> list[Found]:
        """Return what had to be turned away since this was asked last."""
        with self._changed:
            turned, self._turned = self._turned, Counter()
        return [
            Refusal(number=count, code=TURNED_AWAY, why=why, name=name)
            for why, count in turned.items()
        ]

    def drop(self, path: Path) -> None:
        """Forget a chunk."""
        with self._putting:
            self.spool.drop(path)

    def batches(self, name: str, wait: float) -> Iterator[Taken]:
        """Yield the events of what waits; whoever stops within a chunk is given the rest of it next."""
        for taken in self._at_hand:  # not by ``yield from``, which would end it with us
            yield taken
            wait = 0.0
        for path, chunk in self.chunks(wait):
            self._at_hand = handed(chunk, path, self._when(path))
            for taken in self._at_hand:
                yield taken
        if refused := self.turned_away(name):
            yield Taken(found=refused, name=name)
