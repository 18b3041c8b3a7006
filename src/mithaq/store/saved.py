"""Searches that people saved: whose each is, what was asked, and who has notice of what meets it."""

from dataclasses import dataclass

from sqlalchemy import Connection, Select, delete, or_, select, update

from mithaq.store.sql import insert_new
from mithaq.store.tables import followers, saved


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """One saved search; ``asked`` is JSON that ``intel`` reads."""

    owner: str
    name: str
    watch: int
    shared: bool
    asked: str
    made_at: str


def put(unit: Connection, one: Saved) -> None:
    """Keep one."""
    unit.execute(saved.insert().values({name: getattr(one, name) for name in Saved.__slots__}))


def open_to(unit: Connection, actor: str) -> list[Saved]:
    """Return those of a person, and those that others share, by name."""
    query = select(saved).where(or_(saved.c.owner == actor, saved.c.shared))
    return _read(unit, query.order_by(saved.c.name, saved.c.owner))


def followed_by(unit: Connection, actor: str) -> list[Saved]:
    """Return those that a person has notice of, and that are open to them still."""
    query = select(saved).join(followers, followers.c.watch == saved.c.watch)
    query = query.where(followers.c.actor == actor, or_(saved.c.owner == actor, saved.c.shared))
    return _read(unit, query.order_by(saved.c.name, saved.c.owner))


def _read(unit: Connection, query: Select[tuple[object, ...]]) -> list[Saved]:
    return [Saved(**row._mapping) for row in unit.execute(query)]


def change(unit: Connection, one: Saved, *, name: str, shared: bool) -> None:
    """Give one another name, or share it or keep it to its owner."""
    which = saved.c.watch == one.watch
    unit.execute(update(saved).where(which).values(name=name, shared=shared))


def remove(unit: Connection, one: Saved) -> None:
    """Forget one."""
    unit.execute(delete(saved).where(saved.c.watch == one.watch))


def follow(unit: Connection, watch: int, actor: str) -> None:
    """Let a person have notice of what meets a watch."""
    insert_new(unit, followers, [{"watch": watch, "actor": actor}])


def unfollow(unit: Connection, watch: int, actor: str) -> None:
    """Let them have none any more."""
    unit.execute(delete(followers).where(followers.c.watch == watch, followers.c.actor == actor))
