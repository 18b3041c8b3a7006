"""How far a hunt through files came, and what it found: kept in a file, so that who is killed goes on there.

Each line is a step: batches of a file that were looked through with what they held, or a file that was looked through
to its end. A line that was being written when the hunt was killed is no line, and its batches are looked through again.
A file that changed since is looked through anew; a hit is known by its rule and event, so it counts once all the same.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import msgspec

from mithaq.clock import monotonic
from mithaq.detect.matches import Match
from mithaq.errors import InputError
from mithaq.formats.telemetry import Refusal

_PACE: Final = 1.0  # seconds between two steps that found nothing


class OtherHunt(InputError):
    """The file is of a hunt for something else, or is none of a hunt."""

    code = "other-hunt"


class _Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. Of the first only ``content`` is said."""

    content: str = ""  # what is hunted for
    file: str = ""  # wherever one stands
    name: str = ""  # as it was named
    seen: tuple[int, int] = (0, 0)  # its size, and when it was changed
    batches: int = 0  # looked through from its beginning
    ended: bool = False
    hits: list[Match] = []
    events: int = 0  # of a file that ended, with what was passed over in it
    scanned: int = 0
    refused: dict[str, int] = {}
    examples: dict[str, Refusal] = {}
    broken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What came of a whole file."""

    events: int = 0
    scanned: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, Refusal] = field(default_factory=dict)
    broken: bool = False  # its rest could not be read


@dataclass(slots=True)
class Progress:
    """A file of steps; open it with ``begin``, and end it with ``close`` or ``finish``."""

    path: Path
    content: str
    _steps: dict[str, _Step] = field(default_factory=dict)  # by file, the last
    _file: IO[bytes] | None = None
    _said: float = 0.0

    def begin(self) -> None:
        """Read what the file says, and write on at its end.

        Raises:
            OtherHunt: it is of another hunt. InputError: it cannot be read or written.
        """
        try:
            self.path.touch(mode=0o600)  # it holds what was found
            whole = self._read()
            self._file = self.path.open("r+b")
            self._file.truncate(whole)
            self._file.seek(whole)
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror}") from error
        if not whole:
            self._write(_Step(content=self.content))

    def _read(self) -> int:
        """Take up the steps; return how many bytes are whole lines."""
        whole = 0
        for end, step in self._lines():
            if not whole and step.content != self.content:
                raise OtherHunt(f"{self.path} is of another hunt", file=str(self.path))
            whole = end
            if step.file:
                self._steps[step.file] = msgspec.structs.replace(step, hits=[])
        return whole

    def _lines(self) -> Iterator[tuple[int, _Step]]:
        """Yield each whole line, with where it ends."""
        read, at = msgspec.json.Decoder(_Step).decode, 0
        with self.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return
                try:
                    step = read(line)
                except msgspec.ValidationError as error:
                    raise OtherHunt(f"{self.path} is of no hunt", file=str(self.path)) from error
                except msgspec.DecodeError as error:
                    if at == 0:
                        raise OtherHunt(
                            f"{self.path} is of no hunt", file=str(self.path)
                        ) from error
                    return
                at += len(line)
                yield at, step

    def found(self) -> Iterator[tuple[Match, str]]:
        """Yield what was found before, each with its file."""
        for _, step in self._lines():
            yield from ((match, step.name) for match in step.hits)

    def batches(self, path: Path) -> int:
        """Return how many batches of a file were looked through, as it is now."""
        step = self._steps.get(str(path.absolute()))
        return step.batches if step is not None and step.seen == _seen(path) else 0

    def ended(self, path: Path) -> Passage | None:
        """Return what came of a file that was looked through to its end; None: it was not, or changed."""
        step = self._steps.get(str(path.absolute()))
        if step is None or not step.ended or step.seen != _seen(path):
            return None
        return Passage(
            events=step.events,
            scanned=step.scanned,
            refused=step.refused,
            examples=step.examples,
            broken=step.broken,
        )

    def step(self, path: Path, batches: int, hits: list[Match]) -> None:
        """Take note that so many batches were looked through, the last with these hits."""
        now = monotonic()
        if hits or now - self._said >= _PACE:
            self._said = now
            self._write(_step(path, batches, hits))

    def end(self, path: Path, batches: int, passage: Passage, hits: list[Match]) -> None:
        """Take note that a file was looked through to its end."""
        step = msgspec.structs.replace(
            _step(path, batches, hits),
            ended=True,
            events=passage.events,
            scanned=passage.scanned,
            refused=dict(passage.refused),
            examples=dict(passage.examples),
            broken=passage.broken,
        )
        self._write(step)

    def _write(self, step: _Step) -> None:
        if self._file is None:
            return
        try:
            self._file.write(msgspec.json.encode(step) + b"\n")
            self._file.flush()
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror}") from error

    def close(self) -> None:
        """Leave the file, so that the hunt can go on."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def finish(self) -> None:
        """Take the file away: the hunt came to its end."""
        self.close()
        self.path.unlink(missing_ok=True)


def _step(path: Path, batches: int, hits: list[Match]) -> _Step:
    place, seen = str(path.absolute()), _seen(path)
    return _Step(file=place, name=str(path), seen=seen, batches=batches, hits=hits)


def _seen(path: Path) -> tuple[int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116 once for each batch
    except OSError:
        return (0, 0)
    return status.st_size, status.st_mtime_ns
