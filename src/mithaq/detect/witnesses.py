"""Witnesses: for a rule, a few literals of which every event it holds for has at least one.

What a predicate requires follows from its shape. A test for a text requires that text in its field; ``All`` requires
what any one of its parts does, so the rarest is taken; ``Any`` requires one of what its parts do; what is negated
requires nothing. On an event without a rule's witnesses the rule need not be tried: of thousands, a few are.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from mithaq.detect.language import All, Any, Not, Op, Predicate, Test, pieces, text
from mithaq.detect.regexes import required
from mithaq.detect.routing import FIELDS


class At(StrEnum):
    """Where in a value a literal stands."""

    WHOLE = "whole"
    START = "start"
    END = "end"
    INSIDE = "inside"
    ANYWHERE = "anywhere"  # no literal: the field is there


class Literal(NamedTuple):
    """A text in small letters in the values of a field; of ``field`` empty, in those of any."""

    field: str
    at: At
    text: str = ""

    def stands_in(self, value: str) -> bool:
        """Say whether it is in a value, which is in small letters too."""
        match self.at:
            case At.WHOLE:
                return value == self.text
            case At.START:
                return value.startswith(self.text)
            case At.END:
                return value.endswith(self.text)
            case At.INSIDE:
                return self.text in value
            case At.ANYWHERE:
                return True


Cost: TypeAlias = Callable[[Literal], float]
_PLACES: Final = {
    Op.EQUALS: At.WHOLE,
    Op.STARTS: At.START,
    Op.ENDS: At.END,
    Op.CONTAINS: At.INSIDE,
}
_PRESUMED: Final = {
    At.WHOLE: 0.1,
    At.START: 0.5,
    At.END: 0.5,
    At.INSIDE: 0.7,
}  # of a text of no length
ALWAYS: Final = 1.0
_SHARE: Final = 0.8  # of the texts of some length, those that are as likely with one more sign
MOST_LITERALS: Final = (
    4096  # of one rule in the index; a rule that needs more is tried on every event
)


def witnesses(predicate: Predicate, cost: Cost) -> frozenset[Literal] | None:
    """Return the cheapest literals of which one is in every event the predicate holds for; none: it requires none."""
    found = _required(predicate, cost)
    return None if found is None or len(found) > MOST_LITERALS else found


def presumed(literal: Literal) -> float:
    """Return the share of events that may have a literal: few have long ones, or whole values."""
    if literal.at is At.ANYWHERE or literal.field in FIELDS:  # those of a route have its values
        return ALWAYS
    return float(_PRESUMED[literal.at] * _SHARE ** len(literal.text))


def literals(predicate: Predicate) -> Iterator[Literal]:
    """Yield every literal that may come to be a witness of a predicate."""
    match predicate:
        case All(parts) | Any(parts):
            for part in parts:
                yield from literals(part)
        case Test() if (found := _literal(predicate)) is not None:
            yield found


def _required(predicate: Predicate, cost: Cost) -> frozenset[Literal] | None:
    match predicate:
        case All(parts):
            known = [each for part in parts if (each := _required(part, cost)) is not None]
            return min(known, key=lambda each: _sum(each, cost), default=None)
        case Any(parts):
            return _union(_required(part, cost) for part in parts)
        case Not():
            return None
    found = _literal(predicate)
    return None if found is None else frozenset({found})


def _union(parts: Iterable[frozenset[Literal] | None]) -> frozenset[Literal] | None:
    found: set[Literal] = set()
    for part in parts:
        if part is None:
            return None
        found |= part
    return frozenset(found)


def _sum(found: frozenset[Literal], cost: Cost) -> float:
    return sum(cost(literal) for literal in found)


def _literal(test: Test) -> Literal | None:
    if test.op is Op.ABSENT:
        return None
    found = None
    if test.op in _PLACES:
        found = _placed(test, _PLACES[test.op])
    elif test.op is Op.GLOB:
        found = _inside(test, _plain(text(test.value)))
    elif test.op is Op.REGEX:
        found = _inside(test, required(text(test.value), cased=test.cased))
    there = Literal(test.field, At.ANYWHERE) if test.field else None
    return found or there


def _placed(test: Test, place: At) -> Literal | None:
    written = text(test.value).lower()
    if not test.field:  # all values are searched together, so where it stands in one does not show
        place = At.INSIDE
    if not _usable(test, written) or not (written or place is At.WHOLE):
        return None
    return Literal(test.field, place, written)


def _plain(glob: str) -> str:
    """Return the longest plain text of a glob: without question marks, for which a glob takes what is none in UTF-8."""
    parts = [part for part in pieces(glob.lower()) if isinstance(part, str)]
    return max((each for part in parts for each in part.split("?")), key=len, default="")


def _inside(test: Test, plain: str) -> Literal | None:
    return Literal(test.field, At.INSIDE, plain) if plain and _usable(test, plain) else None


def _usable(test: Test, written: str) -> bool:
    """Say whether a text made small is surely in what was made small: beyond ASCII its neighbours may matter."""
    if written.isascii():
        return True
    return not test.cased and all(not "\ud800" <= sign <= "\udfff" for sign in written)
