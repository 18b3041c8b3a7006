"""Holds STIX patterns against observations as they come, in state that does not grow with them.

Patterns are filed by what they ask of an observation: under the texts of which one must be there, else under the types
of objects they speak of. So one of a million equalities costs a look into a table. Whatever speaks of several
observations has a progress of its own (``mithaq.detect.stix.progress``) and a bound on what it holds; where the bound
took something away that may have mattered, or a choice was given up, the stream says so of the pattern.

Observations wait until none of an earlier time can come (``lateness``); one that comes later still is held against
patterns of one observation alone, and counted.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

from mithaq.detect.stix.choice import GaveUp, Moment, chosen
from mithaq.detect.stix.language import LIMITS, Compared, Limits, Path, PatternRefused
from mithaq.detect.stix.matching import Holds, compiled, equalities, folded, texts, types_of
from mithaq.detect.stix.observation import Observation
from mithaq.detect.stix.parser import equality, read
from mithaq.detect.stix.plan import (
    FOREVER,
    Leaf,
    Planned,
    Span,
    Times,
    leaves,
    planned,
)
from mithaq.detect.stix.progress import Find, Part, Seen, progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a stream may hold and do."""

    lateness: int = 0  # microseconds
    waiting: int = 100_000  # observations that wait for earlier ones
    held: int = 1_000  # observations, of each part of a pattern
    steps: int = 5_000  # of choosing


BOUNDS = Bounds()
_REGAINED = 100  # observations until all steps may be taken again


class Found(NamedTuple):
    """A pattern was found in observations: when, and in which, the last one at the end."""

    pattern: str
    start: int
    end: int
    refs: tuple[str, ...]
    last: Observation  # that completed it


class _Use(NamedTuple):
    """A leaf of a pattern that a comparison holds for."""

    state: "_State"
    leaf: int


class _State:
    """What is known of a pattern of several observations."""

    def __init__(self, name: str, plan: Planned, bounds: Bounds) -> None:
        self.name, self.plan, self.bounds = name, plan, bounds
        self.leaves = leaves(plan)
        self.incomplete: set[str] = set()
        self.progress: Part = progress(plan, bounds.held, self.incomplete)
        self.told = -FOREVER  # the end of what was told of last
        self.reach = _reach(plan)
        self.chooses = _repeats(plan)  # whether different observations must be chosen
        self.credit = bounds.steps  # of choosing; regained by and by after it was used up
        self.dropped = False  # whether any that was held had to go
        self.held: list[deque[Seen]] | None = (
            [deque() for _ in self.leaves] if len(self.leaves) > 1 or self.chooses else None
        )

    def take(self, seen: Seen, hits: set[int]) -> Find | None:
        """Take an observation that leaves hold for; return what it completes and overlaps nothing told before."""
        hits = {
            each
            for each in hits
            if seen.last >= self.leaves[each].start and seen.first < self.leaves[each].stop
        }
        if not hits:
            return None
        found = self.progress.take(seen, hits)
        if self.held is not None:
            self.chooses |= len(hits) > 1
            self._hold(self.held, seen, hits)
            if self.chooses:
                found = self._chosen(self.held, seen)
        if found is None or found.start <= self.told:
            return None
        self.told = found.end
        return found

    def _hold(self, kept: list[deque[Seen]], seen: Seen, hits: set[int]) -> None:
        for each in hits:
            held = kept[each]
            while held and held[0].last < seen.first - self.reach:
                held.popleft()
            if len(held) == self.bounds.held:
                held.popleft()
                self.dropped = True
            held.append(seen)

    def _chosen(self, kept: list[deque[Seen]], seen: Seen) -> Find | None:
        if self.dropped:
            self.incomplete.add("held")
        if self.progress.best is None or self.progress.best.start <= self.told:
            return None
        self.credit = min(self.bounds.steps, self.credit + self.bounds.steps // _REGAINED)
        try:
            return chosen(self.plan, kept, Moment(seen.first, self.told + 1, self.credit))
        except GaveUp:
            self.incomplete.add("steps")
            self.credit = 0
            return None


class _Filed:
    """Comparisons by what an observation must have for them to hold."""

    def __init__(self) -> None:
        self.equal: dict[str, dict[Path, dict[str, list[str | int]]]] = {}
        self.scanned: dict[str, list[int]] = defaultdict(list)

    def text(self, path: Path, text: str, of: str | int) -> None:
        by_text = self.equal.setdefault(path.type, {}).setdefault(path, {})
        by_text.setdefault(text.lower() if folded(path) else text, []).append(of)

    def comparison(self, compared: Compared, number: int) -> None:
        equal = equalities(compared)
        if equal is None:
            for type_ in types_of(compared):
                self.scanned[type_].append(number)
            return
        for path, text in dict.fromkeys(equal):
            self.text(path, str(text), number)

    def candidates(self, observation: Observation) -> tuple[list[str], set[int]]:
        """Return the patterns that hold for sure, and the numbers of comparisons that may."""
        sure: dict[str, None] = {}
        maybe: set[int] = set()
        for each in observation.objects.values():
            type_ = each.get("type", "")
            maybe.update(self.scanned.get(type_, ()))
            for path, by_text in self.equal.get(type_, {}).items():
                for text in texts(path, observation.objects, each):
                    for of in by_text.get(text, ()):
                        if isinstance(of, str):
                            sure[of] = None
                        else:
                            maybe.add(of)
        return list(sure), maybe


class Stream:
    """Patterns, and what is known of them so far."""

    def __init__(
        self,
        patterns: Iterable[tuple[str, str]],
        bounds: Bounds = BOUNDS,
        limits: Limits = LIMITS,
    ) -> None:
        """File patterns, each after its name; ``refused`` then says which cannot be evaluated, and why."""
        self.refused: dict[str, PatternRefused] = {}
        self.tolerated: dict[str, tuple[str, ...]] = {}
        self.late = 0  # observations that came too late for patterns of several
        self._bounds, self._filed = bounds, _Filed()
        self._numbers: dict[Compared, int] = {}
        self._comparisons: list[tuple[Holds, list[_Use]]] = []
        self._waiting: list[tuple[int, int, Observation]] = []
        self._clock, self._latest, self._arrived = -FOREVER, -FOREVER, 0
        self._states: list[_State] = []
        for name, pattern in patterns:
            one = equality(pattern) if len(pattern) <= limits.characters else None
            if one is not None:
                path, text, tolerated = one
                self._filed.text(path, text, name)
                if tolerated:
                    self.tolerated[name] = tuple(sorted(tolerated))
                continue
            try:
                self._file(name, pattern, limits)
            except PatternRefused as error:
                self.refused[name] = error

    @property
    def incomplete(self) -> dict[str, frozenset[str]]:
        """Say of which patterns something may be missing: ``held`` too many to keep, ``steps`` too many to take."""
        return {
            state.name: frozenset(state.incomplete) for state in self._states if state.incomplete
        }

    @property
    def several(self) -> frozenset[str]:
        """Name the patterns of several observations."""
        return frozenset(each.name for each in self._states if not _is_single(each.plan))

    def feed(self, observation: Observation) -> Iterator[Found]:
        """Take an observation; yield what it, or another that waited for none earlier, completes."""
        self._arrived += 1
        heappush(self._waiting, (observation.first, self._arrived, observation))
        self._latest = max(self._latest, observation.first)
        while self._waiting and (
            self._waiting[0][0] <= self._latest - self._bounds.lateness
            or len(self._waiting) > self._bounds.waiting
        ):
            yield from self._next()

    def end(self) -> Iterator[Found]:
        """Take what still waits; yield what it completes."""
        while self._waiting:
            yield from self._next()

    def _file(self, name: str, pattern: str, limits: Limits) -> None:
        found = read(pattern, limits)
        plan = planned(found.expression)
        if found.tolerated:
            self.tolerated[name] = found.tolerated
        state = _State(name, plan, self._bounds)
        self._states.append(state)
        for number, leaf in enumerate(state.leaves):
            at = self._numbers.get(leaf.compared)
            if at is None:
                at = self._numbers[leaf.compared] = len(self._comparisons)
                self._comparisons.append((compiled(leaf.compared), []))
                self._filed.comparison(leaf.compared, at)
            self._comparisons[at][1].append(_Use(state, number))

    def _next(self) -> Iterator[Found]:
        first, number, observation = heappop(self._waiting)
        late = first < self._clock
        self._clock = max(self._clock, first)
        self.late += late
        sure, maybe = self._filed.candidates(observation)
        yield from (
            Found(name, observation.last, first, (observation.ref,), observation) for name in sure
        )
        hits: dict[_State, set[int]] = {}
        for at in sorted(maybe):
            holds, uses = self._comparisons[at]
            if holds(observation.objects):
                for use in uses:
                    hits.setdefault(use.state, set()).add(use.leaf)
        seen = Seen(observation.last, number, first, observation.count, observation.ref)
        for state, numbers in hits.items():
            found = _single(state, seen, numbers) if _is_single(state.plan) else None
            if found is None and not late and not _is_single(state.plan):
                found = state.take(seen, numbers)
            if found is not None:
                yield Found(
                    state.name,
                    found.start,
                    found.end,
                    tuple(dict.fromkeys(each.ref for each in sorted(found.witness))),
                    observation,
                )


def _is_single(plan: Planned) -> bool:
    return isinstance(plan, Leaf) and plan.times == 1


def _single(state: _State, seen: Seen, numbers: set[int]) -> Find | None:
    """Each observation of a pattern of one is a find of its own."""
    leaf = state.leaves[0]
    inside = bool(numbers) and seen.last >= leaf.start and seen.first < leaf.stop
    return Find(seen.last, seen.first, (seen,)) if inside else None


def _reach(plan: Planned) -> int:
    """Return how far a find of a plan may lie apart at most."""
    if isinstance(plan, Span):
        return min(plan.width, _reach(plan.part))
    return FOREVER


def _repeats(plan: Planned) -> bool:
    if isinstance(plan, Times):
        return True
    parts = () if isinstance(plan, Leaf) else (plan.part,) if isinstance(plan, Span) else plan.parts
    return any(map(_repeats, parts))
