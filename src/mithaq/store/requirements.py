"""Intelligence requirements as they are kept: the question, its watches, what people tagged, and what we asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, select

from mithaq.store.sql import put
from mithaq.store.tables import (
    requests,
    requirement_acts,
    requirement_tags,
    requirement_watches,
    requirements,
)

OPEN, ANSWERED, RETIRED = "open", "answered", "retired"
TAGGED, UNTAGGED = "tagged", "untagged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One requirement; ``terms`` is JSON that ``intel`` reads."""

    name: str
    parent: str = ""
    owner: str
    state: str = OPEN
    priority: int
    level: int
    terms: str
    made_at: str
    changed_at: str
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a person did to one, when; ``said`` are names and numbers."""

    requirement: str
    at: str
    by: str
    act: str
    said: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that was made of partners for one."""

    id: str  # of the object that bears it
    requirement: str
    parties: str
    agreements: str
    needed_by: str
    by: str
    at: str


def keep(unit: Connection, row: Row) -> None:
    """Keep or replace one."""
    put(unit, requirements, {name: getattr(row, name) for name in Row.__slots__})


def every(unit: Connection, level: int) -> list[Row]:
    """Return those that who is cleared for a level may see, the first of priority first."""
    query = select(requirements).where(requirements.c.level <= level)
    found = unit.execute(query.order_by(requirements.c.priority, requirements.c.name))
    return [Row(**row._mapping) for row in found]


def named(unit: Connection, name: str) -> Row | None:
    """Return one, whoever may see it."""
    row = unit.execute(select(requirements).where(requirements.c.name == name)).one_or_none()
    return None if row is None else Row(**row._mapping)


def add_watch(unit: Connection, name: str, watch: int, kind: str) -> None:
    """Let a watch look for what answers a requirement."""
    values = {"requirement": name, "watch": watch, "kind": kind}
    unit.execute(requirement_watches.insert().values(values))


def watches(unit: Connection, name: str) -> dict[int, str]:
    """Return, by watch, of which kind each is; those that rest too."""
    table = requirement_watches
    query = select(table.c.watch, table.c.kind).where(table.c.requirement == name)
    return {row.watch: row.kind for row in unit.execute(query.order_by(table.c.watch))}


def tag(unit: Connection, name: str, id_: str, state: str, by: str, at: str) -> None:  # noqa: PLR0913 a row
    """Keep what a person said of an object."""
    values = {"requirement": name, "id": id_, "state": state, "by": by, "at": at}
    put(unit, requirement_tags, values)


def tags(unit: Connection, name: str) -> dict[str, tuple[str, str]]:
    """Return, by object, what people said of it and when."""
    table = requirement_tags
    query = select(table.c.id, table.c.state, table.c.at).where(table.c.requirement == name)
    return {row.id: (row.state, row.at) for row in unit.execute(query)}


def note(unit: Connection, act: Act) -> None:
    """Keep what a person did."""
    said = msgspec.json.encode(act.said).decode()
    values = {n: getattr(act, n) for n in Act.__slots__} | {"said": said}
    unit.execute(requirement_acts.insert().values(values))


def acts(unit: Connection, name: str) -> list[Act]:
    """Return what people did to one, oldest first."""
    table = requirement_acts
    query = select(table).where(table.c.requirement == name).order_by(table.c.seq)
    return [
        Act(requirement=name, at=r.at, by=r.by, act=r.act, said=msgspec.json.decode(r.said))
        for r in unit.execute(query)
    ]


def ask(unit: Connection, asked: Asked) -> None:
    """Keep that partners were asked."""
    unit.execute(requests.insert().values({n: getattr(asked, n) for n in Asked.__slots__}))


def asked_for(unit: Connection, names: Sequence[str]) -> list[Asked]:
    """Return what partners were asked for, for some requirements, newest first."""
    query = select(requests).where(requests.c.requirement.in_(names))
    found = unit.execute(query.order_by(requests.c.at.desc(), requests.c.id))
    return [Asked(**row._mapping) for row in found]


def request_ids(unit: Connection) -> list[str]:
    """Return the ids of all that partners were asked for."""
    return list(unit.execute(select(requests.c.id)).scalars())


def requests_to(unit: Connection, party: str, since: str) -> list[str]:
    """Return the ids of what a partner was asked for from an instant on."""
    found = unit.execute(select(requests.c.id, requests.c.parties).where(requests.c.at >= since))
    return [row.id for row in found if party in row.parties.split(",")]
