"""Which of many queries the copies of a part meet that came together.

A part is held against all of them at once: what its copies are found by was just read out, so of a query that nothing
meets nothing is looked at but whether anything here holds its words. None is asked of the whole store again.
"""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec
from sqlalchemy import Connection

from mithaq.model import found as by
from mithaq.model.folding import Range
from mithaq.model.found import Need, found_by, holds
from mithaq.model.observed import around, likeness, mark, speaks_of
from mithaq.model.values import Value
from mithaq.store import objects, topics
from mithaq.store.objects import Copy
from mithaq.store.words import Said, places


class Query(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is looked for in what comes; all of it must hold, one of ``types``. What is empty says nothing."""

    words: str = ""
    value: tuple[str, str] | None = None  # its kind, and its text
    types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()  # vouchers, of which one is meant
    level: int | None = None
    agreement: str = ""
    labels: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()  # it stands for one, or is tied to what does
    since: str = ""  # instants between which it came
    until: str = ""
    confidence: int | None = None  # at least
    revoked: bool | None = None

    def needs(self) -> list[Need]:
        """Return what must be found of a copy, what is found at once first."""
        said = [by.of_label(label) for label in self.labels]
        if self.types:
            said.append([each for type_ in self.types for each in by.of_type(type_)])
        if self.sources:
            said.append(by.of_sources(self.sources))
        if self.agreement:
            said.append(by.of_agreement(self.agreement))
        if self.confidence is not None:
            said.append(by.of_confidence(self.confidence))
        if self.revoked is not None:
            said.append(by.of_revoked(self.revoked))
        return said + by.of_words(self.words)

    def takes(self, copy: Copy) -> bool:
        """Say whether what a copy's columns say is wanted."""
        return (
            (self.level is None or copy.level == self.level)
            and self.since <= copy.received_at
            and (not self.until or copy.received_at < self.until)
            and (self.value is None or _speaks(copy, Value(*self.value)))
        )

    @property
    def looks_closer(self) -> bool:
        """Say whether ``takes`` may say no."""
        return bool(self.since or self.until or self.value) or self.level is not None


def _speaks(copy: Copy, value: Value) -> bool:
    return speaks_of(copy.object.body, value, _near(value)[0]) is not None


@lru_cache(maxsize=4096)
def _near(value: Value) -> tuple[frozenset[Value], frozenset[int]]:
    """Return what a value belongs to, and the numbers that what speaks of it is found by."""
    near = frozenset(map(likeness, around(value)))
    return near, frozenset(map(mark, {value, *near}))


@lru_cache(maxsize=4096)
def _needs(query: Query) -> tuple[Need, ...]:
    return tuple(query.needs())


@dataclass(slots=True)
class Part:
    """Copies that came together, with what was read out of them: ``marks`` are (mark, number) pairs."""

    copies: Mapping[int, Copy]
    said: Said = field(repr=False)
    marks: Sequence[tuple[int, int]] = field(repr=False)
    _sorted: list[str] = field(default_factory=list, repr=False)
    _met: dict[Range, int] = field(default_factory=dict, repr=False)  # queries share many
    _spoken: dict[int, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Sort what is looked up."""
        self._sorted = sorted(self.said.bits)
        for mark_, seq in self.marks:
            self._spoken[mark_] = self._spoken.get(mark_, 0) | 1 << (seq - self.said.first)

    def meets(self, query: Query) -> int:
        """Return which copies meet a query, as bits from the first number on; whatever they are about."""
        held = (2 << (self.said.last - self.said.first)) - 1
        if query.value is not None:
            held = 0
            for each in _near(Value(*query.value))[1]:
                held |= self._spoken.get(each, 0)
        for need in _needs(query):
            if not held:
                return 0
            met = 0
            for range_ in need:
                met |= self._within(range_)
            held &= met
        if held and query.looks_closer:
            for at in places(held):
                if not query.takes(self.copies[self.said.first + at]):
                    held ^= 1 << at
        return held

    def _within(self, range_: Range) -> int:
        found = self._met.get(range_)
        if found is None:
            found, (first, end) = 0, range_
            at = bisect_left(self._sorted, first)
            while at < len(self._sorted) and self._sorted[at] < end:
                found |= self.said.bits[self._sorted[at]]
                at += 1
            self._met[range_] = found
        return found


def matched(unit: Connection, part: Part, queries: Mapping[int, Query]) -> dict[int, set[int]]:
    """Return, by the number of a query, the numbers of the copies that meet it with this part; others meet none.

    These are copies of the part, and others of which a relationship that is among them tells what they are about.
    """
    wanted = {topic for query in queries.values() for topic in query.topics}
    about = topics.about(unit, part.copies, wanted) if wanted else {}
    found: dict[int, set[int]] = {}
    outside: dict[int, set[int]] = {}
    for number, query in queries.items():
        among: Collection[int] = part.copies.keys()
        if query.topics:
            some = set().union(*(about.get(topic, ()) for topic in query.topics))
            among, outside[number] = some & part.copies.keys(), some - part.copies.keys()
        if among:
            met = places(part.meets(query))
            found[number] = {part.said.first + at for at in met}.intersection(among)
    others = {seq for some in outside.values() for seq in some}
    held = {copy.seq: copy for copy in objects.by_seq(unit, others)} if others else {}
    for number, some in outside.items():
        met_ = {seq for seq in some & held.keys() if _meets(held[seq], queries[number])}
        found[number] = found.get(number, set()) | met_
    return {number: seqs for number, seqs in found.items() if seqs}


def _meets(copy: Copy, query: Query) -> bool:
    said = found_by(copy.object, copy.voucher, copy.agreement)
    return query.takes(copy) and all(holds(said, need) for need in _needs(query))
