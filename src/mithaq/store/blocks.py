"""What stands above agreements: who broke off with whom, and the legal officer's restrictions."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import Connection, func, select, update

from mithaq.store.tables import restrictions, ruptures

STANDING, LIFTED = "standing", "lifted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuptureRow:
    """That ``by`` broke off with ``party``, or did once."""

    seq: int = 0
    by: str
    party: str
    state: str = STANDING
    suspended: str = ""  # agreements that our own suspended, comma-separated
    told: str = ""  # who was told of our own, comma-separated
    reason: str = ""
    basis: str = ""
    person: str = ""
    issued: str
    envelope: bytes
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictionRow:
    """One entry of the restriction list; what is empty is not asked for."""

    seq: int = 0
    to: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    markings: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    reason: str
    basis: str
    person: str
    at: str
    lifted_at: str = ""
    lifted_by: str = ""
    lifted_because: str = ""


_LISTS = ("to", "kinds", "ids", "sources", "markings", "labels")


def put_rupture(unit: Connection, row: RuptureRow) -> None:
    """Keep a rupture, or its end: the last word of ``by`` about ``party`` counts."""
    values = {name: getattr(row, name) for name in RuptureRow.__slots__ if name != "seq"}
    unit.execute(ruptures.insert().values(values))


def latest(unit: Connection, by: str, party: str) -> RuptureRow | None:
    """Return the last word of ``by`` about ``party``."""
    c = ruptures.c
    query = select(ruptures).where(c.by == by, c.party == party).order_by(c.seq.desc()).limit(1)
    row = unit.execute(query).one_or_none()
    return None if row is None else _rupture(row)


def ruptures_standing(unit: Connection) -> list[RuptureRow]:
    """Return the ruptures that stand, ours and others', oldest first."""
    last = select(func.max(ruptures.c.seq)).group_by(ruptures.c.by, ruptures.c.party)
    query = select(ruptures).where(ruptures.c.seq.in_(last), ruptures.c.state == STANDING)
    return [_rupture(row) for row in unit.execute(query.order_by(ruptures.c.seq))]


def every_rupture(unit: Connection) -> list[RuptureRow]:
    """Return every word about ruptures, newest first."""
    return [_rupture(row) for row in unit.execute(select(ruptures).order_by(ruptures.c.seq.desc()))]


def count_told(unit: Connection, by: str) -> int:
    """Return about how many parties ``by`` has said anything."""
    query = select(func.count(ruptures.c.party.distinct())).where(ruptures.c.by == by)
    return int(unit.execute(query).scalar_one())


def broken_off(unit: Connection, us: str) -> frozenset[str]:
    """Return the parties that we have broken off with."""
    return frozenset(row.party for row in ruptures_standing(unit) if row.by == us)


def closed_to(unit: Connection, us: str) -> frozenset[str]:
    """Return the parties that get nothing from us: we have broken off with them, or they with us."""
    standing = ruptures_standing(unit)
    theirs = {row.by for row in standing if row.party == us}
    return frozenset(theirs | {row.party for row in standing if row.by == us})


def _rupture(row: object) -> RuptureRow:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    return RuptureRow(**{**values, "envelope": bytes(values["envelope"])})


def add_restriction(unit: Connection, row: RestrictionRow) -> RestrictionRow:
    """Keep an entry; return it numbered."""
    values = {name: getattr(row, name) for name in RestrictionRow.__slots__ if name != "seq"}
    values |= {name: msgspec.json.encode(values[name]).decode() for name in _LISTS}
    done = unit.execute(restrictions.insert().values(values))
    [number] = done.inserted_primary_key or (0,)
    return replace(row, seq=int(number))


def restriction(unit: Connection, number: int) -> RestrictionRow | None:
    """Return one entry."""
    query = select(restrictions).where(restrictions.c.seq == number)
    return next(iter(_restrictions(unit.execute(query))), None)


def every_restriction(unit: Connection) -> list[RestrictionRow]:
    """Return the whole list, lifted entries included, oldest first."""
    return _restrictions(unit.execute(select(restrictions).order_by(restrictions.c.seq)))


def restrictions_standing(unit: Connection) -> list[RestrictionRow]:
    """Return the entries that nobody has lifted, oldest first."""
    query = select(restrictions).where(restrictions.c.lifted_at == "")
    return _restrictions(unit.execute(query.order_by(restrictions.c.seq)))


def lift_restriction(unit: Connection, number: int, lifted: tuple[str, str, str]) -> None:
    """Note that an entry no longer holds: when, by whom, and why."""
    at, by, because = lifted
    values = {"lifted_at": at, "lifted_by": by, "lifted_because": because}
    unit.execute(update(restrictions).where(restrictions.c.seq == number).values(values))


def _restrictions(rows: Iterable[object]) -> list[RestrictionRow]:
    found: list[RestrictionRow] = []
    for row in rows:
        values = dict(row._mapping)  # type: ignore[attr-defined]
        lists = {name: msgspec.json.decode(values[name], type=tuple[str, ...]) for name in _LISTS}
        found.append(RestrictionRow(**{**values, **lists}))
    return found
