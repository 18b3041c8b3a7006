"""Reference sets, such as ATT&CK: each version that is held, whole, and which of them counts."""

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table

from mithaq.store.tables.base import blob, column, columns, core

set_versions = Table(
    "set_versions",
    core,
    *columns("name", "version"),
    column("digest"),  # of the file as it was taken
    Column("objects", Integer, nullable=False),
    column("taken_at"),
    column("taken_by"),
    column("used_at", ""),  # when it began to count, the last time
    column("used_by", ""),
    Column("current", Boolean, nullable=False, server_default="0"),
    blob("content"),  # its objects, packed
    PrimaryKeyConstraint("name", "version"),
)
set_names = Table(  # of the versions that count
    "set_names",
    core,
    *columns(
        "name", "what", "how", "id"
    ),  # how: name | alias | number | revoked, and then id replaces what
    column("type"),
    PrimaryKeyConstraint("name", "what", "how", "id"),
    Index("ix_set_names_what", "what"),
    Index("ix_set_names_id", "id"),
)
