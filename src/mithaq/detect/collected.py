"""What telemetry there is: log sources by name, as rules need them, and which of them an event comes from.

A name says what is collected and what of it a rule is about: ``sysmon/dns_query``, ``zeek/http``. Rules name the same
sources (``sigma.Compiled.needs``), so whether a rule can be evaluated is a matter of sets.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import Final, TypeAlias

from mithaq.detect.language import All, Any, Not, Op, Predicate, Test, holds
from mithaq.detect.sigma import routes
from mithaq.detect.sigma.sources import Route, called
from mithaq.model.telemetry import UNSAID, Event

Needs: TypeAlias = tuple[frozenset[str], ...]  # of each, one
_MOST_KINDS: Final = 1 << 14  # kinds of events that are remembered
_SENSORS: Final = frozenset({"zeek", "suricata"})
_DAY: Final = 10  # signs of an instant that are its day


def serves(collected: Collection[str], needs: Needs) -> bool:
    """Say whether a rule can be evaluated on what is collected; one that needs nothing that is known cannot."""
    return bool(needs) and all(not each.isdisjoint(collected) for each in needs)


def wanting(collected: Collection[str], needs: Needs) -> frozenset[str]:
    """Return the log sources of which any one more would let a rule be evaluated; none if it takes several."""
    missing = [each for each in needs if each.isdisjoint(collected)]
    return frozenset.intersection(*missing) if missing else frozenset()


@cache
def known() -> tuple[str, ...]:
    """Return the names of all log sources that are told apart, but for Zeek's, which has as many as it has logs."""
    return tuple(dict.fromkeys(name for name, _ in _routes()))


def declared(patterns: Iterable[str], names: Iterable[str]) -> frozenset[str]:
    """Return those of some names that people say are collected, as ``sysmon/*``."""
    some = set(names)
    return frozenset(n for pattern in patterns for n in some if fnmatchcase(n, pattern))


@cache
def _routes() -> tuple[tuple[str, Route], ...]:
    return tuple(
        (called(route, about), route) for about in routes.known() for route in routes.routes(about)
    )


@dataclass(slots=True)
class Collected:
    """Counts events by log source and day; each kind of event is looked at once."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)  # (log source, day) -> events
    _kinds: dict[object, tuple[str, ...]] = field(default_factory=dict)

    def take(self, batch: Iterable[Event]) -> None:
        """Count some events; of one that does not say when it happened, the day is empty."""
        for event in batch:
            for name in self._names(event):
                self.counts[name, event.at[:_DAY]] += 1

    def _names(self, event: Event) -> tuple[str, ...]:
        fields = event.fields
        channel = fields.get("Channel")
        kind: object
        if channel is not None:  # Windows: what a channel writes under a number is of one form
            kind = (event.source, channel, fields.get("EventID"))
        elif event.source.product in _SENSORS:  # their logs are told by name
            kind = event.source
        else:
            values = tuple([fields.get(name) for name in _told()])
            kind = (event.source, values, frozenset(fields.keys() & _asked()))
        try:
            found = self._kinds.get(kind)
        except TypeError:  # a list of values, which is no key
            return sources_of(event)
        if found is None:
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            found = self._kinds[kind] = sources_of(event)
        return found


def sources_of(event: Event) -> tuple[str, ...]:
    """Return the names of the log sources that an event comes from."""
    found = [name for name, route in _routes() if _from(route, event)]
    if event.source.product == "zeek" and event.source.service:
        found.append(f"zeek/{event.source.service}")
    return tuple(dict.fromkeys(found))


def _from(route: Route, event: Event) -> bool:
    """Say whether an event comes by a route: what the route says of its source, the event says too.

    A route that goes by names of fields alone is for events that do not say who wrote them.
    """
    pairs = zip(route.source, event.source, strict=True)
    if not all(not ours or ours == theirs for ours, theirs in pairs):
        return False
    if route.where is None:
        return route.source != UNSAID
    if route.source == UNSAID and event.source.product and _by_names(route.where):
        return False
    return holds(route.where, event)


def _by_names(predicate: Predicate) -> bool:
    return all(test.op is Op.PRESENT for test in _within(predicate))


@cache
def _told() -> tuple[str, ...]:
    """Return the fields whose values tell kinds of events apart."""
    asked = {test.field for test in _tests() if test.op is not Op.PRESENT}
    return tuple(sorted(asked))


@cache
def _asked() -> frozenset[str]:
    """Return the fields whose presence does."""
    return frozenset(test.field for test in _tests() if test.op is Op.PRESENT)


def _tests() -> Iterator[Test]:
    for _, route in _routes():
        if route.where is not None:
            yield from _within(route.where)


def _within(predicate: Predicate) -> Iterator[Test]:
    match predicate:
        case All(parts) | Any(parts):
            for part in parts:
                yield from _within(part)
        case Not(part):
            yield from _within(part)
        case _:
            yield predicate
