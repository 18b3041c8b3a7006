"""What our people say is the same, or is not, against what it looks like."""

from sqlalchemy import Boolean, Column, Index, Table

from mithaq.store.tables.base import column, columns, core, serial

judgements = Table(
    "judgements",
    core,
    serial(),
    *columns("first", "second"),  # ids, in this order
    Column("same", Boolean, nullable=False),
    *columns("why", "author", "at"),
    column("seen", "[]"),  # numbers of the copies it was made from, as a JSON list
    column("undone_by", ""),
    column("undone_at", ""),
    column("undone_why", ""),
    Index("ix_judgements_first", "first"),
    Index("ix_judgements_second", "second"),
    sqlite_autoincrement=True,
)
