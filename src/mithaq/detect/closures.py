"""Predicates as functions: what ``language.holds`` says, said faster.

Of each field what it is compared as is worked out once for all rules. Alternatives of one kind to one field are asked
together: a set for whole values, one call for all beginnings or all ends.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TypeAlias

from mithaq.detect.language import All, Any, Not, Op, Predicate, Test, holds, text
from mithaq.model.telemetry import Event, Value


class Seen:
    """One event while rules are tried on it."""

    __slots__ = ("_cased", "_small", "event", "fields")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.fields: Mapping[str, Value] = event.fields
        self._small: dict[str, tuple[str, ...]] = {}
        self._cased: dict[str, tuple[str, ...]] = {}

    def small(self, field: str) -> tuple[str, ...]:
        """Return what a field holds, or all fields do, in small letters."""
        found = self._small.get(field)
        if found is None:
            found = self._small[field] = tuple(map(str.lower, self.cased(field)))
        return found

    def cased(self, field: str) -> tuple[str, ...]:
        """Return what a field holds, or all fields do."""
        found = self._cased.get(field)
        if found is None:
            found = self._cased[field] = self._held(field)
        return found

    def _held(self, field: str) -> tuple[str, ...]:
        if field:
            return texts(self.fields.get(field))
        return tuple(each for value in self.fields.values() for each in texts(value))


Check: TypeAlias = Callable[[Seen], bool]


def texts(value: Value) -> tuple[str, ...]:
    """Return what a value, or each of its values, is compared as; what is null is not there."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        return () if value is None else (text(value),)
    return tuple(text(each) for each in value if each is not None)


def check(predicate: Predicate) -> Check:
    """Return a function that says of an event what ``language.holds`` says of it."""
    match predicate:
        case All(parts):
            return _all([check(part) for part in parts])
        case Any(parts):
            return _any(_together(parts))
        case Not(part):
            inner = check(part)
            return lambda seen: not inner(seen)
    return _test(predicate)


def _all(checks: list[Check]) -> Check:
    if not checks:
        return lambda _: False
    if len(checks) == 1:
        return checks[0]

    def each(seen: Seen) -> bool:
        for one in checks:  # noqa: SIM110 a generator would cost as much as most checks do
            if not one(seen):
                return False
        return True

    return each


def _any(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]

    def one_of(seen: Seen) -> bool:
        for one in checks:  # noqa: SIM110 as above
            if one(seen):
                return True
        return False

    return one_of


def _together(parts: tuple[Predicate, ...]) -> list[Check]:
    """Return checks of alternatives, those of one kind to one field as one; the plain ones come first."""
    kinds: dict[tuple[str, Op, bool], list[str]] = defaultdict(list)
    others: list[Check] = []
    for part in parts:
        if isinstance(part, Test) and part.op in _TEXTS:
            written = text(part.value)
            kinds[part.field, part.op, part.cased].append(
                written if part.cased else written.lower()
            )
        else:
            others.append(check(part))
    return [_TEXTS[op](field, known, cased) for (field, op, cased), known in kinds.items()] + others


def _test(test: Test) -> Check:
    if test.op in _TEXTS:
        (found,) = _together((test,))
        return found
    if test.op is Op.PRESENT:
        field = test.field
        return lambda seen: bool(seen.cased(field))
    return lambda seen: holds(test, seen.event)


def _equals(field: str, known: list[str], cased: bool) -> Check:  # noqa: FBT001 one of a table of four
    wanted = frozenset(known)
    values = Seen.cased if cased else Seen.small
    return lambda seen: not wanted.isdisjoint(values(seen, field))


def _starts(field: str, known: list[str], cased: bool) -> Check:  # noqa: FBT001
    wanted = tuple(known)
    values = Seen.cased if cased else Seen.small
    return lambda seen: any(value.startswith(wanted) for value in values(seen, field))


def _ends(field: str, known: list[str], cased: bool) -> Check:  # noqa: FBT001
    wanted = tuple(known)
    values = Seen.cased if cased else Seen.small
    return lambda seen: any(value.endswith(wanted) for value in values(seen, field))


def _contains(field: str, known: list[str], cased: bool) -> Check:  # noqa: FBT001
    values = Seen.cased if cased else Seen.small

    def inside(seen: Seen) -> bool:
        for value in values(seen, field):
            for each in known:
                if each in value:
                    return True
        return False

    return inside


_TEXTS: dict[Op, Callable[[str, list[str], bool], Check]] = {
    Op.EQUALS: _equals,
    Op.STARTS: _starts,
    Op.ENDS: _ends,
    Op.CONTAINS: _contains,
}
