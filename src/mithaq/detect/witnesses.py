"""Witnesses: for a rule, a few literals of which every event it holds for has at least one.

What a predicate requires follows from its shape. A test for a text requires that text in its field; ``All`` requires
what any one of its parts does, so the rarest is taken; ``Any`` requires one of what its parts do; what is negated
requires nothing. On an event without a rule's witnesses the rule need not be tried: of thousands, a few are.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from mithaq.detect import regexes
from mithaq.detect.language import All, Any, Not, Op, Predicate, Test, pieces, text
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


@dataclass(frozen=True, slots=True)
class OneOf:
    """Of some literals, and of what else is required, one is there."""

    literals: tuple[tuple[Literal, float], ...]  # each with the share of events that may have it
    others: "tuple[EachOf, ...]" = ()


@dataclass(frozen=True, slots=True)
class EachOf:
    """All of these are there, so any of them will do; there are at least two."""

    parts: tuple[OneOf, ...]


Required: TypeAlias = OneOf | EachOf
Cost: TypeAlias = Callable[[Literal, float], float]  # of a literal, and what is presumed of it


def required(predicate: Predicate) -> Required | None:
    """Return what every event has that a predicate holds for; none: it requires nothing."""
    match predicate:
        case All(parts):
            return _each([each for part in parts if (each := required(part)) is not None])
        case Any(parts):
            known = [required(part) for part in parts]
            return None if None in known else _one(filter(None, known))
        case Not():
            return None
    found = _literal(predicate)
    return None if found is None else OneOf(((found, presumed(found)),))


def _each(parts: Sequence[Required]) -> Required | None:
    flat: list[OneOf] = []
    for part in parts:
        flat += part.parts if isinstance(part, EachOf) else (part,)
    if not flat:
        return None
    return flat[0] if len(flat) == 1 else EachOf(tuple(flat))


def _one(parts: Iterable[Required]) -> OneOf:
    literals: dict[Literal, float] = {}
    others: list[EachOf] = []
    for part in parts:
        if isinstance(part, EachOf):
            others.append(part)
        else:
            literals.update(part.literals)
            others += part.others
    return OneOf(tuple(literals.items()), tuple(others))


def witnesses(what: Required, cost: Cost) -> frozenset[Literal] | None:
    """Return the cheapest literals of which each event that has what is required has one; none: they are too many."""
    found, _ = _cheapest(what, cost)
    return None if len(found) > MOST_LITERALS else frozenset(found)


def literals(what: Required) -> Iterator[Literal]:
    """Yield every literal that may come to be a witness."""
    if isinstance(what, EachOf):
        for part in what.parts:
            yield from literals(part)
    else:
        yield from (literal for literal, _ in what.literals)
        for other in what.others:
            yield from literals(other)


def _cheapest(what: Required, cost: Cost) -> tuple[list[Literal], float]:
    if isinstance(what, EachOf):
        return min((_cheapest(part, cost) for part in what.parts), key=itemgetter(1))
    found = [literal for literal, _ in what.literals]
    whole = sum([cost(literal, rare) for literal, rare in what.literals])
    for other in what.others:
        some, more = _cheapest(other, cost)
        found += some
        whole += more
    return found, whole


def presumed(literal: Literal) -> float:
    """Return the share of events that may have a literal: few have long ones, or whole values."""
    if literal.at is At.ANYWHERE or literal.field in FIELDS:  # those of a route have its values
        return ALWAYS
    return float(_PRESUMED[literal.at] * _SHARE ** len(literal.text))


def _literal(test: Test) -> Literal | None:
    if test.op is Op.ABSENT:
        return None
    found = None
    if test.op in _PLACES:
        found = _placed(test, _PLACES[test.op])
    elif test.op is Op.GLOB:
        found = _inside(test, _plain(text(test.value)))
    elif test.op is Op.REGEX:
        found = _inside(test, regexes.required(text(test.value), cased=test.cased))
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
