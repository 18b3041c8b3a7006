"""The rooms that the listener may open: the shelf, which it reads, and the spool, which it fills."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from mithaq.store.tables.base import blob, column, columns, key, serial, shelf, spool

shelves = Table(
    "shelves",
    shelf,
    key("shelf", 32),
    *columns("peer", "title"),
    column("state"),  # open | blocked | closed
    column("last_added", ""),
    Column("position", BigInteger, nullable=False, server_default="0"),
    # from then on another text holds, and nothing here is shown; empty: not known
    column("until", ""),
    # rows ever taken away
    Column("removed", BigInteger, nullable=False, server_default="0"),
    Index("ix_shelves_peer", "peer"),
)
shelf_rows = Table(
    "shelf_rows",
    shelf,
    Column("shelf", String(32), nullable=False),
    Column("position", BigInteger, nullable=False),
    column("id"),
    column("version"),  # TAXII version: modified, created, or date_added for an SCO
    *columns("stix_version", "type"),
    Column("view", String(71), nullable=False),
    Column("body", BigInteger, nullable=False),  # views.seq of its view; 0: not there
    column("date_added"),
    PrimaryKeyConstraint("shelf", "position"),
    UniqueConstraint("shelf", "id", "stix_version"),
    Index("ix_shelf_rows_view", "view"),
    Index("ix_shelf_rows_added", "shelf", "date_added", "position"),
    Index("ix_shelf_rows_type", "shelf", "type", "position"),
)
gone = Table(  # rows taken away a while ago: what was read of them may still lie in the spool as a note
    "gone",
    shelf,
    Column("shelf", String(32), nullable=False),
    Column("position", BigInteger, nullable=False),
    *columns("id", "stix_version"),
    Column("view", String(71), nullable=False),
    column("at"),
    PrimaryKeyConstraint("shelf", "position"),
    Index("ix_gone_at", "at"),
)
views = Table(  # rows name them by number, by which a page finds its bytes side by side
    "views",
    shelf,
    serial(),
    Column("digest", String(71), nullable=False),
    blob("body"),
    UniqueConstraint("digest"),
)
frames = Table(
    "frames",
    shelf,
    Column("channel", String(32), nullable=False),
    Column("seq", BigInteger, nullable=False),
    column("peer"),
    blob("envelope"),
    column("bodies"),
    Column("size", BigInteger, nullable=False),
    column("date_added"),
    PrimaryKeyConstraint("channel", "seq"),
)
heartbeats = Table("heartbeats", shelf, key("peer"), blob("envelope"))
callers = Table(
    "callers",
    shelf,
    key("name"),
    column("kind"),  # node | client
    column("keys"),  # key id -> base64 raw key, as JSON
    column("token", ""),
    column("document", ""),  # a node's newest key document, to judge the next one by
    Index("ix_callers_token", "token"),
)
caller_keys = Table(
    "caller_keys",
    shelf,
    key("keyid"),
    *columns("name", "key"),
    column("ends", ""),  # from then on it opens nothing; empty: never
    Index("ix_caller_keys_name", "name"),
)
documents = Table("documents", shelf, key("name"), blob("raw"))
inbox_rows = Table(
    "inbox_rows",
    shelf,
    Column("shelf", String(32), nullable=False),
    Column("position", BigInteger, nullable=False),
    *columns("id", "version", "type"),
    Column("view", String(71), nullable=False),
    Column("body", BigInteger, nullable=False),
    column("date_added"),
    PrimaryKeyConstraint("shelf", "position"),
    UniqueConstraint("shelf", "id", "version", "view"),
    Index("ix_inbox_rows_view", "view"),
)
statuses = Table("statuses", shelf, key("id", 36), column("shelf"), blob("raw"))
marks = Table("marks", shelf, key("key"), column("value"))

arrivals = Table(  # the spool: what came in, unread
    "arrivals",
    spool,
    serial(),
    column("peer"),
    column("kind"),  # frame | post | withdraw | heartbeat | fetched | nudge
    column("facts", "{}"),
    blob("raw"),
    Column("size", BigInteger, nullable=False),
    column("at"),
    Index("ix_arrivals_peer", "peer"),
    sqlite_autoincrement=True,
)
