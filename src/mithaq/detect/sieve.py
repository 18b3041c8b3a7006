"""Lines of telemetry that nobody asks for, set aside before they are read.

Most telemetry speaks of nothing that anybody looks for, and reading it is what costs. Of JSON as Windows' event log and
Zeek have it, only the fields are decoded that hold values of the kinds that are looked for, many lines at once. A line
is read if one of these values is an indicator's, and so is any line that is not surely of such a form; of the others
it is only known that they are events. So whoever reads what is left finds what they would find in all of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from mithaq.detect import fields as tables
from mithaq.detect.indicators import Indicators
from mithaq.detect.observables import LISTED, SHORT, kinds_of

_REMEMBERED: Final = 1 << 14  # texts of one way of reading
_MOST: Final = 64 << 20  # bytes of rows that are remembered, counted by their lines
_ROW: Final = 1024  # bytes of one with nothing in it
_PAUSE: Final = 16  # times that lines go unlooked at when all before had to be read
_OF_ZEEK: Final = ("dns", "smtp", "smb_files")  # its logs that have tables of their own
_STRANGE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_Row: TypeAlias = msgspec.Struct
_Rows: TypeAlias = set[_Row | None]
_Memo: TypeAlias = dict[object, bool]
_Scalar: TypeAlias = str | int | None
# Nothing else: a line is read that has an object there, or what equals a number and is written otherwise.
_Said: TypeAlias = _Scalar | tuple[_Scalar, ...] | UnsetType
_Closed: TypeAlias = _Scalar | float | bool | UnsetType


class Sieve:
    """A set of indicators, for lines of JSON."""

    def __init__(self, indicators: Indicators) -> None:
        """Let through what speaks of ``indicators``."""
        zeek = dict(tables.ZEEK)
        for log in _OF_ZEEK:
            zeek |= tables.TABLES[log]
        zeek |= {name.replace("id.", "id_"): how for name, how in zeek.items() if name[:3] == "id."}
        asked = _Asked(indicators)
        self._forms = [
            _form(asked, tables.WINDOWS, ("EventID",), _of_windows),
            _form(asked, zeek, ("EventID", "_path"), _of_zeek),
        ]
        self._pause = 0

    def through(self, lines: Sequence[bytes]) -> Sequence[int]:
        """Return the places of the lines that have to be read; each of the others is an event, and nothing more."""
        if self._pause:
            self._pause -= 1
            return range(len(lines))
        left: list[int] = []
        strange: Sequence[int] = range(len(lines))
        some = lines
        for form in self._forms:
            loud, others = form.sort(some)
            left += [strange[at] for at in loud]
            if not others:
                if form is not self._forms[0]:  # lines of one form stand together
                    self._forms.remove(form)
                    self._forms.insert(0, form)
                break
            strange, some = [strange[at] for at in others], [some[at] for at in others]
        else:
            left += strange
        if len(left) == len(lines):
            self._pause = _PAUSE
        return sorted(left)


def _of_windows(signs: tuple[object, ...]) -> bool:
    return signs[0] is not UNSET


def _of_zeek(signs: tuple[object, ...]) -> bool:
    number, path = signs
    of_others = isinstance(path, str) and path in tables.TABLES and path not in _OF_ZEEK
    return number is UNSET and isinstance(path, str) and path != "" and not of_others


class _Asked:
    """What is asked of the values of fields: the same for all forms."""

    def __init__(self, indicators: Indicators) -> None:
        self._indicators = indicators
        self._memos: dict[str, _Memo] = {}

    def any_of(self, how: str) -> bool:
        """Say whether what is read that way may be an indicator's."""
        return not kinds_of(how).isdisjoint(self._indicators.kinds)

    def memo(self, how: str) -> _Memo:
        """Return what is remembered of texts that are read that way."""
        return self._memos.setdefault(how, {})

    def speaks(self, how: str, said: object) -> bool:
        """Say whether what a field says is an indicator's."""
        if isinstance(said, tuple):
            memo = self.memo(how)
            return any(
                memo.get(one) is not False and self.speaks(how, one) for one in said[:LISTED]
            )
        if said is None:
            return False
        text, memo = str(said), self.memo(how)
        known = memo.get(text)
        if known is None:
            known = bool(self._indicators.answers(how, text))
            if len(text) <= SHORT:
                if len(memo) >= _REMEMBERED:
                    memo.clear()
                memo[text] = known
        return known


@dataclass(slots=True)
class _Form:
    """One way in which lines are written: what of them is decoded, and how each field is read."""

    asked: _Asked
    decode: Callable[[bytes], _Row]
    signs: Callable[[_Row], tuple[object, ...]]  # what says of what form a line is
    fits: Callable[[tuple[object, ...]], bool]
    values: Callable[[_Row], tuple[object, ...]]  # what its fields say, in the order of ``ways``
    ways: Sequence[tuple[str, _Memo]]  # how each is read, and what is remembered of that
    pairs: Sequence[
        tuple[str, Callable[[_Row], tuple[object, ...]]]
    ]  # how, and two fields together
    quiet: _Rows = field(default_factory=set)  # of this form, and speaking of none
    loud: _Rows = field(default_factory=set)  # that speak of one
    strange: _Rows = field(default_factory=set)  # of other forms
    size: int = 0  # bytes of all of them, at most

    def sort(self, lines: Sequence[bytes]) -> tuple[Sequence[int], Sequence[int]]:
        """Return the places of lines that speak of an indicator, and of those that are not of this form."""
        rows: list[_Row | None]
        try:
            rows = list(map(self.decode, lines))
        except _STRANGE:
            rows = list(self._decoded(lines))
        seen = set(rows)
        seen -= self.quiet
        if not seen:
            return (), ()
        if new := seen.difference(self.loud, self.strange):
            self.size += len(new) * (max(map(len, lines)) + _ROW)
            if self.size > _MOST:
                self.size, new = 0, seen
                for known in (self.quiet, self.loud, self.strange):
                    known.clear()
            self._learn(new)
        loud, strange = seen & self.loud, seen & self.strange
        return _places(rows, loud), _places(rows, strange)

    def _learn(self, rows: _Rows) -> None:
        for row in rows:
            if row is None or not self.fits(self.signs(row)):
                self.strange.add(row)
            elif self._is_quiet(row):
                self.quiet.add(row)
            else:
                self.loud.add(row)

    def _decoded(self, lines: Sequence[bytes]) -> Iterator[_Row | None]:
        for line in lines:
            try:
                yield self.decode(line)
            except _STRANGE:
                yield None

    def _is_quiet(self, row: _Row) -> bool:
        speaks = self.asked.speaks
        said = self.values(row)
        there = [(one, way) for one, way in zip(said, self.ways, strict=True) if one is not UNSET]
        for one, (how, memo) in there:
            # Most texts were seen before; only texts are in the memo.
            if memo.get(one) is not False and speaks(how, one):
                return False
        for how, both in self.pairs:
            one, two = both(row)
            if isinstance(one, tuple) or isinstance(two, tuple):
                return False  # which belong together is for the reader to say
            if UNSET not in (one, two) and None not in (one, two) and speaks(how, f"{one}\0{two}"):
                return False
        return True


def _places(rows: Sequence[_Row | None], some: _Rows) -> Sequence[int]:
    return [at for at, row in enumerate(rows) if row in some] if some else ()


def _form(
    asked: _Asked,
    table: Mapping[str, str],
    signs: tuple[str, ...],
    fits: Callable[[tuple[object, ...]], bool],
) -> _Form:
    singles = {name: how for name, how in table.items() if asked.any_of(how)}
    pairs = [each for each in tables.PAIRS if each[1] in table and asked.any_of(each[0])]
    names = dict.fromkeys([*singles, *(name for pair in pairs for name in pair[1:])])
    # What is nested comes to names with dots.
    outer = {part for name in names for part in _outer(name)}.difference(names)
    types: dict[str, Any] = dict.fromkeys(signs, _Closed) | dict.fromkeys(names, _Said)
    types |= dict.fromkeys(sorted(outer), _Closed)
    attributes = {name: f"f{number}" for number, name in enumerate(types)}
    struct = msgspec.defstruct(
        "Row",
        [(attributes[name], type_, UNSET) for name, type_ in types.items()],
        rename={attribute: name for name, attribute in attributes.items()},
        frozen=True,
        gc=False,
        cache_hash=True,
    )

    def getter(names: Iterable[str]) -> Callable[[_Row], tuple[object, ...]]:
        return _getter([attributes[name] for name in names])

    return _Form(
        asked=asked,
        decode=msgspec.json.Decoder(struct).decode,
        signs=getter(signs),
        fits=fits,
        values=getter(singles),
        ways=[(how, asked.memo(how)) for how in singles.values()],
        pairs=[(how, getter((one, two))) for how, one, two in pairs],
    )


def _outer(name: str) -> Iterator[str]:
    """Yield the names that ``name`` may be nested in."""
    parts = name.split(".")
    yield from (".".join(parts[:count]) for count in range(1, len(parts)))


def _getter(attributes: Sequence[str]) -> Callable[[_Row], tuple[object, ...]]:
    """Return what gives attributes of a row as a tuple."""
    if not attributes:
        return lambda _row: ()
    found = attrgetter(*attributes)
    return found if len(attributes) > 1 else lambda row: (found(row),)
