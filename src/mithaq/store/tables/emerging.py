"""How often what was claimed, by day and source; read out of copies some time after they came."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, PrimaryKeyConstraint, Table

from mithaq.store.tables.base import Serial, column, columns, core

spoken_of = Table(  # what copies speak of, by a number that is made of it
    "spoken_of",
    core,
    Column("mark", BigInteger, primary_key=True, autoincrement=False),
    *columns("family", "kind", "name"),
)
tellers = Table(
    "tellers",
    core,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    *columns("voucher", "agreement"),
)
tallies = Table(  # how many claims
    "tallies",
    core,
    Column("mark", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),  # since 1970
    Column("teller", Serial, nullable=False),
    Column("level", Integer, nullable=False),
    Column("again", Integer, nullable=False),
    Column("claims", Integer, nullable=False),
    PrimaryKeyConstraint("mark", "day", "teller", "level", "again"),
    sqlite_with_rowid=False,
)
mentions = Table(  # which copies were counted
    "mentions",
    core,
    Column("mark", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("copy", Serial, nullable=False),
    PrimaryKeyConstraint("mark", "day", "copy"),
    sqlite_with_rowid=False,
)
lately = Table(  # what was claimed most of late, among claims of one level
    "lately",
    core,
    column("family"),
    Column("level", Integer, nullable=False),
    Column("mark", BigInteger, nullable=False),
    Column("weight", Float, nullable=False),  # binary logarithm of claims, each day's worth more
    PrimaryKeyConstraint("mark", "level"),
    Index("ix_lately_weight", "family", "level", "weight"),
    sqlite_with_rowid=False,
)
