"""What observations must come together, brought into a form that a stream can be held against.

START and STOP choose observations one by one, so they go down to these. So do repetitions, as far as they may: twice
all of some parts is each part twice. What is said twice of the same is said once of two.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from mithaq.detect.stix.language import (
    Between,
    Compared,
    Either,
    Followed,
    Observed,
    Observing,
    Repeated,
    Some,
    Within,
)
from mithaq.detect.stix.observation import NEVER, microseconds

FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Leaf:
    """So many observations for which one comparison holds, in an interval."""

    compared: Compared
    times: int = 1
    start: int = NEVER
    stop: int = FOREVER


@dataclass(frozen=True, slots=True)
class All:
    """Every part, by different observations."""

    parts: "tuple[Planned, ...]"


@dataclass(frozen=True, slots=True)
class One:
    """Any part."""

    parts: "tuple[Planned, ...]"


@dataclass(frozen=True, slots=True)
class Then:
    """Each part not before those to its left."""

    parts: "tuple[Planned, ...]"


@dataclass(frozen=True, slots=True)
class Span:
    """A part within so many microseconds."""

    part: "Planned"
    width: int


@dataclass(frozen=True, slots=True)
class Times:
    """A part so often, where that cannot be said of its parts."""

    part: "Planned"
    times: int


Planned: TypeAlias = Leaf | All | One | Then | Span | Times


def planned(expression: Observing, start: int = NEVER, stop: int = FOREVER) -> Planned:
    """Return the plan of a pattern's expression."""
    if isinstance(expression, Observed):
        return Leaf(expression.compared, 1, start, stop)
    if isinstance(expression, Between):
        first = max(start, microseconds(expression.start))
        return planned(expression.part, first, min(stop, microseconds(expression.stop)))
    if isinstance(expression, Repeated):
        return _times(planned(expression.part, start, stop), expression.times)
    if isinstance(expression, Within):
        part, width = planned(expression.part, start, stop), round(expression.seconds * 1_000_000)
        return part if isinstance(part, Leaf) and part.times == 1 else Span(part, width)
    parts = [planned(part, start, stop) for part in expression.parts]
    if isinstance(expression, Followed):
        return Then(tuple(parts))
    return _one(parts) if isinstance(expression, Either) else _all(parts)


def leaves(plan: Planned) -> list[Leaf]:
    """Return the leaves of a plan, from left to right."""
    if isinstance(plan, Leaf):
        return [plan]
    parts = (plan.part,) if isinstance(plan, Span | Times) else plan.parts
    return [leaf for part in parts for leaf in leaves(part)]


def _times(plan: Planned, times: int) -> Planned:
    if times == 1:
        return plan
    if isinstance(plan, Leaf):
        return replace(plan, times=plan.times * times)
    if isinstance(plan, All):
        return All(tuple(_times(part, times) for part in plan.parts))
    return Times(plan, times)


def _all(parts: Iterable[Planned]) -> Planned:
    """Return all parts, those that ask for the same as one that asks for more."""
    found: list[Planned] = []
    same: dict[Leaf, int] = {}
    for part in parts:
        for each in part.parts if isinstance(part, All) else (part,):
            if not isinstance(each, Leaf):
                found.append(each)
                continue
            key = replace(each, times=1)
            same[key] = same.get(key, 0) + each.times
    found += [replace(leaf, times=times) for leaf, times in same.items()]
    return found[0] if len(found) == 1 else All(tuple(found))


def _one(parts: Iterable[Planned]) -> Planned:
    """Return any part, those that ask for one observation in one interval as one comparison."""
    found: list[Planned] = []
    single: dict[tuple[int, int], list[Compared]] = {}
    for part in parts:
        for each in part.parts if isinstance(part, One) else (part,):
            if isinstance(each, Leaf) and each.times == 1:
                single.setdefault((each.start, each.stop), []).append(each.compared)
            else:
                found.append(each)
    for (start, stop), some in single.items():
        found.append(Leaf(some[0] if len(some) == 1 else Some(tuple(some)), 1, start, stop))
    return found[0] if len(found) == 1 else One(tuple(found))
