"""Whether something is named more often than it was: an exact test that no single import can pass.

What is counted are *source-days*: days on which a source spoke at all, and on which it named the thing loudly.
Reports come in heaps, so a day counts once, however many claims it brought; each source is held against its own days,
so one that begins to speak, or speaks more, moves nothing. If nothing has changed, every way of dealing a source's loud
days over its days is as likely as any other: the loud days of the period are then hypergeometric for each source, and
their sum over sources has an exact distribution (the exact form of the Cochran-Mantel-Haenszel test).
Many things are tested at once: Benjamini and Hochberg's (1995) bound on the share of false alarms, among those that
could pass at all (Tarone 1990; Gilbert 2005).
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import exp, lgamma
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Stratum(NamedTuple):
    """One source: its days in the period and in the baseline, and the loud ones of both."""

    now: int
    before: int
    loud_now: int
    loud_before: int

    @property
    def loud(self) -> int:
        """All loud days."""
        return self.loud_now + self.loud_before


def loud_days(named: Mapping[int, int], spoke: Mapping[int, int]) -> set[int]:
    """Return the days on which a source named something loudly.

    That is at all; where it names it on most of its days, then by a larger share of what it says than on half of them.
    The bar is made of all its days alike, so that it favours none.

    Args:
        named: how many claims named it, by day.
        spoke: how many claims there were at all, by day.
    """
    if 2 * len(named) <= len(spoke):
        return set(named)
    shares = sorted(named.get(day, 0) / claims for day, claims in spoke.items())
    bar = shares[len(shares) // 2]
    return {day for day, claims in named.items() if claims / spoke[day] > bar}


def chance(strata: Iterable[Stratum]) -> float:
    """Return how likely at least so many loud days in the period are if nothing has changed."""
    every = [each for each in strata if each.loud]
    if sum(s.loud_now for s in every) <= sum(s.loud * s.now / (s.now + s.before) for s in every):
        return 1.0  # no more than it was: by how much is nobody's question
    least, offset, dealt = 0, 0, [1.0]
    for each in every:
        least += each.loud_now
        first, ways = _dealt(each.now, each.before, each.loud)
        offset += first
        dealt = _joined(dealt, ways)
    return min(1.0, sum(dealt[max(0, least - offset) :]))


def least_chance(strata: Iterable[Stratum]) -> float:
    """Return what ``chance`` would be if as many loud days as can be lay in the period."""
    return exp(sum(_log_ways(s.now, s.before, s.loud, min(s.now, s.loud)) for s in strata))


def _joined(one: Sequence[float], other: Sequence[float]) -> list[float]:
    made = [0.0] * (len(one) + len(other) - 1)
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            made[i + j] += a * b
    return made


@lru_cache(maxsize=4096)
def _dealt(now: int, before: int, loud: int) -> tuple[int, tuple[float, ...]]:
    """Return the least number of loud days that may lie in the period, and how likely each from there on is."""
    first = max(0, loud - before)
    rest = range(first, min(now, loud) + 1)
    return first, tuple(exp(_log_ways(now, before, loud, each)) for each in rest)


def _log_ways(now: int, before: int, loud: int, each: int) -> float:
    ways = _log_choose(now, each) + _log_choose(before, loud - each)
    return ways - _log_choose(now + before, loud)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def alarms(tested: Mapping[T, Sequence[Stratum]], share: float) -> tuple[dict[T, float], int]:
    """Return what is named more often than it was, by how likely that is by chance; and among how many.

    Args:
        share: of false alarms among them, that is expected at most.
    """
    possible = {each: least_chance(strata) for each, strata in tested.items()}
    bars = sorted(possible.values())
    few = 1
    while bisect_right(bars, share / few) > few:
        few += 1
    among = [each for each, bar in possible.items() if bar <= share / few]
    ranked = sorted((chance(tested[each]), n, each) for n, each in enumerate(among))
    passed = 0
    for rank, (found, _, _) in enumerate(ranked, 1):
        if found <= share * rank / len(ranked):
            passed = rank
    return {each: found for found, _, each in ranked[:passed]}, len(among)
