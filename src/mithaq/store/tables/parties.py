"""Peers and people, and what is agreed between nations."""

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, String, Table

from mithaq.store.tables.base import blob, column, columns, core, key, serial

peers = Table(
    "peers",
    core,
    key("name"),  # the party, or a client's name
    column("kind"),  # node | client
    column("url", ""),
    column("state"),  # met | confirmed | removed
    column("delivery", "pull"),  # pull: they fetch, we nudge; push: we bring
    column("country", ""),
    column("organisation", ""),
    column("constituency_of", ""),
    Column("need_to_know", Boolean, nullable=False, server_default="0"),
    column("default_tlp", ""),
    column("token", ""),  # digest of a client's token
    column("added_at"),
)
key_documents = Table(
    "key_documents",
    core,
    column("party"),
    Column("version", Integer, nullable=False),
    blob("envelope"),
    column("at"),
    PrimaryKeyConstraint("party", "version"),
)
actors = Table(
    "actors",
    core,
    key("name"),
    *columns("roles", "clearance"),
    column("readers", ""),  # reader ids this person is bound to (border.md 2.4), comma-separated
    blob("public"),
    column("added_at"),
)
agreements = Table(
    "agreements",
    core,
    key("digest", 71),
    column("id"),
    Column("version", Integer, nullable=False),
    blob("raw"),
    *columns("added_at", "from_party"),
    Index("ix_agreements_id_version", "id", "version"),
)
signatures = Table(
    "signatures",
    core,
    Column("digest", String(71), nullable=False),
    column("party"),
    blob("envelope"),
    column("at"),
    PrimaryKeyConstraint("digest", "party"),
)
notices = Table(
    "notices",
    core,
    serial(),
    *columns("agreement", "party"),
    column("act"),  # suspend | resume | end
    blob("envelope"),
    column("at"),
    sqlite_autoincrement=True,
)
ruptures = Table(  # who broke off with whom: ours, and what others told us of what they own
    "ruptures",
    core,
    serial(),
    *columns("by", "party"),
    column("state"),  # standing | lifted
    column("suspended", ""),  # agreements that our own suspended, comma-separated
    column("told", ""),  # who was told of our own, comma-separated
    column("reason", ""),
    column("basis", ""),
    column("person", ""),
    column("issued"),  # of the notice
    blob("envelope"),
    column("at"),
    Index("ix_ruptures_party", "party"),
    sqlite_autoincrement=True,
)
restrictions = Table(  # the legal officer's list: what goes to whom under no agreement
    "restrictions",
    core,
    serial(),
    # JSON lists; empty: not asked for
    *columns("to", "kinds", "ids", "sources", "markings", "labels"),
    *columns("since", "until"),
    *columns("reason", "basis", "person", "at"),
    column("lifted_at", ""),
    column("lifted_by", ""),
    column("lifted_because", ""),
    sqlite_autoincrement=True,
)
