"""What came in over channels, and what of it may not be an object here."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, String, Table

from mithaq.store.tables.base import blob, column, columns, core, key, serial

# Received out of order or before their agreement: kept until they can be admitted.
held_frames = Table(
    "held_frames",
    core,
    column("peer"),
    Column("channel", String(32), nullable=False),
    Column("chan_seq", BigInteger, nullable=False),
    blob("frame"),
    *columns("reason", "at"),
    PrimaryKeyConstraint("channel", "chan_seq"),
)
refusals = Table(
    "refusals",
    core,
    serial(),
    *columns("at", "peer", "code", "cause"),
    Column("frame", LargeBinary),
    sqlite_autoincrement=True,
)
# Seals admitted, by number: a second seal under one number is a fork (border.md 6, step 4).
accepted = Table(
    "accepted",
    core,
    Column("channel", String(32), nullable=False),
    Column("chan_seq", BigInteger, nullable=False),
    Column("seal", String(71), nullable=False),
    blob("envelope"),
    PrimaryKeyConstraint("channel", "chan_seq"),
)
# How far peers said that they had sent, and when we heard it: what lies beyond is doubtful once a key is revoked.
heads = Table(
    "heads",
    core,
    Column("channel", String(32), nullable=False),
    column("peer"),  # who said it; that the channel is its own shows when a frame of it is admitted
    Column("seq", BigInteger, nullable=False),
    column("at"),
    PrimaryKeyConstraint("channel", "seq"),
    Index("ix_heads_at", "at"),
    Index("ix_heads_peer", "peer"),
)
# What came in good envelopes but may not be an object here: for our people to look at.
quarantine = Table(
    "quarantine",
    core,
    serial(),
    *columns("at", "voucher", "origin", "id", "type", "version"),
    Column("digest", String(71), nullable=False),
    *columns("code", "where"),
    blob("body"),
    column("agreement", ""),
    column("onward", "none"),  # as its entry claims
    column("state", "waiting"),  # waiting | dropped
    Index("ix_quarantine_id", "id"),
    sqlite_autoincrement=True,
)
heard = Table(  # the newest heartbeat of each peer
    "heard",
    core,
    key("peer"),
    blob("envelope"),
    *columns("issued", "expires", "at"),
)
