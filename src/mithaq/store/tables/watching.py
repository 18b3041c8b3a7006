"""What people asked to be told about, and which copies that came since meet it."""

from sqlalchemy import Boolean, Column, PrimaryKeyConstraint, Table

from mithaq.store.tables.base import Serial, blob, column, columns, core, key, serial

watches = Table(  # queries that each part of what comes is held against
    "watches",
    core,
    serial(),
    column("query"),  # JSON
    Column("after", Serial, nullable=False),  # the number of the last copy that had come before
    sqlite_autoincrement=True,
)
hits = Table(  # copies that met one, many to a row
    "hits",
    core,
    Column("watch", Serial, nullable=False),
    Column("block", Serial, nullable=False),  # the number of the first copy it could name
    Column("run", Serial, nullable=False),  # the last copy of the part that was looked at
    column("at"),
    blob("copies"),
    PrimaryKeyConstraint("watch", "block", "run"),
    sqlite_with_rowid=False,
)
saved = Table(
    "saved",
    core,
    key("owner"),
    key("name"),
    Column("watch", Serial, nullable=False, unique=True),
    Column("shared", Boolean, nullable=False),
    *columns("asked", "made_at"),  # what was asked, as JSON: it is run again as it was written
)
followers = Table(  # who has notice of what a watch meets
    "followers",
    core,
    Column("watch", Serial, primary_key=True, autoincrement=False),
    key("actor"),
)
seen = Table(  # which hits a person has marked as read
    "seen",
    core,
    column("actor"),
    Column("watch", Serial, nullable=False),
    Column("block", Serial, nullable=False),
    blob("copies"),
    PrimaryKeyConstraint("actor", "watch", "block"),
    sqlite_with_rowid=False,
)
