"""The engine: rules are compiled once, and of thousands the few that an event can match are tried on it.

First by route: what an event's log source, channel and event number rule out is not looked at. Then by witness
(``mithaq.detect.index``): of the rules of the route those are left that ask for something the event has. Those are
tried in full (``mithaq.detect.closures``). So a rule costs by how often it is likely, hardly by being there. What is
found is what ``matches`` says of each event and rule, in their order, whatever the batches: from one event for the
next nothing is kept but what saves work.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final, TypeAlias

from mithaq.detect import assets
from mithaq.detect.closures import Check, Seen, check
from mithaq.detect.index import Index, Numbers, Requirements, Route
from mithaq.detect.language import All, Any, Predicate, Rule, Test, holds
from mithaq.detect.matches import Match
from mithaq.detect.routing import Router, about
from mithaq.model.telemetry import Event, LogSource, Value

_MOST_KINDS: Final = 1 << 14  # kinds of events whose route is remembered
_LONG: Final = 256  # characters of what a kind is known by; longer ones are not remembered

_Kind: TypeAlias = tuple[LogSource, Value, type, Value, type]  # 1 and true are equal to Python


def matches(rule: Rule, event: Event) -> bool:
    """Say whether a rule matches an event: the plain meaning of what the engine finds."""
    return about(rule.source, event.source) and holds(rule.predicate, event)


class Engine:
    """Rules, ready for events."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._compiled = [_Compiled(rule) for rule in rules]
        self.router = Router(rules)
        self.required = Requirements(self.rules)
        self.told: dict[bytes, list[int]] = {}  # by a screen, of events by their bytes
        self._kinds: dict[_Kind, Route[Seen] | None] = {}
        self._routes: dict[Numbers, Route[Seen]] = {}

    def match(self, batch: Sequence[Event]) -> Iterator[Match]:
        """Yield what the rules find in events."""
        for event in batch:
            seen = Seen(event)
            if candidates := self.candidates(seen):
                yield from self._try(candidates, seen)

    def candidates(self, seen: Seen) -> list[int]:
        """Return which rules, by their place among them, an event may match."""
        if (told := self.told.get(seen.event.raw)) is not None:
            return told
        route = self._route(seen.event)
        return [] if route is None else sorted(route.candidates(seen))

    def tried(self, number: int, seen: Seen) -> Match | None:
        """Try one rule in full on an event that it is a candidate for."""
        rule = self._compiled[number]
        return rule.match(seen) if rule.check(seen) else None

    def _try(self, candidates: list[int], seen: Seen) -> Iterator[Match]:
        found: set[str] = set()  # a rule may stand here once for each of several log sources
        for number in candidates:
            if (match := self.tried(number, seen)) is not None and match.digest not in found:
                found.add(match.digest)
                yield match

    def unwitnessed(self, event: Event) -> int:
        """Return how many rules are tried on every event of this one's kind: nothing tells that they cannot match."""
        route = self._route(event)
        return 0 if route is None else len(route.unwitnessed)

    def _route(self, event: Event) -> Route[Seen] | None:
        fields = event.fields
        channel, number = fields.get("Channel"), fields.get("EventID")
        kind = (event.source, channel, type(channel), number, type(number))
        try:
            return self._kinds[kind]
        except KeyError:
            route = self._way(event)
            if not any(_long(each) for each in (*event.source, channel, number)):
                if len(self._kinds) >= _MOST_KINDS:
                    self._kinds.clear()
                self._kinds[kind] = route
            return route
        except TypeError:  # several values, which cannot be remembered
            return self._way(event)

    def _way(self, event: Event) -> Route[Seen] | None:
        numbers = self.router.left(event.source, event.fields)
        if not numbers:
            return None
        route = self._routes.get(numbers)
        if route is None:
            route = self._routes[numbers] = Route(self.required.of(numbers), Index)
        return route


class _Compiled:
    """One rule; what it comes to is worked out when it is first tried."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    @cached_property
    def check(self) -> Check:
        return check(self.rule.predicate)

    @cached_property
    def rests_on(self) -> tuple[list[str], list[Test]]:
        """The fields it asks about, and its questions to every value; not those of what it excludes."""
        tests = [*_affirmed(self.rule.predicate)]
        names = {test.field: None for test in tests if test.field}
        return list(names), [test for test in tests if not test.field]

    def match(self, seen: Seen) -> Match:
        names, anywhere = self.rests_on
        found = {name: seen.fields[name] for name in names if seen.fields.get(name) is not None}
        for test in anywhere:
            for name, value in seen.fields.items():
                if name not in found and holds(test, Event(fields={name: value}, raw=b"")):
                    found[name] = value
        event, rule = seen.event, self.rule
        return Match(
            rule=rule.id,
            giver=rule.giver,
            digest=rule.digest,
            title=rule.title,
            level=rule.level,
            event=event.digest,
            at=event.at,
            source=event.source,
            asset=assets.of(event),
            found=found,
        )


def _long(value: Value) -> bool:
    return isinstance(value, str) and len(value) > _LONG


def _affirmed(predicate: Predicate) -> Iterator[Test]:
    match predicate:
        case All(parts) | Any(parts):
            for part in parts:
                yield from _affirmed(part)
        case Test():
            yield predicate
