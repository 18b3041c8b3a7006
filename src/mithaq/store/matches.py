"""Matches in our own telemetry, kept once each, and in groups that people judge as one."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, case, distinct, func, select, update

from mithaq.model.telemetry import Value
from mithaq.model.whose import Word
from mithaq.store import objects
from mithaq.store.sql import fetched, insert_many, unused, within
from mithaq.store.tables import (
    copies,
    match_acts,
    match_groups,
    matches,
    provenance,
    watched,
)

T = TypeVar("T")
OPEN, TRUE, FALSE, UNSURE = "open", "true", "false", "unsure"
JUDGED = "judged"  # an act
KITS = "hunt-kit"  # the log source of what constituents' kits answer
_PAGE = 1000  # matches that are read at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The matches of one rule, or of an indicator as one gave it, on one day in one log source."""

    seq: int = 0
    rule: str
    giver: str = ""  # as ``Word``
    day: str
    source: str
    title: str
    severity: str
    level: int
    count: int
    first: str
    last: str
    state: str = OPEN
    assignee: str = ""

    @property
    def word(self) -> Word:
        """Whose word it rests on."""
        return Word(self.rule, self.giver)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A match as it is kept."""

    id: str
    grouped: int
    digest: str
    event: str
    at: str
    asset: str
    found: Mapping[str, Value] = field(repr=False)
    suppressed: int = 0
    times: int = (
        0  # of what the index of the past says: how often, from ``at`` to ``last``; 0: one event
    )
    last: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What somebody did with a group."""

    grouped: int
    kind: str
    said: str
    by: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which groups are asked for; what is empty is any."""

    states: tuple[str, ...] = (OPEN,)
    severities: tuple[str, ...] = ()
    since: str = ""  # days
    until: str = ""
    rule: str = ""
    source: str = ""
    assignee: str = ""
    suppressed: bool = False  # also those of which nothing is left but what is suppressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What of some groups is not suppressed."""

    count: int = 0
    assets: int = 0
    first: str = ""
    last: str = ""
    suppressed: int = 0


_GROUP = tuple(match_groups.c[name] for name in Group.__slots__)
_KEPT = tuple(matches.c[name] for name in Kept.__slots__)
_ACT = tuple(match_acts.c[name] for name in Act.__slots__)
_read = msgspec.json.Decoder(dict[str, Value]).decode
_references = msgspec.json.Decoder(list[tuple[str, str]]).decode


def new_among(unit: Connection, ids: Iterable[str]) -> set[str]:
    """Return those of some ids that are not kept yet."""
    wanted = set(ids)
    query = select(matches.c.id).where(within(unit, matches.c.id, sorted(wanted)))
    return wanted - {id_ for (id_,) in fetched(unit, query)}


def join(unit: Connection, more: Group) -> int:
    """Let a group have so many matches more; return its number."""
    c = match_groups.c
    which = and_(
        c.rule == more.rule, c.giver == more.giver, c.day == more.day, c.source == more.source
    )
    found = fetched(unit, select(*_GROUP).where(which))
    if not found:
        facts = {name: getattr(more, name) for name in Group.__slots__}
        facts["seq"] = unused(unit, c.seq)
        unit.execute(match_groups.insert().values(facts))
        return int(facts["seq"])
    group = _group(found[0])
    firsts = [each for each in (group.first, more.first) if each]
    facts = {
        "count": group.count + more.count,
        "level": max(group.level, more.level),
        "first": min(firsts, default=""),
        "last": max(group.last, more.last),
    }
    unit.execute(update(match_groups).where(c.seq == group.seq).values(facts))
    return group.seq


def put(unit: Connection, some: Iterable[Kept]) -> None:
    """Keep matches that are new."""
    rows = [
        (e.id, e.grouped, e.digest, e.event, e.at, e.asset, _written(e.found), *_more(e))
        for e in some
    ]
    insert_many(unit, matches, Kept.__slots__, rows)


def _more(kept: Kept) -> tuple[int, int, str]:
    return kept.suppressed, kept.times, kept.last


def counted(unit: Connection, ids: Collection[str]) -> dict[str, Kept]:
    """Return, by id, those of some matches that are kept."""
    query = select(*_KEPT).where(within(unit, matches.c.id, list(ids)))
    return {kept.id: kept for kept in map(_kept, fetched(unit, query))}


def grow(unit: Connection, some: Iterable[Kept]) -> None:
    """Let matches that are kept say how often they are by now, if that is more."""
    for each in some:
        which = (matches.c.id == each.id, matches.c.times < each.times)
        more = {"times": each.times, "last": each.last, "at": each.at}
        unit.execute(update(matches).where(*which).values(more))


def _written(found: Mapping[str, Value]) -> str:
    return msgspec.json.encode(found).decode()


# --- reading ------------------------------------------------------------------------------------------
def groups(
    unit: Connection, *, rules: Collection[str] = (), seqs: Collection[int] = ()
) -> list[Group]:
    """Return groups, those with the newest match first; what is empty is any."""
    c = match_groups.c
    query = select(*_GROUP).order_by(c.last.desc(), c.seq.desc())
    if rules:
        query = query.where(within(unit, c.rule, list(rules)))
    if seqs:
        query = query.where(within(unit, c.seq, list(seqs)))
    return [_group(row) for row in fetched(unit, query)]


def asked(unit: Connection, which: Which) -> list[Group]:
    """Return the groups that are asked for, in no order."""
    c, query = match_groups.c, select(*_GROUP)
    if which.states:
        query = query.where(c.state.in_(which.states))
    if which.severities:
        query = query.where(c.severity.in_(which.severities))
    exact = ((c.rule, which.rule), (c.assignee, which.assignee), (c.source, which.source))
    query = query.where(*(column == said for column, said in exact if said))
    bounds = ((c.day >= which.since, which.since), (c.day <= which.until, which.until))
    query = query.where(*(bound for bound, said in bounds if said))
    return [_group(row) for row in fetched(unit, query)]


def _group(row: tuple[object, ...]) -> Group:
    return _made(Group, row)


def _made(kind: type[T], row: tuple[object, ...]) -> T:
    return msgspec.convert(dict(zip(kind.__slots__, row, strict=True)), kind)  # type: ignore[attr-defined]


def of_group(unit: Connection, seq: int, active: Collection[int], most: int) -> list[Kept]:
    """Return the matches of a group, the newest first, at most so many.

    Args:
        active: the suppressions that stand now; what they suppress is left out.
    """
    query = select(*_KEPT).where(matches.c.grouped == seq, _seen(active))
    ordered = query.order_by(matches.c.at.desc(), matches.c.id).limit(most)
    return [_kept(row) for row in fetched(unit, ordered)]


def each_of(unit: Connection, seq: int, active: Collection[int]) -> Iterator[Kept]:
    """Yield the matches of a group in no order of time, however many they are; the suppressed ones left out."""
    query = select(*_KEPT).where(matches.c.grouped == seq, _seen(active))
    query, last = query.order_by(matches.c.id).limit(_PAGE), ""
    while rows := fetched(unit, query.where(matches.c.id > last)):
        yield from map(_kept, rows)
        last = str(rows[-1][0])


def _kept(row: tuple[object, ...]) -> Kept:
    facts = dict(zip(Kept.__slots__, row, strict=True))
    return msgspec.convert({**facts, "found": _read(str(facts["found"]))}, Kept)


def _seen(active: Collection[int]) -> ColumnElement[bool]:
    """Say that no suppression that stands now is of a match."""
    return matches.c.suppressed.not_in([*sorted(active)])


def tallies(unit: Connection, seqs: Collection[int], active: Collection[int]) -> dict[int, Tally]:
    """Return, by group, what of it is not suppressed."""
    c, seen = matches.c, _seen(active)
    at = case((seen, func.nullif(c.at, "")))
    last = case((seen, func.nullif(case((c.last > c.at, c.last), else_=c.at), "")))
    query = select(
        c.grouped,
        func.count(),
        func.count(case((seen, 1))),
        func.count(distinct(case((seen, func.nullif(c.asset, ""))))),
        func.coalesce(func.min(at), ""),
        func.coalesce(func.max(last), ""),
    ).where(within(unit, c.grouped, list(seqs)))
    counted = _hourly(unit, seqs, seen)
    made = {}
    for seq, whole, count, assets, first, last_ in fetched(unit, query.group_by(c.grouped)):
        shown, all_ = counted.get(seq, (count, whole))
        made[seq] = Tally(
            count=shown, assets=assets, first=first, last=last_, suppressed=all_ - shown
        )
    return made


def _hourly(
    unit: Connection, seqs: Collection[int], seen: ColumnElement[bool]
) -> dict[int, tuple[int, int]]:
    """Return how often, not suppressed and in all, of groups that the index of the past knows of.

    The index and what was found event by event speak of the same events: of an hour counts what says more.
    """
    c = matches.c
    known = select(c.grouped).where(within(unit, c.grouped, list(seqs)), c.times > 0)
    one, hour = case((c.times == 0, 1), else_=0), func.substr(c.at, 1, 13)
    both = [func.sum(each) for each in (one, c.times)]
    both += [func.sum(case((seen, each), else_=0)) for each in (one, c.times)]
    query = select(c.grouped, *both).where(c.grouped.in_(known)).group_by(c.grouped, hour)
    made: dict[int, tuple[int, int]] = {}
    for seq, *counts in fetched(unit, query):
        single, past, single_seen, past_seen = map(int, counts)
        shown, whole = made.get(seq, (0, 0))
        made[seq] = shown + max(single_seen, past_seen), whole + max(single, past)
    return made


def of_machines(unit: Connection) -> list[tuple[int, str]]:
    """Return the groups in which each machine is named, with its name."""
    c = matches.c
    return fetched(unit, select(c.grouped, c.asset).where(c.asset != "").distinct())


def prevalence(
    unit: Connection, word: Word, active: Collection[int], most: int
) -> tuple[int, int, int, int]:
    """Return on how many machines, and days, something matched, each with how many there is telemetry of.

    What constituents' kits answer is no telemetry of ours. A machine counts that there is telemetry of, for outsiders
    too are named in events; and for so many days at most, so that none makes a name common alone. The index of the past
    knows no machines.

    Args:
        active: the suppressions that stand now; what they suppress is left out.
        most: days that one machine counts for.
    """
    c, m = match_groups.c, matches.c
    met = select().join_from(matches, match_groups, c.seq == m.grouped)
    met = met.where(c.rule == word.rule, c.giver == word.giver, c.source != KITS, _seen(active))
    known = and_(watched.c.kind == "asset", watched.c.name == m.asset)
    assets = met.join(watched, known).add_columns(func.count(distinct(m.asset)))
    whole, past = func.count(distinct(c.day)), m.times > 0
    dated = met.where(c.day != "")
    each = dated.where(~past).join(watched, known, isouter=True)
    each = each.add_columns(whole.label("days")).group_by(func.coalesce(watched.c.name, ""))
    days = each.subquery().c.days
    capped = select(func.coalesce(func.sum(case((days > most, most), else_=days)), 0))
    by_day = dated.add_columns(whole)
    of = select(watched.c.kind, func.count()).group_by(watched.c.kind)
    there = dict(fetched(unit, of))
    on_assets, on_days, live, index = (
        int(unit.execute(query).scalar_one())
        for query in (assets, by_day, capped, by_day.where(past))
    )
    return on_assets, there.get("asset", 0), min(on_days, live + index), there.get("day", 0)


def judged_of(unit: Connection, giver: str) -> list[Group]:
    """Return the groups of what one gave that somebody judged true or false."""
    c = match_groups.c
    query = select(*_GROUP).where(c.state.in_((TRUE, FALSE)), c.giver == giver)
    return [_group(row) for row in fetched(unit, query)]


def watch(unit: Connection, assets: Iterable[str], days: Iterable[str]) -> None:
    """Take note that there was telemetry of some machines, and of some days."""
    rows = [*(("asset", each) for each in assets), *(("day", each) for each in days)]
    insert_many(unit, watched, ("kind", "name"), [r for r in rows if r[1]], or_else="keep")


class OwnSighting(NamedTuple):
    """A version of a sighting of ours."""

    seq: int
    id: str
    of: str  # the id of what was seen


def own_sightings(unit: Connection, us: str) -> list[OwnSighting]:
    """Return our own sightings."""
    query = select(copies.c.seq, copies.c.id, copies.c.refs).join_from(
        copies, provenance, objects.CAME
    )
    query = query.where(copies.c.type == "sighting", provenance.c.voucher == us)
    return [
        OwnSighting(seq, id_, target)
        for seq, id_, refs in fetched(unit, query.where(provenance.c.standing == objects.OWN))
        for pointer, target in _references(refs)
        if pointer == "/sighting_of_ref"
    ]


# --- what people do -----------------------------------------------------------------------------------
def change(unit: Connection, seq: int, **facts: str) -> None:
    """Give a group another state or assignee."""
    unit.execute(update(match_groups).where(match_groups.c.seq == seq).values(facts))


def act(unit: Connection, what: Act) -> None:
    """Keep what somebody did."""
    unit.execute(match_acts.insert().values({n: getattr(what, n) for n in Act.__slots__}))


def acts(unit: Connection, seqs: Collection[int]) -> list[Act]:
    """Return what was done with some groups, oldest first."""
    query = select(*_ACT).where(within(unit, match_acts.c.grouped, list(seqs)))
    return [_made(Act, row) for row in fetched(unit, query.order_by(match_acts.c.seq))]


def suppress_matches(unit: Connection, seq: int, ids: Iterable[str]) -> None:
    """Say of matches by which suppression they are not shown."""
    which = within(unit, matches.c.id, list(ids))
    unit.execute(update(matches).where(which).values(suppressed=seq))


def of_rules(unit: Connection, rules: Collection[str]) -> list[tuple[Word, Kept]]:
    """Return the matches of some rules, of all where none is named, each with whose word it rests on."""
    query = select(match_groups.c.rule, match_groups.c.giver, *_KEPT)
    query = query.join(match_groups, match_groups.c.seq == matches.c.grouped)
    if rules:
        query = query.where(within(unit, match_groups.c.rule, list(rules)))
    return [(Word(*row[:2]), _kept(row[2:])) for row in fetched(unit, query)]
