"""Correlations evaluated over a stream of matches, with a state that is bounded whatever comes.

For each correlation and group there is a window that keeps what can still matter: as many events or values as must be
reached, or one time for each rule. What is told of begins again from nothing, so that a flood is told of once for each
time that it reaches the number. Groups that were quiet longest are forgotten first. Events may come late by less than
the timespan; an event that comes twice counts once.
"""

from bisect import insort
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from mithaq.clock import parse
from mithaq.detect.language import Rule, text
from mithaq.detect.matches import Match
from mithaq.detect.sigma.correlations import Correlation, Kind, Part
from mithaq.errors import InputError
from mithaq.model.telemetry import Event, Value

MOST_GROUPS: Final = 1 << 16  # of one correlation

_Key: TypeAlias = tuple[str, ...]


class Correlator:
    """What has been seen of some correlations."""

    def __init__(self, correlations: Sequence[Correlation], most_groups: int = MOST_GROUPS) -> None:
        self._most = most_groups
        self._states = [(each, OrderedDict[_Key, _Window]()) for each in correlations]
        self.rules: tuple[Rule, ...] = tuple(
            {
                (rule.digest, rule.source): rule
                for c in correlations
                for p in c.parts
                for rule in p.rules
            }.values()
        )

    def take(self, match: Match, event: Event) -> Iterator[Match]:
        """Take in that a rule matched an event, and yield the correlations that this completes."""
        at = _seconds(event.at)
        if at is None:
            return  # what has no time is within none
        for correlation, windows in self._states:
            for number, part in enumerate(correlation.parts):
                if part.digest != match.digest:
                    continue
                key = _key(correlation.group_by, part, event)
                if key is None:
                    continue
                window = self._window(correlation, windows, key)
                if window.take(at, number, _thing(correlation, part, event)):
                    windows.pop(key)
                    yield _match(correlation, key, event)
                    break

    def _window(
        self, correlation: Correlation, windows: "OrderedDict[_Key, _Window]", key: _Key
    ) -> "_Window":
        window = windows.get(key)
        if window is None:
            window = windows[key] = _WINDOWS[correlation.kind](correlation)
            if len(windows) > self._most:
                windows.popitem(last=False)
        windows.move_to_end(key)
        return window


class _Window:
    """What was seen in one group: times of things that count once each."""

    def __init__(self, correlation: Correlation) -> None:
        self._seconds, self._count = correlation.seconds, correlation.count
        self._seen: dict[str, float] = {}  # thing -> when it was seen last
        self._times: list[tuple[float, str]] = []

    def take(self, at: float, _part: int, thing: str | None) -> bool:
        """Take one in; say whether that completes it."""
        if thing is None:
            return False
        before = self._seen.get(thing)
        if before is not None:
            if before >= at:
                return False
            self._times.remove((before, thing))
        insort(self._times, (at, thing))
        self._seen[thing] = at
        oldest = self._times[-1][0] - self._seconds
        while self._times[0][0] < oldest:
            del self._seen[self._times.pop(0)[1]]
        return len(self._times) >= self._count


class _Together(_Window):
    """Each rule is a thing that counts once."""

    def take(self, at: float, part: int, _thing: str | None) -> bool:
        return super().take(at, part, str(part))


class _InOrder(_Window):
    """For each rule, when the latest beginning was of what led up to it in order."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._began: list[float | None] = [None] * len(correlation.parts)
        self._last: list[float] = [0.0] * len(correlation.parts)

    def take(self, at: float, part: int, _thing: str | None) -> bool:
        if part == 0:
            began: float | None = at
        else:
            began = self._began[part - 1]
            if began is None or self._last[part - 1] > at or at - began > self._seconds:
                return False
        known = self._began[part]
        if began is not None and (known is None or began >= known):
            self._began[part], self._last[part] = began, at
        return part + 1 >= self._count


_WINDOWS: Final = {
    Kind.EVENTS: _Window,
    Kind.VALUES: _Window,
    Kind.TOGETHER: _Together,
    Kind.IN_ORDER: _InOrder,
}


def _seconds(at: str) -> float | None:
    try:
        return parse(at).timestamp()
    except InputError:
        return None


def _held(part: Part, name: str, event: Event) -> Value:
    values = (event.fields.get(each) for each in part.fields[name])
    return next((value for value in values if value is not None), None)


def _key(group_by: tuple[str, ...], part: Part, event: Event) -> _Key | None:
    """Return the group of an event; None if it has not all that groups are told by."""
    values = [_held(part, name, event) for name in group_by]
    return None if None in values else tuple(map(_text, values))


def _text(value: Value) -> str:
    return "\n".join(map(text, value)).lower() if isinstance(value, list) else text(value).lower()


def _thing(correlation: Correlation, part: Part, event: Event) -> str | None:
    """Return what counts once: the event, or the value that it has."""
    if correlation.kind is not Kind.VALUES:
        return event.digest
    value = _held(part, correlation.field, event)
    return None if value is None else _text(value)


def _match(correlation: Correlation, key: _Key, event: Event) -> Match:
    return Match(
        rule=correlation.id,
        giver=correlation.giver,
        digest=correlation.digest,
        title=correlation.title,
        level=correlation.level,
        event=event.digest,
        at=event.at,
        source=event.source,
        found=dict(zip(correlation.group_by, key, strict=True)),
    )
