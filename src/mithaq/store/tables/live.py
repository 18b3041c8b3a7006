"""What is kept of telemetry that is watched as it comes: how far it was read, and who is told of hits."""

from sqlalchemy import Column, Index, Table

from mithaq.store.tables.base import Serial, column, columns, core, key, serial

source_marks = Table(  # what a source keeps of itself, so that nothing is read twice
    "source_marks",
    core,
    key("source"),  # as it was named
    key("name"),  # of a file, for one
    column("mark"),
    sqlite_with_rowid=False,
)
source_states = Table(  # how each source does, for people
    "source_states",
    core,
    key("source"),
    column("facts"),  # as JSON
    column("at"),
    sqlite_with_rowid=False,
)
set_aside = Table(  # rules that are no longer tried, until a person or a new version lets them back
    "set_aside",
    core,
    serial(),
    *columns("rule", "giver", "digest"),  # the digest is that of its matches
    column("version"),  # of an indicator that is here; empty: it is none
    *columns("title", "code"),
    Column("level", Serial, nullable=False),  # of TLP: the highest of whatever the rule came in
    Column("after", Serial, nullable=False),  # events
    column("at"),
    column("back_by", ""),
    column("back_at", ""),
    column("back_why", ""),
    Index("ix_set_aside_back_at", "back_at"),
    sqlite_autoincrement=True,
)
told = Table(  # hits on their way to the nation's own tools
    "told",
    core,
    serial(),
    *columns("sink", "hit"),  # the hit as JSON
    Index("ix_told_sink", "sink", "seq"),
    sqlite_autoincrement=True,
)
