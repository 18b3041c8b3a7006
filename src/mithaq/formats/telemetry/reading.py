"""What every reader of telemetry shares: its face, its limits, and bytes cut into lines wherever they were cut before.

A reader is fed the bytes of one input in pieces of any size and yields what each piece completes, in the order of the
input, so an input may be larger than memory and may still be growing. ``held`` counts the bytes that no event came of
yet: whoever reads on after an interruption begins that far back.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import BinaryIO, Protocol, TypeAlias

from mithaq.errors import InputError
from mithaq.model.telemetry import Event

MAX_LINE = 16 << 20  # bytes of one event as it is written


class Broken(InputError):
    """The rest of an input cannot be read."""

    code = "telemetry-broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A line or record that is no event, while its neighbours are; never its content."""

    number: int  # of the line or record in its input, from 1; 0: the input as a whole
    code: str  # telemetry-…
    why: str
    name: str = ""  # of the input


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Events that were passed over, as a sieve said: only how many they are is known, and how long."""

    events: int
    size: int  # bytes, with the ends of their lines


Found: TypeAlias = Event | Refusal
Sifted: TypeAlias = Found | Passed


class Sieve(Protocol):
    """Says which lines of JSON somebody asks for."""

    def through(self, lines: Sequence[bytes]) -> Sequence[int]:
        """Return the places of the lines that have to be read; each of the others is an object, and not asked for."""


@dataclass(slots=True, kw_only=True)
class Sifting:
    """A sieve, and what was passed over since that was last told."""

    sieve: Sieve
    events: int = 0
    read: int = 0  # bytes that were not passed over

    def left(self, lines: Sequence[bytes], before: int) -> Iterator[tuple[int, bytes]]:
        """Yield the lines that have to be read with their numbers, of which ``before`` is the one before the first."""
        places = self.sieve.through(lines)
        self.events += len(lines) - len(places)
        for at in places:
            self.read += len(lines[at])
            yield before + 1 + at, lines[at]

    def passed(self, size: int) -> Iterator[Passed]:
        """Yield what of the last ``size`` bytes was passed over, if that was some."""
        if self.events:
            yield Passed(events=self.events, size=max(0, size - self.read))
        self.events = self.read = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person or a system says of an input that does not say it itself."""

    now: datetime | None = (
        None  # lines that name no year are of the last year that puts them before
    )
    columns: dict[str, str] = field(default_factory=dict)  # name in a table -> name of the field
    sifting: Sifting | None = None  # JSON lines that nobody asks for are passed over
    most: int | None = None  # bytes that it may unpack to; None: as many as logs do


PLAIN = Said()


class Reader(Protocol):
    """Reads one input."""

    number: int  # of the last line or record read, from 1

    @property
    def held(self) -> int:
        """How many of the bytes fed so far nothing was yielded for yet."""

    def feed(self, chunk: bytes) -> Iterator[Found]:
        """Yield what ``chunk`` completes."""

    def end(self) -> Iterator[Found]:
        """Yield what the end of the input completes."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to write telemetry down."""

    name: str  # a short slug
    fits: Callable[[bytes, str], bool]  # its opening bytes and its name
    open: Callable[[str, Said], Reader]  # of its name
    sought: Callable[[BinaryIO, str], Iterator[Found]] | None = (
        None  # of a file to seek in, and its name
    )


def refused(number: int, code: str, why: str) -> Refusal:
    """Return the refusal of a line or record."""
    return Refusal(number=number, code=f"telemetry-{code}", why=why)


class ByLine(ABC):
    """A reader of lines that end with a line feed, the last one perhaps without."""

    def __init__(self) -> None:
        """Begin at the first line."""
        self.number = 0  # of the last line read
        self._parts: list[bytes] = []  # of a line whose end has not come
        self._held = 0

    @property
    def held(self) -> int:
        """The bytes of a line whose end has not come."""
        return self._held

    @abstractmethod
    def lines(self, lines: Sequence[bytes]) -> Iterator[Found]:
        """Yield what whole lines come to, each with its line feed if it has one; counts ``number`` up with each."""

    def feed(self, chunk: bytes) -> Iterator[Found]:
        """Yield what the lines that end in ``chunk`` come to."""
        lines = BytesIO(chunk).readlines()  # many times as fast as ``split``
        tail = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        if lines and (self._held or not self.number):
            self._hold(lines[0])
            lines[:1] = yield from self._first()
        if lines:
            yield from self.lines(lines)
        self._hold(tail)

    def end(self) -> Iterator[Found]:
        """Yield what the line without an end comes to."""
        if self._held:
            yield from self.lines((yield from self._first()))

    def _hold(self, part: bytes) -> None:
        self._held += len(part)
        if self._held > MAX_LINE + 1:
            self._parts.clear()
        elif part:
            self._parts.append(part)

    def _first(self) -> Generator[Found, None, list[bytes]]:
        """Return the line that was held, if it is not too long."""
        line, held = b"".join(self._parts), self._held
        self._parts, self._held = [], 0
        if held - line.endswith(b"\n") > MAX_LINE:
            self.number += 1
            yield refused(self.number, "long", f"longer than {MAX_LINE} bytes")
            return []
        return [line if self.number else line.removeprefix(b"\xef\xbb\xbf")]
