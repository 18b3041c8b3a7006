"""How far a pattern has come, observation by observation, in bounded state.

What has been found is known by its latest start and its earliest end alone: of two that end alike the one that starts
later serves whatever is asked of it, by WITHIN and by FOLLOWEDBY. So each part keeps its best find; FOLLOWEDBY keeps
those of its left side that may yet be followed, none of which both starts earlier and ends later than another. An
observation with an interval starts at its end and ends at its start, since any instant between may be meant.

Whether one observation serves twice is not asked here: what this denies is not there; what it says is looked at again
(``mithaq.detect.stix.choice``) where an observation may serve twice.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection
from typing import NamedTuple, Protocol

from mithaq.detect.stix.plan import FOREVER, All, Leaf, Planned, Span, Then, Times

_SHOWN = 16  # observations of one repeated part that a find names at each of its ends


class Seen(NamedTuple):
    """An observation, as far as time and number are concerned."""

    last: int
    number: int  # in the order of arrival
    first: int
    times: int  # it was seen
    ref: str


class Find(NamedTuple):
    """Observations that are what a part asks for."""

    start: int
    end: int
    witness: tuple[Seen, ...]


class Part(Protocol):
    """A part of a pattern in its progress."""

    best: Find | None

    def take(self, seen: Seen, hits: Collection[int]) -> Find | None:
        """Take an observation that leaves of these numbers hold for; return a find that starts later than any."""

    def floor(self, now: int) -> int:
        """Return before which instant no find to come can start."""


def progress(plan: Planned, capacity: int, incomplete: set[str]) -> Part:
    """Return the beginning of a plan's progress, its leaves numbered from left to right.

    It adds ``held`` to ``incomplete`` when it drops what may have served.
    """
    return _Maker(capacity, incomplete).part(plan, FOREVER)


class _Maker:
    def __init__(self, capacity: int, incomplete: set[str]) -> None:
        self.capacity, self.incomplete, self.leaves = capacity, incomplete, 0

    def part(self, plan: Planned, reach: int) -> Part:
        if isinstance(plan, Leaf):
            self.leaves += 1
            return _Leaf(self.leaves - 1, plan.times)
        if isinstance(plan, Span):
            return _Span(self.part(plan.part, min(reach, plan.width)), plan.width)
        if isinstance(plan, Times):  # one find at least: the rest is for who looks again
            return self.part(plan.part, reach)
        parts = [self.part(part, reach) for part in plan.parts]
        if isinstance(plan, Then):
            return _Then(parts, reach, self)
        return _All(parts) if isinstance(plan, All) else _One(parts)


class _Leaf:
    def __init__(self, number: int, times: int) -> None:
        self.number, self.times = number, times
        self.best: Find | None = None
        self._latest: list[Seen] = []  # by their ends
        self._count = 0

    def take(self, seen: Seen, hits: Collection[int]) -> Find | None:
        if self.number not in hits:
            return None
        if self.times <= seen.times:
            return _better(self, Find(seen.last, seen.first, (seen,)))
        latest = self._latest
        insort(latest, seen)
        self._count += seen.times
        while self._count - latest[0].times >= self.times:
            self._count -= latest.pop(0).times
        if self._count < self.times:
            return None
        shown = latest if len(latest) <= 2 * _SHOWN else latest[:_SHOWN] + latest[-_SHOWN:]
        return _better(self, Find(latest[0].last, seen.first, tuple(shown)))

    def floor(self, now: int) -> int:
        if self.times == 1:
            return now
        return self._latest[0].last if self._latest else now


class _All:
    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        self.best: Find | None = None

    def take(self, seen: Seen, hits: Collection[int]) -> Find | None:
        found = [part.take(seen, hits) for part in self.parts]
        if not any(found):
            return None
        finds = [part.best for part in self.parts if part.best is not None]
        if len(finds) < len(self.parts):
            return None
        return _better(self, _joined(finds))

    def floor(self, now: int) -> int:
        return min(part.floor(now) if part.best is None else part.best.start for part in self.parts)


class _One:
    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        self.best: Find | None = None

    def take(self, seen: Seen, hits: Collection[int]) -> Find | None:
        found = [find for part in self.parts if (find := part.take(seen, hits)) is not None]
        return _better(self, max(found)) if found else None

    def floor(self, now: int) -> int:
        return min(part.floor(now) for part in self.parts)


class _Span:
    def __init__(self, part: Part, width: int) -> None:
        self.part, self.width = part, width
        self.best: Find | None = None

    def take(self, seen: Seen, hits: Collection[int]) -> Find | None:
        found = self.part.take(seen, hits)
        if found is None or found.end - found.start > self.width:
            return None
        return _better(self, found)

    def floor(self, now: int) -> int:
        return max(self.part.floor(now), now - self.width)


class _Then:
    def __init__(self, parts: list[Part], reach: int, maker: _Maker) -> None:
        self.parts, self.reach = parts, reach
        self.capacity, self.incomplete = maker.capacity, maker.incomplete
        self.best: Find | None = None
        self._begun: list[list[Find]] = [[] for _ in parts[1:]]  # by how many parts they have

    def take(self, seen: Seen, hits: Collection[int]) -> Find | None:
        new: Find | None = None
        for at, part in enumerate(self.parts):
            found = part.take(seen, hits)
            new = self._followed(at, new, found) if at else found
            if at < len(self._begun) and new is not None:
                new = self._kept(at, new, seen.first)
        return None if new is None else _better(self, new)

    def floor(self, now: int) -> int:
        begun = [finds[0].start for finds in self._begun if finds]
        return min(*begun, *(part.floor(now) for part in self.parts))

    def _followed(self, at: int, before: Find | None, found: Find | None) -> Find | None:
        """Join what is new of a part, or of those before it, to the best on the other side."""
        joined: list[Find] = []
        begun, best = self._begun[at - 1], self.parts[at].best
        if found is not None:
            place = bisect_right(begun, found.start, key=lambda find: find.end)
            if place:
                joined.append(_joined([begun[place - 1], found]))
        if before is not None and best is not None and before.end <= best.start:
            joined.append(_joined([before, best]))
        return max(joined, default=None)

    def _kept(self, at: int, new: Find, now: int) -> Find | None:
        """Keep the beginning of a find, if none that is kept starts later; drop what serves no more."""
        begun = self._begun[at]
        if begun and new.start <= begun[-1].start:
            return None
        begun.append(new)
        floor = self.parts[at + 1].floor(now)
        served = bisect_right(begun, floor, key=lambda find: find.end) - 1
        past = bisect_left(begun, now - self.reach, key=lambda find: find.start)
        useless = max(served, past, 0)
        if len(begun) - useless > self.capacity:
            useless = len(begun) - self.capacity
            self.incomplete.add("held")
        del begun[:useless]
        return new


def _better(part: Part, found: Find) -> Find | None:
    if part.best is not None and found.start <= part.best.start:
        return None
    part.best = found
    return found


def _joined(finds: list[Find]) -> Find:
    return Find(
        min(find.start for find in finds),
        max(find.end for find in finds),
        tuple(seen for find in finds for seen in find.witness),
    )
