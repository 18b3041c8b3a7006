"""Hunt kits that were given to constituents, and the results that came back."""

from sqlalchemy import Column, Index, String, Table

from mithaq.store.tables.base import Serial, blob, column, columns, core, key

kits = Table(
    "kits",
    core,
    key("name", 32),
    Column("digest", String(71), nullable=False),  # of the manifest as it was signed
    *columns("client", "made", "until", "by", "up_to"),
    blob("lines"),  # JSON: of each line the id of the object and its title, in their order
)
kit_results = Table(
    "kit_results",
    core,
    key("digest", 71),  # of what it says: the same twice is one
    Column("kit", String(32), nullable=False),
    Column("site", Serial, nullable=False),  # of several of one constituent
    *columns("at", "taken", "by"),
    column("facts"),  # JSON: what was read, and what came of it
    Index("ix_kit_results_kit", "kit"),
)
