"""Recalls, which are the tombstones too, and consent to passing on."""

from sqlalchemy import (
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from mithaq.store.tables.base import blob, column, columns, core, serial

# Recalls, ours and those we were given; these are the tombstones against re-arrival (border.md 7.2).
orders = Table(
    "orders",
    core,
    serial(),
    *columns("name", "agreement", "by"),
    column("sent_by", ""),  # who handed it to us; empty: it is ours
    *columns("id", "version"),  # "*": every version up to issued
    column("view", ""),  # the one view it names, if any
    *columns("cause", "basis", "issued", "deadline"),
    column("peers", ""),  # whom ours is for, comma-separated; empty: all
    column("person", ""),  # who gave ours
    blob("envelope"),
    column("at"),
    UniqueConstraint("name", "agreement", "by"),
    Index("ix_orders_id", "id"),
    sqlite_autoincrement=True,
)
receipts = Table(  # one for each (order, peer) that owes an answer
    "receipts",
    core,
    *columns("name", "agreement", "by", "peer"),
    column("outcome", ""),  # empty: missing
    column("basis", ""),
    column("onward", ""),  # JSON: how many it passed the order on to, and what they answered
    column("at", ""),
    column("seal", ""),  # the seal it came in; empty: a person recorded it
    column("person", ""),
    PrimaryKeyConstraint("name", "agreement", "by", "peer"),
)
consents = Table(  # what was asked of whom, by whom, for whom; ours and others'
    "consents",
    core,
    serial(),
    *columns("owner", "asker", "recipient", "id", "version"),
    Column("digest", String(71), nullable=False),
    column("reason", ""),
    column("purpose"),
    column("state"),  # asked | given | refused
    *columns("asked_at", "at"),
    column("person", ""),  # who asked or answered here
    Column("envelope", LargeBinary),  # of the owner's last answer
    UniqueConstraint("owner", "asker", "recipient", "id", "version", "digest", "purpose"),
    Index("ix_consents_id", "id"),
    sqlite_autoincrement=True,
)
