"""The way out: channels, and what stands or stood on a shelf."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

from mithaq.store.tables.base import Serial, blob, column, columns, core, key, serial

channels = Table(
    "channels",
    core,
    key("id", 32),
    column("peer"),
    column("agreement"),  # empty: base
    column("direction"),  # out | in
    Column("seq", BigInteger, nullable=False),
    Column("head", String(71), nullable=False),
    column("state", "open"),  # open | frozen | replaced
    column("reason", ""),
    # lowest agreement version still accepted
    Column("floor", Integer, nullable=False, server_default="0"),
    Index(  # a relation has one open channel in each direction
        "ix_channels_open",
        "peer",
        "agreement",
        "direction",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)
outbox = Table(
    "outbox",
    core,
    serial(),
    Column("channel", String(32), nullable=False),
    Column("chan_seq", BigInteger, nullable=False),
    blob("envelope"),
    column("bodies"),  # digests of the slices, comma-separated
    column("at"),
    column("delivered_at", ""),
    UniqueConstraint("channel", "chan_seq"),
    Index("ix_outbox_channel_at", "channel", "at"),
    sqlite_autoincrement=True,
)
shelf_ops = Table(
    "shelf_ops",
    core,
    serial(),
    *columns("op", "shelf", "facts"),
    sqlite_autoincrement=True,
)
rows = Table(
    "rows",
    core,
    *columns("id", "version"),
    Column("shelf", String(32), nullable=False),  # = channel of the release
    *columns("peer", "agreement"),
    Column("copy", Serial, nullable=False),
    Column("view", String(71), nullable=False),
    column("removed"),  # JSON list of pointers
    column("label"),  # JSON
    column("released_at"),
    Column("leaf", BigInteger, nullable=False),
    column("fetched_at", ""),  # when its bytes were first read over TAXII; empty: they were not
    PrimaryKeyConstraint("id", "shelf", "version"),
    Index("ix_rows_agreement_peer", "agreement", "peer", "released_at"),
    sqlite_with_rowid=False,
)
# What an agreement of many was first shown of a version: all its parties see that or nothing (border.md 5.3).
first_views = Table(
    "first_views",
    core,
    *columns("agreement", "id", "version", "peer"),
    Column("copy", Serial, nullable=False),
    Column("view", String(71), nullable=False),
    *columns("removed", "since"),
    PrimaryKeyConstraint("agreement", "id", "version"),
    sqlite_with_rowid=False,
)
departed = Table(  # what stood on a shelf and is taken away: a recall must reach these peers too
    "departed",
    core,
    serial(),
    *columns("peer", "agreement", "id", "version"),
    Column("view", String(71), nullable=False),
    Column("copy", Serial, nullable=False),
    column("at"),
    column("fetched_at", ""),
    Index("ix_departed_id", "id"),
    Index("ix_departed_peer", "peer", "agreement", "at"),
    sqlite_autoincrement=True,
)
