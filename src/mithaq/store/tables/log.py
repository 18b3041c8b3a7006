"""What happened: the log, its witnesses, and what somebody may have done wrong."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from mithaq.store.tables.base import Serial, blob, column, columns, core, key, serial

journal = Table(
    "journal",
    core,
    serial(),
    *columns("at", "kind", "subject", "facts"),
    sqlite_autoincrement=True,
)
leaves = Table(
    "leaves",
    core,
    Column("idx", Serial, primary_key=True, autoincrement=False),
    blob("nonce"),
    blob("record"),
    column("subject"),
    blob("hash"),  # of nonce and record together
)
subjects = Table(  # which leaves may be about a subject, read out of them some time after they came
    "subjects",
    core,
    Column("mark", BigInteger, nullable=False),  # made of the subject
    Column("idx", Serial, nullable=False),
    PrimaryKeyConstraint("mark", "idx"),
    sqlite_with_rowid=False,
)
nodes = Table(
    "nodes",
    core,
    Column("level", Integer, nullable=False),
    Column("idx", BigInteger, nullable=False),
    blob("hash"),
    PrimaryKeyConstraint("level", "idx"),
    sqlite_with_rowid=False,
)
checkpoints = Table(
    "checkpoints",
    core,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Text, primary_key=True),
    blob("envelope"),
    blob("nonce"),
)
witnessed = Table(  # the newest head of each partner's log that we keep as its witness
    "witnessed",
    core,
    key("party"),
    Column("size", BigInteger, nullable=False),
    column("at"),
    blob("envelope"),
)
cosigned = Table(  # heads of our log that a witness has signed too
    "cosigned",
    core,
    column("witness"),
    Column("size", BigInteger, nullable=False),
    column("at"),
    blob("envelope"),
    column("came"),
    PrimaryKeyConstraint("witness", "size", "at"),
)
alarms = Table(  # what somebody may have done wrong, with the signed evidence (border.md 5.3, 6)
    "alarms",
    core,
    serial(),
    column("name"),  # the same for the same matter
    *columns("kind", "subject", "at"),
    column("facts"),  # JSON
    blob("evidence"),
    column("state", "open"),  # open | closed
    *(column(name, "") for name in ("closed_at", "closed_by", "reason")),
    Index("ix_alarms_name", "name"),
    sqlite_autoincrement=True,
)
settings = Table("settings", core, key("key"), column("value"))
