"""What an object shares values with: looked up in the index of values when somebody asks, never stored as pairs.

All of it, what counts as common and how much of it there is included, is worked out from what the actor may read.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from mithaq.auth.actors import Actor
from mithaq.border.us import Us
from mithaq.errors import NotFound
from mithaq.intel.finding import SECONDS, visible
from mithaq.model.benign import Hit
from mithaq.model.listed import Effect
from mithaq.model.objects import Body
from mithaq.model.observed import likeness, parts, speaks_of, values_of
from mithaq.model.values import Value
from mithaq.store import neighbours, objects, texts, values
from mithaq.store.bounds import within_seconds
from mithaq.store.objects import Copy, Rows

COMMON = 100  # copies that speak of a value: then it ties nothing to anything
VALUES = 500  # of an object, or of what a report is about, that are looked up
MEMBERS = 500  # objects that a report is about, that are looked into
MOST = 1000  # copies that are told, and reports that are about them
_ABOUT = frozenset(
    {"campaign", "grouping", "incident", "note", "observed-data", "opinion", "report"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A value of the object, and how another copy speaks of it."""

    value: Value  # of the object that was asked about, or a part of one
    said: Value  # by the other
    within: str  # of which value it is a part: the host of a URL; empty if it is one itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Tied:
    """A copy that shares values with the object."""

    copy: Copy
    evidence: Sequence[Evidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """What shares values with an object, the most of them first, and what was not followed."""

    tied: Sequence[Tied]
    reports: Sequence[tuple[Copy, Sequence[str]]]  # what is about them, and which
    sources: Mapping[str, tuple[int, int]]  # copies and values, by voucher
    common: Sequence[Value]  # that more than ``COMMON`` copies speak of
    harmless: Sequence[tuple[Value, Hit]]
    looked_up: int  # values
    more: bool  # there is more than is looked at


def correlate(unit: Connection, us: Us, actor: Actor, id_: str) -> Correlation:
    """Return what shares values with an object, or with what a report is about.

    Raises:
        NotFound: there is none this actor may read. TookTooLong: too much speaks of its values.
    """
    rows = visible(us, actor)
    with within_seconds(unit, SECONDS):
        own = _newest(unit, rows, [id_])
        if not own:
            raise NotFound(f"nothing here by the name {id_!r} that {actor.name} may read", id=id_)
        named = {target for copy in own for _, target in copy.object.links if _is_about(copy)}
        inside = _newest(unit, rows, sorted(named)[:MEMBERS])
        mine, more = _values(copy.object.body for copy in (*own, *inside))
        kept, harmless = _sifted(us, mine)
        spoken = values.sharing(unit, rows, kept, COMMON + 1)
        common = [value for value in kept if len(spoken[value]) > COMMON]
        apart = {id_, *named}
        tied = _tied(mine, {v: spoken[v] for v in kept if v not in set(common)}, apart)
        ids = [each.copy.object.id for each in tied[:MOST]]
        reports = _reports(unit, rows, ids, apart)
    return Correlation(
        tied=tied[:MOST],
        reports=reports[:MOST],
        sources=_sources(tied),
        common=common,
        harmless=harmless,
        looked_up=len(kept),
        more=more or len(named) > MEMBERS or max(len(tied), len(reports)) > MOST,
    )


def _is_about(copy: Copy) -> bool:
    return copy.object.type in _ABOUT


def _newest(unit: Connection, rows: Rows, ids: Sequence[str]) -> list[Copy]:
    some = objects.named(texts.newest(rows), ids)
    return [copy for each in some for copy in objects.load(unit, each)]


def _values(bodies: Iterable[Body]) -> tuple[dict[Value, str], bool]:
    """Return values, and parts of them with what they are parts of; and whether there are more."""
    whole = sorted({value for body in bodies for value in values_of(body)})
    found = dict.fromkeys(whole, "")
    for value in whole:
        for part in sorted(parts(value)):
            found.setdefault(part, value.text)
    some = dict(list(found.items())[:VALUES])
    return some, len(found) > len(some)


def _sifted(us: Us, mine: Iterable[Value]) -> tuple[list[Value], list[tuple[Value, Hit]]]:
    """Part what ties from what is known to be harmless."""
    kept: list[Value] = []
    harmless: list[tuple[Value, Hit]] = []
    for value in mine:
        hits = [hit for hit in us.benign.match(value) if hit.effect is Effect.SUPPRESS]
        if hits:
            harmless.append((value, hits[0]))
        else:
            kept.append(value)
    return kept, harmless


def _tied(
    mine: Mapping[Value, str], spoken: Mapping[Value, Sequence[Copy]], apart: set[str]
) -> list[Tied]:
    by: dict[int, list[Evidence]] = defaultdict(list)
    copies: dict[int, Copy] = {}
    for value, some in spoken.items():
        for copy in some:
            if copy.object.id not in apart:
                copies[copy.seq] = copy
                said = speaks_of(copy.object.body, value, ()) or (value, True)
                by[copy.seq].append(Evidence(value=value, said=said[0], within=mine[value]))
    found = [Tied(copy=copies[seq], evidence=each) for seq, each in by.items()]
    return sorted(found, key=lambda each: (-_weight(each), -each.copy.seq))


def _weight(tied: Tied) -> int:
    """Count whole values twice, and parts once."""
    return sum(
        2 if likeness(e.said) == likeness(e.value) and not e.within else 1 for e in tied.evidence
    )


def _reports(
    unit: Connection, rows: Rows, ids: Sequence[str], apart: set[str]
) -> list[tuple[Copy, Sequence[str]]]:
    wanted = set(ids)
    found = neighbours.naming_any(unit, rows, wanted, MOST + 1) if wanted else []
    about = ((copy, sorted(_named(copy, wanted))) for copy in found if _is_about(copy))
    kept = [(copy, named) for copy, named in about if copy.object.id not in apart]
    return sorted(kept, key=lambda each: (-len(each[1]), -each[0].seq))


def _named(copy: Copy, wanted: set[str]) -> Iterator[str]:
    return (id_ for id_ in {target for _, target in copy.object.links} if id_ in wanted)


def _sources(tied: Sequence[Tied]) -> dict[str, tuple[int, int]]:
    copies = Counter(each.copy.voucher for each in tied)
    shared: dict[str, set[Value]] = defaultdict(set)
    for each in tied:
        shared[each.copy.voucher] |= {e.value for e in each.evidence}
    return {name: (count, len(shared[name])) for name, count in copies.most_common()}
