"""What was asked to go out, what is decided of it, and by whom."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, String, Table, UniqueConstraint

from mithaq.store.tables.base import Serial, blob, column, columns, core, serial

intents = Table(  # what was asked to go to the parties of an agreement, and by whom
    "intents",
    core,
    column("agreement"),
    Column("copy", Serial, nullable=False),
    *columns("purpose", "proposer", "at"),
    PrimaryKeyConstraint("copy", "agreement"),
    sqlite_with_rowid=False,
)
verdicts = Table(  # why some of it stays, for one of them
    "verdicts",
    core,
    column("agreement"),
    Column("copy", Serial, nullable=False),
    column("peer"),
    column("state"),  # held | withheld | shadow | declined
    column("needs", ""),
    column("view", ""),
    column("removed", "[]"),
    column("reasons", "[]"),
    column("declined_by", ""),
    column("declined_at", ""),
    PrimaryKeyConstraint("copy", "agreement", "peer"),
    Index("ix_verdicts_state", "state"),
    sqlite_with_rowid=False,
)
waiting = Table(
    "waiting",
    core,
    *columns("agreement", "target"),
    Column("copy", Serial, nullable=False),
    PrimaryKeyConstraint("agreement", "target", "copy"),
    Index("ix_waiting_target", "target"),
    sqlite_with_rowid=False,
)
moments = Table(  # instants at which a decision may turn: an embargo's end, an expiry
    "moments",
    core,
    *columns("agreement", "at"),
    Column("copy", Serial, nullable=False),
    PrimaryKeyConstraint("agreement", "at", "copy"),
    Index("ix_moments_at", "at"),
)
afresh = Table(  # what a change of its agreement has still to decide again, in this order
    "afresh",
    core,
    serial(),
    column("agreement"),
    Column("copy", Serial, nullable=False),
    UniqueConstraint("agreement", "copy"),
    sqlite_autoincrement=True,
)
approvals = Table(
    "approvals",
    core,
    serial(),
    Column("copy", Serial, nullable=False),
    column("agreement"),
    Column("agreement_digest", String(71), nullable=False),
    Column("view", String(71), nullable=False),
    *columns("removed", "peers", "proposer", "approver"),
    blob("envelope"),
    column("at"),
    # of the standing approval that it was given by; 0: by a person who looked
    Column("standing", Serial, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)
standings = Table(  # what directors approved beforehand
    "standings",
    core,
    serial(),
    column("person"),
    blob("envelope"),
    column("at"),
    column("revoked_at", ""),
    column("revoked_by", ""),
    sqlite_autoincrement=True,
)
standing_uses = Table(  # each use once: a number that is taken cannot be taken again
    "standing_uses",
    core,
    serial(),
    Column("standing", Serial, nullable=False),
    Column("use", Integer, nullable=False),
    Column("copy", Serial, nullable=False),
    *columns("agreement", "id", "version", "peers", "proposer", "at"),
    Column("view", String(71), nullable=False),
    column("verdict", ""),  # seen | recalled; empty: to be reviewed
    column("reviewed_at", ""),
    column("reviewed_by", ""),
    UniqueConstraint("standing", "use"),
    sqlite_autoincrement=True,
)
