"""Chooses different observations for the parts of a pattern (STIX 2.1 section 9.5), where one may serve several.

Two ways. Where all parts are wanted in one window, whether enough different observations lie in it is a matching in a
graph of two sides, found part by part by augmenting paths. Else one choice after the other is tried, the latest first,
and given up after so many steps: that is said, never taken for an answer.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple, TypeAlias

from mithaq.detect.stix.plan import FOREVER, All, Leaf, One, Planned, Span, Then, Times
from mithaq.detect.stix.progress import Find, Seen

Held: TypeAlias = Sequence[Sequence[Seen]]  # for each leaf what holds for it, by arrival
_Used: TypeAlias = Mapping[int, int]  # how often observations of these numbers serve
_Place: TypeAlias = tuple[Seen, int]  # one of the times that an observation counts

MOST_PARTS = 64  # leaves of a pattern that choices are tried for
_MOST_UNITS = 512  # observations of a matching


class GaveUp(Exception):
    """No answer in so many steps."""


class Moment(NamedTuple):
    """When and how long to look."""

    now: int
    after: int  # no find starts before that
    steps: int


def chosen(plan: Planned, held: Held, moment: Moment) -> Find | None:
    """Return different observations for a plan's parts; None if there are none.

    Raises:
        GaveUp: nothing was found in so many steps.
    """
    inner, width = (plan.part, plan.width) if isinstance(plan, Span) else (plan, FOREVER)
    flat = inner.parts if isinstance(inner, All) else (inner,)
    wanted = [part.times for part in flat if isinstance(part, Leaf)]
    if len(wanted) == len(flat):
        return _matched(wanted, held, max(moment.after, moment.now - width))
    if len(held) > MOST_PARTS:
        raise GaveUp
    found = _Search(held, moment.steps).finds(
        _numbered(plan, iter(range(len(held)))), {}, _Room(moment.after)
    )
    first = next(found, None)
    return None if first is None else first.find


def _matched(wanted: Sequence[int], held: Held, since: int) -> Find | None:
    """Return as many observations for each leaf as it wants, none for two of them, if there are any."""
    total = sum(wanted)
    if total > _MOST_UNITS:
        raise GaveUp
    near = [
        [
            (seen, time)
            for seen in [each for each in some if each.last >= since][-total:]
            for time in range(min(seen.times, total))
        ][::-1]
        for some in held
    ]
    serves: dict[_Place, int] = {}
    served: dict[int, _Place] = {}
    leaf_of = [leaf for leaf, times in enumerate(wanted) for _ in range(times)]
    for unit in range(total):
        if not _placed(unit, [near[leaf] for leaf in leaf_of], serves, served):
            return None
    return _find({seen: 1 for seen, _ in serves})


def _placed(
    unit: int,
    options: Sequence[Sequence[_Place]],
    serves: dict[_Place, int],
    served: dict[int, _Place],
) -> bool:
    """Give one more unit a place, moving others where they have another."""
    came: dict[_Place, int] = {}
    waiting = deque([unit])
    while waiting:
        one = waiting.popleft()
        for place in options[one]:
            if place in came:
                continue
            came[place] = one
            if place in serves:
                waiting.append(serves[place])
                continue
            free: _Place | None = place
            while free is not None:
                mover = came[free]
                left = served.get(mover)
                serves[free], served[mover] = mover, free
                free = left
            return True
    return False


class _Room(NamedTuple):
    """Where finds may lie: none starts before ``after`` or ends beyond ``before``; all within ``width``."""

    after: int
    before: int = FOREVER
    width: int = FOREVER

    def beside(self, find: Find) -> "_Room":
        """Return the room that a find leaves for others in the same window."""
        if self.width == FOREVER:
            return self
        after = max(self.after, find.end - self.width)
        return _Room(after, min(self.before, find.start + self.width), self.width)


class _Chosen(NamedTuple):
    find: Find
    used: _Used


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A leaf and its number."""

    number: int
    times: int


_Step: TypeAlias = "_Numbered | tuple[str, tuple[_Step, ...], int]"


def _numbered(plan: Planned, numbers: Iterator[int]) -> _Step:
    """Return a plan whose leaves know their numbers, from left to right."""
    if isinstance(plan, Leaf):
        return _Numbered(next(numbers), plan.times)
    if isinstance(plan, Span):
        return ("span", (_numbered(plan.part, numbers),), plan.width)
    if isinstance(plan, Times):
        return ("all", (_numbered(plan.part, numbers),) * plan.times, 0)
    kind = {All: "all", One: "one", Then: "then"}[type(plan)]
    return (kind, tuple(_numbered(part, numbers) for part in plan.parts), 0)


class _Search:
    def __init__(self, held: Held, steps: int) -> None:
        self.held, self.steps = held, steps

    def finds(self, step: _Step, used: _Used, room: _Room) -> Iterator[_Chosen]:
        """Yield what a step can be served with, the latest first."""
        if isinstance(step, _Numbered):
            yield from self._of_leaf(step, used, room)
            return
        kind, parts, width = step
        if kind == "span":
            narrow = room._replace(width=min(width, room.width))
            yield from (
                each
                for each in self.finds(parts[0], used, narrow)
                if each.find.end - each.find.start <= width
            )
        elif kind == "one":
            for part in parts:
                yield from self.finds(part, used, room)
        else:
            yield from self._together(parts, used, room, ordered=kind == "then")

    def _of_leaf(self, leaf: _Numbered, used: _Used, room: _Room) -> Iterator[_Chosen]:
        near = [
            seen
            for seen in reversed(self.held[leaf.number])
            if seen.last >= room.after
            and seen.first <= room.before
            and used.get(seen.number, 0) < seen.times
        ]
        places = (
            near
            if leaf.times == 1
            else [
                seen
                for seen in near
                for _ in range(min(leaf.times, seen.times - used.get(seen.number, 0)))
            ]
        )
        for some in combinations(places, leaf.times):
            self.steps -= leaf.times
            if self.steps < 0:
                raise GaveUp
            now = dict(used)
            for seen in some:
                now[seen.number] = now.get(seen.number, 0) + 1
            yield _Chosen(_find(dict.fromkeys(some, 1)), now)

    def _together(
        self, parts: tuple[_Step, ...], used: _Used, room: _Room, *, ordered: bool
    ) -> Iterator[_Chosen]:
        """Yield finds of all parts, the last part first; ordered, what is to the left ends before it begins."""
        *left, right = parts
        for last in self.finds(right, used, room):
            if not left:
                yield last
                continue
            rest = room.beside(last.find)
            if ordered:
                rest = rest._replace(before=min(rest.before, last.find.start))
            for first in self._together(tuple(left), last.used, rest, ordered=ordered):
                yield _Chosen(_both(first.find, last.find), first.used)


def _both(one: Find, other: Find) -> Find:
    return Find(
        min(one.start, other.start), max(one.end, other.end), (*one.witness, *other.witness)
    )


def _find(seen: Mapping[Seen, int]) -> Find:
    witness = tuple(sorted(seen))
    return Find(witness[0].last, max(each.first for each in witness), witness)
