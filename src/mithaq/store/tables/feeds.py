"""Feeds: where we fetch from by ourselves, and how far each has been read."""

from sqlalchemy import PrimaryKeyConstraint, Table

from mithaq.store.tables.base import column, columns, core, key

feeds = Table(
    "feeds",
    core,
    key("name"),
    column("state"),  # active | paused
    column("due_at"),
    column("terms"),  # JSON: what was said when it was added
    column("health"),  # JSON: what the last runs came to
    column("position", "{}"),  # JSON: what the next request says of what we have
)
feed_items = Table(  # parts of a feed that are read again only when they change
    "feed_items",
    core,
    *columns("feed", "item", "version"),
    PrimaryKeyConstraint("feed", "item"),
)
