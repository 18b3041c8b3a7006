"""How often what was claimed: kept by day, source and level, so that an answer costs the same whatever is stored.

Copies are counted some time after they came, in their order; what is counted of an id is told by all its copies that
were counted, so it is counted anew where one comes, goes or is marked otherwise. What most was claimed of late is
found by a weight that never changes as time passes: a claim of a day counts twice that of a week before
(forward decay, Cormode et al. 2009).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from math import log2
from typing import NamedTuple

from sqlalchemy import Connection, Integer, case, delete, func, literal, select

from mithaq.model.claims import BY_ANOTHER, FIRST, FORM, Counted, Tally, Told, counted
from mithaq.model.mentions import Family, Key
from mithaq.model.named import is_of_set
from mithaq.store.engine import append_lock
from mithaq.store.journal import keep, setting
from mithaq.store.sql import chunks, fetched, insert_many, replace_many, within
from mithaq.store.tables import lately, mentions, spoken_of, tallies, tellers

READ = f"emerging.read.{FORM}"  # the number of the last copy that was counted
HALVES = 7.0  # days after which a claim weighs half as much as one of today
_KEY = ("mark", "day", "teller", "level", "again")


def read_until(unit: Connection) -> int:
    """Return the number of the last copy that was counted."""
    return int(setting(unit, READ, "0"))


def mark_of(key: Key) -> int:
    """Return the number of a subject."""
    written = "\0".join(key).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(written, digest_size=8).digest()) >> 1


# --- counting ------------------------------------------------------------------------------------------
def begin(unit: Connection) -> None:
    """Forget all that was counted, which was of another form."""
    for table in (tallies, mentions, lately, spoken_of, tellers):
        unit.execute(delete(table))


def recount(unit: Connection, before: Iterable[Told], after: Iterable[Told]) -> None:
    """Count ``after`` instead of ``before``: all copies of some ids, as they were counted and as they are.

    What a reference set says is nobody's claim.
    """
    append_lock(unit, "tallies")
    old, new = (counted([e for e in each if not is_of_set(e.voucher)]) for each in (before, after))
    more = Counted(new.tallies - old.tallies, new.mentions - old.mentions)
    less = Counted(old.tallies - new.tallies, old.mentions - new.mentions)
    if less.tallies or less.mentions:
        _take(unit, less)
    if more.tallies or more.mentions:
        _give(unit, more)


def read_on(unit: Connection, last: int) -> None:
    """Note how far copies were counted."""
    keep(unit, READ, str(last))


def _give(unit: Connection, more: Counted) -> None:
    keys = {each.key for each in more.tallies} | {each.key for each in more.mentions}
    marks = {key: mark_of(key) for key in keys}
    told = [(mark, *map(str, key)) for key, mark in marks.items()]
    insert_many(unit, spoken_of, ("mark", "family", "kind", "name"), told, or_else="keep")
    numbers = _tellers(unit, {(each.voucher, each.agreement) for each in more.tallies})
    rows = [(*_place(each, marks, numbers), claims) for each, claims in more.tallies.items()]
    _add(unit, rows)
    said = [(marks[each.key], each.day, each.copy) for each in more.mentions]
    insert_many(unit, mentions, ("mark", "day", "copy"), sorted(said), or_else="keep")
    _weigh(unit, more.tallies, marks)


def _place(
    each: Tally, marks: Mapping[Key, int], numbers: Mapping[tuple[str, str], int]
) -> tuple[int, int, int, int, int]:
    teller = numbers[each.voucher, each.agreement]
    return marks[each.key], each.day, teller, each.level, each.again


def _add(unit: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Add to what is counted."""
    if not rows:  # what is claimed stayed, and what is spoken of changed
        return
    where, mark = ("", "?") if unit.dialect.name == "sqlite" else (f'"{tallies.schema}".', "%s")
    named, marks = ", ".join((*_KEY, "claims")), ", ".join([mark] * (len(_KEY) + 1))
    unit.exec_driver_sql(
        f"INSERT INTO {where}tallies AS t ({named}) VALUES ({marks}) "  # noqa: S608 names of ours
        f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET claims = t.claims + excluded.claims",
        sorted(rows),
    )


def _tellers(unit: Connection, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    known = {(voucher, under): seq for seq, voucher, under in fetched(unit, select(tellers))}
    new = sorted(set(wanted) - known.keys())
    made = {each: seq for seq, each in enumerate(new, max(known.values(), default=0) + 1)}
    insert_many(
        unit, tellers, ("seq", "voucher", "agreement"), [(n, *each) for each, n in made.items()]
    )
    return known | made


def _is_weighed(key: Key) -> bool:
    return key.kind not in {"whole", "called"}


def _weigh(unit: Connection, more: Mapping[Tally, int], marks: Mapping[Key, int]) -> None:
    """Let what was claimed weigh more."""
    found: dict[tuple[int, int], float] = {}
    families: dict[int, Family] = {}
    for each, claims in more.items():
        if _is_weighed(each.key):
            mark = marks[each.key]
            families[mark] = each.key.family
            weight = log2(claims) + each.day / HALVES
            found[mark, each.level] = _sum(found.get((mark, each.level)), weight)
    query = select(lately.c.mark, lately.c.level, lately.c.weight)
    for mark, level, weight in fetched(unit, query.where(within(unit, lately.c.mark, families))):
        if (mark, level) in found:
            found[mark, level] = _sum(weight, found[mark, level])
    rows = [(str(families[m]), level, m, weight) for (m, level), weight in sorted(found.items())]
    replace_many(unit, lately, ("family", "level", "mark", "weight"), rows)


def _sum(one: float | None, other: float) -> float:
    """Add what two logarithms stand for."""
    if one is None:
        return other
    high, low = max(one, other), min(one, other)
    return high + log2(1 + 2 ** (low - high))


def _take(unit: Connection, less: Counted) -> None:
    """Take back what was counted, and the names of what nobody speaks of any more."""
    marks = {each.key: mark_of(each.key) for each in less.tallies}
    numbers = _tellers(unit, {(each.voucher, each.agreement) for each in less.tallies})
    _add(unit, [(*_place(each, marks, numbers), -n) for each, n in less.tallies.items()])
    gone = {(mark_of(each.key), each.day, each.copy) for each in less.mentions}
    for mark, day, copy in sorted(gone):
        m = mentions.c
        unit.execute(delete(mentions).where(m.mark == mark, m.day == day, m.copy == copy))
    for part in chunks(sorted(set(marks.values()))):
        unit.execute(delete(tallies).where(tallies.c.mark.in_(part), tallies.c.claims <= 0))
        unit.execute(delete(lately).where(lately.c.mark.in_(part)))
        t = tallies.c
        query = select(t.mark, t.level, t.day, func.sum(t.claims)).where(t.mark.in_(part))
        left: dict[tuple[int, int], float] = {}
        for mark, level, day, claims in fetched(unit, query.group_by(t.mark, t.level, t.day)):
            left[mark, level] = _sum(left.get((mark, level)), log2(claims) + day / HALVES)
        families = {mark: key.family for key, mark in marks.items() if _is_weighed(key)}
        rows = [(str(families[m]), n, m, w) for (m, n), w in left.items() if m in families]
        insert_many(unit, lately, ("family", "level", "mark", "weight"), rows)
        here = {mark for mark, _ in left}
        unit.execute(delete(spoken_of).where(spoken_of.c.mark.in_(set(part) - here)))


# --- asking --------------------------------------------------------------------------------------------
class Daily(NamedTuple):
    """What one source said of a subject on one day."""

    mark: int
    day: int
    voucher: str
    agreement: str
    claims: int  # that nobody else said before
    all: int  # that it said, first or again
    level: int  # the highest among them


class Days(NamedTuple):
    """From one day to another, both included."""

    first: int
    last: int


def likely(unit: Connection, family: Family, level: int, most: int, since: int) -> set[int]:
    """Return what was claimed most of late by claims of each level up to ``level``, at most so many of each.

    Args:
        since: what was not claimed since this day is left out, as far as its weight tells.
    """
    found: set[int] = set()
    c = lately.c
    for each in range(level + 1):
        query = select(c.mark).where(c.family == str(family), c.level == each)
        query = query.where(c.weight >= since / HALVES).order_by(c.weight.desc()).limit(most)
        found.update(mark for (mark,) in fetched(unit, query))
    return found


def named(unit: Connection, marks: Iterable[int]) -> dict[int, Key]:
    """Return what numbers stand for."""
    s = spoken_of.c
    query = select(s.mark, s.family, s.kind, s.name).where(within(unit, s.mark, marks))
    return {
        mark: Key(Family(family), kind, name) for mark, family, kind, name in fetched(unit, query)
    }


def daily(unit: Connection, marks: Iterable[int], days: Days, level: int) -> list[Daily]:
    """Return what was claimed on some days by claims up to ``level``."""
    t = tallies.c
    first = func.sum(case((t.again == literal(FIRST, Integer), t.claims), else_=0))
    all_ = func.sum(case((t.again <= literal(BY_ANOTHER, Integer), t.claims), else_=0))
    query = select(t.mark, t.day, t.teller, first, all_, func.max(t.level))
    query = query.where(
        within(unit, t.mark, marks), t.day.between(days.first, days.last), t.level <= level
    )
    tellers_ = {seq: (voucher, under) for seq, voucher, under in fetched(unit, select(tellers))}
    found = fetched(unit, query.group_by(t.mark, t.day, t.teller))
    return [
        Daily(mark, day, *tellers_[teller], int(claims), int(all_here), highest)
        for mark, day, teller, claims, all_here, highest in found
    ]


def first_days(unit: Connection, marks: Iterable[int], level: int) -> dict[int, int]:
    """Return on which day each was claimed first, by claims up to ``level``."""
    t = tallies.c
    query = select(t.mark, func.min(t.day)).where(within(unit, t.mark, marks), t.level <= level)
    return {mark: day for mark, day in fetched(unit, query.group_by(t.mark))}  # noqa: C416 typed


def copies_of(unit: Connection, marks: Iterable[int], days: Days, most: int) -> list[int]:
    """Return the numbers of copies that speak of something, the last day first."""
    m = mentions.c
    query = select(m.day, m.copy).where(within(unit, m.mark, marks))
    query = query.where(m.day.between(days.first, days.last))
    rows = fetched(unit, query.order_by(m.day.desc(), m.copy.desc()).distinct().limit(most))
    return list(dict.fromkeys(copy for _, copy in rows))
