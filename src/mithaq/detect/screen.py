"""Lines of Windows' event log that no Sigma rule asks for, set aside before they are read.

Most events have nothing that any rule requires, and reading them is half of the work. Of a line of JSON only the
channel and the event number are decoded, which leave the rules of a route. The line as it is written is then searched
for their witnesses: a value stands in it as JSON writes it, whatever its field. A line that has none is set aside; it
is known to be an event. What JSON may write in several ways is not searched for: a line that has an escaped letter is
read, and where a number is asked for, one that has its field.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from mithaq.detect.engine import Engine
from mithaq.detect.index import SMALL_IN_ASCII, Numbers, Route, automaton, is_of_number, written
from mithaq.detect.witnesses import At, Literal
from mithaq.model.telemetry import LogSource, Value

# Of a channel and an event number as they are written: what says who wrote the event, and the number that it has.
Kind: TypeAlias = Callable[[Value, Value], tuple[LogSource, Value]]
Renamed: TypeAlias = Mapping[
    str, Sequence[str]
]  # the other names of a field that lines may have it under

_MOST_KINDS: Final = 1 << 14  # channels and event numbers whose route is remembered
_LONG: Final = 256  # signs of a channel or number; longer ones are not remembered
_FEW: Final = 16  # lines of a route
_MOST_TOLD: Final = 1 << 12  # lines of which an engine is told what rules they may match
_MOST_LINE: Final = 1 << 14  # bytes of such a line; an engine searches longer ones itself
_PAUSE: Final = 16  # times that lines go unlooked at when nearly all before had to be read
_STRANGE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# Signs that JSON may write as they are or escaped; what begins so may be a letter.
_ESCAPED: Final = (rb"\u00", rb"\u01", rb"\u21", rb"\/")
_SAME_IN_SMALL: Final = "PZS"  # categories of signs of which none is another's small letter
_EVERY: Final = b"{"  # every object has it


class _Row(msgspec.Struct, gc=False):
    """What says which rules a line may match."""

    channel: str | int | float | bool | UnsetType | None = msgspec.field(
        name="Channel", default=UNSET
    )
    number: str | int | float | bool | UnsetType | None = msgspec.field(
        name="EventID", default=UNSET
    )


class Screen:
    """A set of rules, for lines of JSON."""

    def __init__(self, engine: Engine, kind: Kind, renamed: Renamed) -> None:
        """Let through what a rule of an engine may match."""
        self._engine = engine
        self._kind = kind
        self._renamed = renamed
        self._kinds: dict[tuple[object, type, object, type], _Way | None] = {}
        self._routes: dict[Numbers, _Way] = {}
        self._decode = msgspec.json.Decoder(_Row).decode
        self._pause = 0

    def through(self, lines: Sequence[bytes]) -> Sequence[int]:
        """Return the places of the lines that have to be read; each of the others is an event, and nothing more."""
        if self._pause:
            self._pause -= 1
            return range(len(lines))
        if len(self._engine.told) >= _MOST_TOLD:
            self._engine.told.clear()
        left = [at for at, line in enumerate(lines) if self._may_match(line)]
        if len(left) == len(lines):
            self._pause = _PAUSE
        return left

    def _may_match(self, line: bytes) -> bool:
        try:
            row = self._decode(line)
        except _STRANGE:
            return True
        if row.number is UNSET:  # of another writer
            return True
        route = self._route(row)
        if route is None:
            return False
        found = route.candidates(line)
        if found is None:
            return True
        if found and len(line) <= _MOST_LINE:
            raw = line.removesuffix(b"\n").removesuffix(b"\r")
            self._engine.told[raw] = sorted(found)
        return bool(found)

    def _route(self, row: _Row) -> "_Way | None":
        kind = row.channel, type(row.channel), row.number, type(row.number)
        try:
            return self._kinds[kind]
        except KeyError:
            route = self._way(row)
            if len(str(row.channel)) + len(str(row.number)) <= _LONG:
                if len(self._kinds) >= _MOST_KINDS:
                    self._kinds.clear()
                self._kinds[kind] = route
            return route

    def _way(self, row: _Row) -> "_Way | None":
        channel = None if isinstance(row.channel, UnsetType) else row.channel
        source, number = self._kind(
            channel, None if isinstance(row.number, UnsetType) else row.number
        )
        numbers = self._engine.router.left(source, {"Channel": channel, "EventID": number})
        if not numbers:
            return None
        route = self._routes.get(numbers)
        if route is None:
            rules = self._engine.required.of(numbers)
            route = self._routes[numbers] = _Way(lambda: Route(rules, self._lines))
        return route

    def _lines(self, known: Collection[Literal], busy: bool) -> "_Lines":  # noqa: FBT001 as Route has it
        return _Lines(known, self._renamed, busy=busy)


class _Way:
    """A route that is made once some lines have taken it: those are read, for a few are not worth it."""

    def __init__(self, make: Callable[[], Route[bytes]]) -> None:
        self._make = make
        self._few = _FEW
        self._route: Route[bytes] | None = None

    def candidates(self, line: bytes) -> Collection[int] | None:
        """Return the rules that may match a line; none: all that the event may match."""
        if self._route is None:
            self._few -= 1
            if self._few:
                return None
            self._route = self._make()
        return self._route.candidates(line)


class _Lines:
    """Literals, found in a line all at once, wherever they stand in it."""

    def __init__(self, known: Collection[Literal], renamed: Renamed, *, busy: bool) -> None:
        marks: dict[bytes, list[Literal]] = defaultdict(list)
        for each in known:
            for mark in _marks(each, renamed):
                marks[mark].append(each)
        self._literals = list(marks.values())
        foreign = {sign for each in known if not each.text.isascii() for sign in each.text}
        strange = sorted(_strange(foreign) - marks.keys()) if known else []
        self._strange = len(marks)  # from there on marks of what may be written otherwise
        self._automaton = automaton([*marks, *strange], busy=busy)

    def found_in(self, line: bytes, /) -> Collection[Literal] | None:
        hits = self._automaton.find_matches_as_indexes(line.lower(), overlapping=True)
        if not hits:
            return ()
        numbers = {number for number, _, _ in hits}
        if max(numbers) >= self._strange:
            return None
        return {each for number in numbers for each in self._literals[number]}


def _marks(literal: Literal, renamed: Renamed) -> Iterator[bytes]:
    """Yield texts of which a line that has a literal has one, in small letters."""
    if literal.at is not At.ANYWHERE and not is_of_number(literal):
        is_plain = literal.text.isascii() or all(map(_is_plain, literal.text))
        yield written(literal) if is_plain else _EVERY
    elif literal.field:  # of what is nested, the last name
        for name in (literal.field, *renamed.get(literal.field, ())):
            last = Literal("", At.END, name.rpartition(".")[2].lower())
            yield written(last) if last.text.isascii() else _EVERY
    else:
        yield _EVERY


def _is_plain(sign: str) -> bool:
    return sign.isascii() or (
        unicodedata.category(sign)[0] in _SAME_IN_SMALL and sign.lower() == sign == sign.upper()
    )


def _strange(signs: Collection[str]) -> set[bytes]:
    """Return texts of which a line has one that has a literal in other words than ``_marks`` says."""
    found = {*_ESCAPED, *(sign.encode() for sign in SMALL_IN_ASCII)}
    for sign in signs:
        if not sign.isascii():
            found.add(rb"\u" + sign.encode("utf-16-be").hex()[:2].encode())
    return found
