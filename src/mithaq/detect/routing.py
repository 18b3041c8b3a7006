"""Routes: which rules an event's log source, channel and event number leave.

A rule is about a log source, and most require a channel and some event numbers. What a predicate requires of such a
field is read from its shape, as witnesses are; a rule that requires nothing of it is open to every value.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from mithaq.detect.language import All, Any, Op, Predicate, Rule, Test, text
from mithaq.model.telemetry import LogSource, Value

Numbers: TypeAlias = frozenset[int]  # of rules, in the order they were given
FIELDS: Final = ("Channel", "EventID")


def about(wanted: LogSource, said: LogSource) -> bool:
    """Say whether a rule about one log source is for events of another: what both name is the same."""
    pairs = zip(wanted, said, strict=True)
    return all(not ours or not theirs or ours == theirs for ours, theirs in pairs)


class Router:
    """Which rules are left by what an event is."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._sources = [
            _Part([frozenset({rule.source[at]}) if rule.source[at] else None for rule in rules])
            for at in range(len(LogSource._fields))
        ]
        self._fields = {
            name: _Part([allowed(rule.predicate, name) for rule in rules]) for name in FIELDS
        }

    def left(self, source: LogSource, fields: Mapping[str, Value]) -> Numbers:
        """Return the rules that events of this kind can match."""
        asked = [
            part.left(said) if said else part.all
            for part, said in zip(self._sources, source, strict=True)
        ]
        for name, part in self._fields.items():
            value = fields.get(name)
            if value is None:
                asked.append(part.open)
            elif not isinstance(value, list):  # several are not told apart here
                asked.append(part.left(text(value).lower()))
        return frozenset.intersection(*asked)


class _Part:
    def __init__(self, wanted: Sequence[frozenset[str] | None]) -> None:
        self.all = frozenset(range(len(wanted)))
        self.open = frozenset(number for number, values in enumerate(wanted) if values is None)
        asks: dict[str, set[int]] = defaultdict(set)
        for number, values in enumerate(wanted):
            for value in values or ():
                asks[value].add(number)
        self._asks = {value: self.open | numbers for value, numbers in asks.items()}

    def left(self, value: str) -> Numbers:
        return self._asks.get(value, self.open)


def allowed(predicate: Predicate, field: str) -> frozenset[str] | None:
    """Return the values, in small letters, of which a predicate requires one in a field; none: it does not."""
    match predicate:
        case All(parts):
            required = [each for part in parts if (each := allowed(part, field)) is not None]
            return frozenset.intersection(*required) if required else None
        case Any(parts):
            known = [allowed(part, field) for part in parts]
            return None if None in known else frozenset().union(*(each or () for each in known))
        case Test(name, Op.EQUALS, value) if name == field:
            return frozenset({text(value).lower()})
    return None
