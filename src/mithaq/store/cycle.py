"""What people say in the defence cycle: of threats, mitigations, gaps and proofs; and how it stood day by day."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import TypeVar

from sqlalchemy import Connection, Table, delete, select

from mithaq.store.sql import fetched, put, within
from mithaq.store.tables import (
    cycle_days,
    cycle_gaps,
    cycle_mitigations,
    cycle_priorities,
    cycle_proofs,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Priority:
    """How much a threat matters, by a person."""

    threat: str
    priority: int
    why: str
    by: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """How far a mitigation is in place; for one technique, or for whatever it mitigates."""

    mitigation: str
    technique: str = ""
    state: str
    why: str = ""
    by: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRow:
    """Whose a gap is, and by when it is to be closed; or until when somebody took it upon themselves."""

    technique: str
    owner: str = ""
    due: str = ""  # a day
    note: str = ""
    accepted_until: str = ""  # a day
    accepted_why: str = ""
    accepted_by: str = ""
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What a person noted as a proof, or that there is none: it was tried and not seen."""

    seq: int = 0
    technique: str
    kind: str
    what: str
    day: str
    found: bool
    by: str
    at: str


def _names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def _every(unit: Connection, table: Table, kind: type[T]) -> list[T]:
    names = _names(kind)
    rows = fetched(unit, select(*(table.c[name] for name in names)))
    return [kind(**dict(zip(names, row, strict=True))) for row in rows]


def _put(unit: Connection, table: Table, row: object) -> None:
    put(unit, table, {name: getattr(row, name) for name in _names(type(row))})


# --- threats and mitigations ---------------------------------------------------------------------------
def set_priority(unit: Connection, row: Priority) -> None:
    """Keep what a person says of a threat."""
    _put(unit, cycle_priorities, row)


def unset_priority(unit: Connection, threat: str) -> None:
    """Forget what a person said of it."""
    unit.execute(delete(cycle_priorities).where(cycle_priorities.c.threat == threat))


def priorities(unit: Connection) -> dict[str, Priority]:
    """Return what people say of threats."""
    return {each.threat: each for each in _every(unit, cycle_priorities, Priority)}


def assess(unit: Connection, row: Assessment) -> None:
    """Keep what a person says of a mitigation."""
    _put(unit, cycle_mitigations, row)


def assessments(unit: Connection) -> dict[tuple[str, str], Assessment]:
    """Return what people say of mitigations, by (mitigation, technique)."""
    return {(e.mitigation, e.technique): e for e in _every(unit, cycle_mitigations, Assessment)}


# --- gaps and proofs -----------------------------------------------------------------------------------
def put_gap(unit: Connection, row: GapRow) -> None:
    """Keep what is said of a gap."""
    _put(unit, cycle_gaps, row)


def gaps(unit: Connection) -> dict[str, GapRow]:
    """Return what is said of gaps, by technique."""
    return {each.technique: each for each in _every(unit, cycle_gaps, GapRow)}


def prove(unit: Connection, row: Noted) -> int:
    """Keep a proof; return its number."""
    facts = {name: getattr(row, name) for name in _names(Noted) if name != "seq"}
    made = unit.execute(cycle_proofs.insert().values(facts).returning(cycle_proofs.c.seq))
    return int(made.scalar_one())


def proofs(unit: Connection, since: str = "") -> list[Noted]:
    """Return what people noted of a day or after it, oldest first."""
    found = [each for each in _every(unit, cycle_proofs, Noted) if each.day >= since]
    return sorted(found, key=lambda each: (each.day, each.seq))


# --- day by day ----------------------------------------------------------------------------------------
def keep_day(unit: Connection, day: str, level: int, content: str) -> None:
    """Keep how it stands on a day, for who is cleared for a level."""
    put(unit, cycle_days, {"day": day, "level": level, "content": content})


def days(unit: Connection, level: int) -> list[str]:
    """Return the days of which it is kept, the first first."""
    c = cycle_days.c
    return [day for (day,) in fetched(unit, select(c.day).where(c.level == level).order_by(c.day))]


def day(unit: Connection, which: str, level: int) -> str:
    """Return how it stood on a day; empty: it is not kept."""
    c = cycle_days.c
    query = select(c.content).where(c.day == which, c.level == level)
    return str(unit.execute(query).scalar_one_or_none() or "")


def kept_at(unit: Connection, which: str, levels: Collection[int]) -> set[int]:
    """Return those of some levels for which a day is kept."""
    c = cycle_days.c
    query = select(c.level).where(c.day == which, within(unit, c.level, list(levels)))
    return {level for (level,) in fetched(unit, query)}
