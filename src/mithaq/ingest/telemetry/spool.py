"""A spool for telemetry that is pushed: what was acknowledged to a sender outlives this process.

Each chunk is a file: written, synced and then named, so that it is there whole or not at all, and gone when what came
of it is kept. The spool is as large as it may be and no larger.
"""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Lock
from typing import IO, Final

import msgspec

from mithaq.formats.telemetry import Found, Refusal
from mithaq.ingest.telemetry.chunks import Chunk, read
from mithaq.ingest.telemetry.source import NoSource, Taken, Ways

TURNED_AWAY: Final = "telemetry-turned-away"
MOST: Final = 256 << 20  # bytes that may wait
_BLOCK: Final = 4096  # bytes that the smallest chunk takes of a disk
_AT_ONCE: Final = 16  # chunks until others have their turn


class Full(Exception):
    """There is no more room."""


class _Said(msgspec.Struct, frozen=True):
    """What stands before the bytes of a chunk."""

    kind: str
    name: str
    sensor: str


@dataclass(slots=True)
class Spool:
    """A folder of chunks; one process has it."""

    folder: Path
    most: int
    _lock: IO[bytes]
    _size: int = 0
    _number: int = 0

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
            there = sorted(folder.glob("*.chunk"))
            size = sum(map(_room, there))
        except OSError as error:
            raise NoSource(f"cannot spool in {folder}: {error.strerror}") from error
        spool = cls(folder, most, lock)
        spool._size, spool._number = size, int(there[-1].stem) if there else 0
        return spool

    def put(self, chunk: Chunk) -> None:
        """Keep a chunk, safe from a power cut; one caller at a time.

        Raises:
            Full: there is no room for it now. OSError: the disk fails.
        """
        head = msgspec.json.encode(_Said(chunk.kind, chunk.name, chunk.sensor)) + b"\n"
        size = max(len(head) + len(chunk.raw), _BLOCK)
        if self._size + size > self.most:
            raise Full
        self._number += 1
        part = self.folder / f"{self._number:016d}.part"
        with part.open("wb") as file:
            file.write(head)
            file.write(chunk.raw)
            file.flush()
            os.fsync(file.fileno())
        part.rename(part.with_suffix(".chunk"))
        _sync(self.folder)
        self._size += size

    def waiting(self) -> list[Path]:
        """Return what waits, the oldest first."""
        return sorted(self.folder.glob("*.chunk"))

    def read(self, path: Path) -> Chunk:
        """Return a chunk that waits."""
        head, _, raw = path.read_bytes().partition(b"\n")
        said = msgspec.json.decode(head, type=_Said)
        return Chunk(raw=raw, kind=said.kind, name=said.name, sensor=said.sensor)

    def drop(self, path: Path) -> None:
        """Forget a chunk: what came of it is kept."""
        size = _room(path)
        path.unlink()
        self._size -= size

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
        self._given: set[Path] = set()
        self._turned: dict[str, int] = {}  # why -> how many, since it was said last

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
            self._turned[why] = self._turned.get(why, 0) + count

    def chunks(self, wait: float) -> Iterator[tuple[Path, Chunk]]:
        """Yield what waits and was not given yet, after waiting up to ``wait`` seconds for the first."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._new() or self._turned), timeout=wait)
            new = self._new()[:_AT_ONCE]
        for path in new:
            self._given.add(path)
            yield path, self.spool.read(path)

    def _new(self) -> list[Path]:
        return [path for path in self.spool.waiting() if path not in self._given]

    def turned_away(self, name: str) -> list[Found]:
        """Return what had to be turned away since this was asked last."""
        with self._changed:
            turned, self._turned = self._turned, {}
        return [
            Refusal(number=count, code=TURNED_AWAY, why=why, name=name)
            for why, count in turned.items()
        ]

    def drop(self, path: Path) -> None:
        """Forget a chunk."""
        with self._putting:
            self.spool.drop(path)
        self._given.discard(path)

    def batches(self, name: str, wait: float) -> Iterator[Taken]:
        """Yield the events of what waits."""
        for path, chunk in self.chunks(wait):
            found = read(chunk, self._ways.said, self._ways.as_kind)
            yield Taken(found=found, name=chunk.name, mark=path)
        if refused := self.turned_away(name):
            yield Taken(found=refused, name=name)
