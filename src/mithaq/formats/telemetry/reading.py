"""What every reader of telemetry shares: its face, its limits, and bytes cut into lines wherever they were cut before.

A reader is fed the bytes of one input in pieces of any size and yields what each piece completes, in the order of the
input, so an input may be larger than memory and may still be growing. ``held`` counts the bytes that no event came of
yet: whoever reads on after an interruption begins that far back.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

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


Found: TypeAlias = Event | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person or a system says of an input that does not say it itself."""

    now: datetime | None = (
        None  # lines that name no year are of the last year that puts them before
    )
    columns: dict[str, str] = field(default_factory=dict)  # name in a table -> name of the field


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
    def lines(self, lines: Iterable[bytes]) -> Iterator[Found]:
        """Yield what whole lines, without their ends, come to; counts ``number`` up with each."""

    def feed(self, chunk: bytes) -> Iterator[Found]:
        """Yield what the lines that end in ``chunk`` come to."""
        head, *rest = chunk.split(b"\n")
        self._hold(head)
        if rest:
            *whole, tail = rest
            yield from self._first()
            yield from self.lines(whole)
            self._hold(tail)

    def end(self) -> Iterator[Found]:
        """Yield what the line without an end comes to."""
        if self._held:
            yield from self._first()

    def _hold(self, part: bytes) -> None:
        self._held += len(part)
        if self._held > MAX_LINE:
            self._parts.clear()
        elif part:
            self._parts.append(part)

    def _first(self) -> Iterator[Found]:
        line, held = b"".join(self._parts), self._held
        self._parts, self._held = [], 0
        if held > MAX_LINE:
            self.number += 1
            yield refused(self.number, "long", f"longer than {MAX_LINE} bytes")
        else:
            yield from self.lines(
                (line.removeprefix(b"\xef\xbb\xbf") if not self.number else line,)
            )
