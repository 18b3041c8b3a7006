"""What our people blocked on our own firewalls, and took off again."""

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table

from mithaq.store.tables.base import Serial, column, columns, core, serial

block_acts = Table(  # one act of one person; of several values
    "block_acts",
    core,
    serial(),
    column("kind"),  # block | unblock
    *columns("by", "at", "why", "until"),
    column("clients"),  # comma-separated: the firewalls that it was for
    sqlite_autoincrement=True,
)
blocked = Table(
    "blocked",
    core,
    Column("act", Serial, nullable=False),
    column("kind"),
    column("value"),
    column("indicator"),  # the id of what says so on the firewalls' shelves
    column("until"),
    Column("undone", Serial, nullable=False, server_default="0"),  # by which act; 0: it stands
    PrimaryKeyConstraint("act", "kind", "value"),
    Index("ix_blocked_value", "kind", "value"),
)
