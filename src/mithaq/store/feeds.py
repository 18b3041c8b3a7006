"""Feeds: where we fetch from by ourselves, when next, and how far each has been read."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from mithaq.store.sql import chunks, put
from mithaq.store.tables import feed_items, feeds

ACTIVE, PAUSED = "active", "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """One feed; ``terms``, ``health`` and ``position`` are JSON that ``ingest`` reads."""

    name: str
    state: str = ACTIVE
    due_at: str
    terms: str
    health: str = "{}"
    position: str = "{}"


def put_feed(unit: Connection, row: FeedRow) -> None:
    """Keep or replace a feed."""
    put(unit, feeds, {name: getattr(row, name) for name in FeedRow.__slots__})


def every(unit: Connection) -> list[FeedRow]:
    """Return every feed, by name."""
    return [FeedRow(**row._mapping) for row in unit.execute(select(feeds).order_by(feeds.c.name))]


def named(unit: Connection, name: str) -> FeedRow | None:
    """Return one feed."""
    row = unit.execute(select(feeds).where(feeds.c.name == name)).one_or_none()
    return None if row is None else FeedRow(**row._mapping)


def next_due(unit: Connection, now: str) -> str | None:
    """Return the name of the active feed that has waited longest, if one is due."""
    due = (
        select(feeds.c.name)
        .where(feeds.c.state == ACTIVE, feeds.c.due_at <= now)
        .order_by(feeds.c.due_at, feeds.c.name)
        .limit(1)
    )
    return unit.execute(due).scalar_one_or_none()


def set_state(unit: Connection, name: str, state: str, due_at: str) -> None:
    """Pause a feed, or let it go on at an instant."""
    _set(unit, name, state=state, due_at=due_at)


def set_due(unit: Connection, name: str, due_at: str) -> None:
    """Say when a feed is read next."""
    _set(unit, name, due_at=due_at)


def set_health(unit: Connection, name: str, health: str, due_at: str) -> None:
    """Keep what a run came to, and when the next is."""
    _set(unit, name, health=health, due_at=due_at)


def set_terms(unit: Connection, name: str, terms: str, due_at: str) -> None:
    """Let other terms hold, from the next reading on."""
    _set(unit, name, terms=terms, due_at=due_at)


def forget_position(unit: Connection, name: str) -> None:
    """Forget how far a feed was read."""
    _set(unit, name, position="{}")
    unit.execute(delete(feed_items).where(feed_items.c.feed == name))


def set_position(unit: Connection, name: str, position: str) -> None:
    """Keep what the next request says of what we have."""
    _set(unit, name, position=position)


def _set(unit: Connection, name: str, **values: str) -> None:
    unit.execute(update(feeds).where(feeds.c.name == name).values(values))


def items(unit: Connection, name: str) -> dict[str, str]:
    """Return the version of each part of a feed that was read."""
    rows = select(feed_items.c.item, feed_items.c.version).where(feed_items.c.feed == name)
    return {row.item: row.version for row in unit.execute(rows)}


def put_item(unit: Connection, name: str, item: str, version: str) -> None:
    """Note that a part of a feed was read."""
    put(unit, feed_items, {"feed": name, "item": item, "version": version})


def forget_items(unit: Connection, name: str, items: Collection[str]) -> None:
    """Forget that some parts of a feed were read."""
    for some in chunks(sorted(items)):
        gone = feed_items.c.item.in_(some)
        unit.execute(delete(feed_items).where(feed_items.c.feed == name, gone))


def remove(unit: Connection, name: str) -> None:
    """Forget a feed; what it gave stays."""
    unit.execute(delete(feed_items).where(feed_items.c.feed == name))
    unit.execute(delete(feeds).where(feeds.c.name == name))
