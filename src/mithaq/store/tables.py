"""The tables of the three rooms. Instants are texts that sort; digests are ``sha256:`` and hexadecimal."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
}
core = MetaData(schema="core", naming_convention=_NAMES)
shelf = MetaData(schema="shelf", naming_convention=_NAMES)
spool = MetaData(schema="spool", naming_convention=_NAMES)

Serial = BigInteger().with_variant(
    Integer, "sqlite"
)  # SQLite numbers only INTEGER keys by itself


def _serial() -> "Column[int]":
    return Column("seq", Serial, primary_key=True, autoincrement=True)


def _text(name: str, default: str | None = None) -> "Column[str]":
    return Column(name, Text, nullable=False, server_default=default)


# --- core: objects -----------------------------------------------------------------------------------
bodies = Table(
    "bodies",
    core,
    Column("digest", String(71), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
copies = Table(
    "copies",
    core,
    _serial(),
    _text("voucher"),  # a party, or a source as kind:name
    _text("id"),
    _text("version"),
    Column("digest", String(71), nullable=False),
    _text("type"),
    _text("standing"),  # own | received
    _text("role"),  # owner | carrier | local
    _text("owner", ""),  # the party that speaks for it, if any
    _text("agreement", ""),  # it came under
    Column("agreement_version", Integer, nullable=False, server_default="0"),
    _text("sent_by", ""),  # who handed it to us
    _text("onward", "none"),
    _text("author", ""),  # actor who wrote the version here
    _text("beside", "{}"),  # label beside the bytes, as JSON
    _text("readers", "{}"),  # party -> reader ids, as JSON
    Column(
        "tlp", Integer, nullable=False
    ),  # effective level, for selects; 9 = unresolved
    _text("words"),  # lower-case text to search in
    _text("state"),  # admitted | quarantined | recalled
    _text("reason", ""),
    _text("received_at"),
    Column("nonce", LargeBinary),  # of its commitment; destroyed with the object
    _text("com", ""),
    UniqueConstraint("voucher", "id", "version", "digest"),
    Index("ix_copies_id", "id"),
    Index("ix_copies_type_seq", "type", "seq"),
)
relations = Table(
    "relations",
    core,
    Column("copy", Serial, nullable=False),
    _text("pointer"),
    _text("target"),
    PrimaryKeyConstraint("copy", "pointer"),
    Index("ix_relations_target", "target"),
)
markings = Table(
    "markings",
    core,
    Column("id", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
sources = Table(
    "sources",
    core,
    Column("name", Text, primary_key=True),
    _text("kind"),  # feed | client | file
    _text("default_tlp", ""),
    _text("community", ""),  # parties, comma-separated; empty: none
    _text("onward", "none"),
    Column(
        "reference", Boolean, nullable=False, server_default="0"
    ),  # a pinned public set
)
tombstones = Table(
    "tombstones",
    core,
    _text("id"),
    _text("version"),
    _text("by_party"),
    _text("order_id"),
    _text("at"),
    PrimaryKeyConstraint("id", "version", "order_id"),
)

# --- core: what happened -----------------------------------------------------------------------------
journal = Table(
    "journal",
    core,
    _serial(),
    _text("at"),
    _text("kind"),
    _text("subject"),
    _text("facts"),
)
leaves = Table(
    "leaves",
    core,
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("record", LargeBinary, nullable=False),
    _text("subject"),
    Index("ix_leaves_subject", "subject"),
)
nodes = Table(
    "nodes",
    core,
    Column("level", Integer, nullable=False),
    Column("idx", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("level", "idx"),
)
checkpoints = Table(
    "checkpoints",
    core,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    _text("at"),
    Column("envelope", LargeBinary, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
)

# --- core: peers and agreements ----------------------------------------------------------------------
peers = Table(
    "peers",
    core,
    Column("name", Text, primary_key=True),  # the party, or a client's name
    _text("kind"),  # node | client
    _text("url", ""),
    _text("state"),  # met | confirmed | removed
    _text("delivery", "pull"),  # pull: they fetch, we nudge; push: we bring
    _text("country", ""),
    _text("organisation", ""),
    _text("constituency_of", ""),
    Column("need_to_know", Boolean, nullable=False, server_default="0"),
    _text("default_tlp", ""),
    _text("token", ""),  # digest of a client's token
    _text("added_at"),
)
key_documents = Table(
    "key_documents",
    core,
    _text("party"),
    Column("version", Integer, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    _text("at"),
    PrimaryKeyConstraint("party", "version"),
)
agreements = Table(
    "agreements",
    core,
    Column("digest", String(71), primary_key=True),
    _text("id"),
    Column("version", Integer, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    _text("added_at"),
    _text("from_party"),
    Index("ix_agreements_id_version", "id", "version"),
)
signatures = Table(
    "signatures",
    core,
    Column("digest", String(71), nullable=False),
    _text("party"),
    Column("envelope", LargeBinary, nullable=False),
    _text("at"),
    PrimaryKeyConstraint("digest", "party"),
)
notices = Table(
    "notices",
    core,
    _serial(),
    _text("agreement"),
    _text("party"),
    _text("act"),  # suspend | resume | end
    Column("envelope", LargeBinary, nullable=False),
    _text("at"),
)
actors = Table(
    "actors",
    core,
    Column("name", Text, primary_key=True),
    _text("roles"),
    _text("clearance"),
    Column("public", LargeBinary, nullable=False),
    _text("added_at"),
)

# --- core: the way out -------------------------------------------------------------------------------
channels = Table(
    "channels",
    core,
    Column("id", String(32), primary_key=True),
    _text("peer"),
    _text("agreement"),  # empty: base
    _text("direction"),  # out | in
    Column("seq", BigInteger, nullable=False),
    Column("head", String(71), nullable=False),
    _text("state", "open"),  # open | frozen | replaced
    _text("reason", ""),
    Column(
        "floor", Integer, nullable=False, server_default="0"
    ),  # lowest agreement version still accepted
    Index("ix_channels_peer", "peer", "agreement", "direction"),
)
outbox = Table(
    "outbox",
    core,
    _serial(),
    Column("channel", String(32), nullable=False),
    Column("chan_seq", BigInteger, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    _text("bodies"),  # digests of the slices, comma-separated
    _text("at"),
    _text("delivered_at", ""),
    UniqueConstraint("channel", "chan_seq"),
)
held_frames = Table(  # received out of order or before their agreement: kept until they can be admitted
    "held_frames",
    core,
    _text("peer"),
    Column("channel", String(32), nullable=False),
    Column("chan_seq", BigInteger, nullable=False),
    Column("frame", LargeBinary, nullable=False),
    _text("reason"),
    _text("at"),
    PrimaryKeyConstraint("channel", "chan_seq"),
)
refusals = Table(
    "refusals",
    core,
    _serial(),
    _text("at"),
    _text("peer"),
    _text("code"),
    _text("cause"),
    Column("frame", LargeBinary),
)
shelf_ops = Table(
    "shelf_ops", core, _serial(), _text("op"), _text("shelf"), _text("facts")
)
rows = Table(
    "rows",
    core,
    Column("shelf", String(32), nullable=False),  # = channel of the release
    _text("id"),
    _text("version"),
    _text("peer"),
    _text("agreement"),
    Column("copy", Serial, nullable=False),
    Column("view", String(71), nullable=False),
    _text("removed"),  # JSON list of pointers
    _text("label"),  # JSON
    _text("released_at"),
    Column("leaf", BigInteger, nullable=False),
    PrimaryKeyConstraint("shelf", "id", "version"),
    Index("ix_rows_agreement_id", "agreement", "id"),
    Index("ix_rows_copy", "copy"),
)
intents = Table(
    "intents",
    core,
    _serial(),
    Column("copy", Serial, nullable=False),
    _text("agreement"),
    _text("peer"),
    _text("purpose"),
    _text("proposer"),
    _text("at"),
    _text("state"),  # released | held | withheld | shadow
    _text("needs", ""),
    _text("view", ""),
    _text("reasons", "[]"),
    UniqueConstraint("copy", "agreement", "peer"),
    Index("ix_intents_state", "state"),
)
waiting = Table(
    "waiting",
    core,
    _text("agreement"),
    _text("target"),
    Column("copy", Serial, nullable=False),
    PrimaryKeyConstraint("agreement", "target", "copy"),
)
approvals = Table(
    "approvals",
    core,
    _serial(),
    Column("copy", Serial, nullable=False),
    _text("agreement"),
    Column("agreement_digest", String(71), nullable=False),
    Column("view", String(71), nullable=False),
    _text("peers"),
    _text("proposer"),
    _text("approver"),
    Column("envelope", LargeBinary, nullable=False),
    _text("at"),
)
settings = Table(
    "settings", core, Column("key", Text, primary_key=True), _text("value")
)

# --- shelf: what peers may read ----------------------------------------------------------------------
shelves = Table(
    "shelves",
    shelf,
    Column("shelf", String(32), primary_key=True),
    _text("peer"),
    _text("title"),
    _text("state"),  # open | blocked | closed
    _text("last_added", ""),
    Column("position", BigInteger, nullable=False, server_default="0"),
    Index("ix_shelves_peer", "peer"),
)
shelf_rows = Table(
    "shelf_rows",
    shelf,
    Column("shelf", String(32), nullable=False),
    Column("position", BigInteger, nullable=False),
    _text("id"),
    _text("version"),  # TAXII version: modified, created, or date_added for an SCO
    _text("stix_version"),
    _text("type"),
    Column("view", String(71), nullable=False),
    _text("date_added"),
    PrimaryKeyConstraint("shelf", "position"),
    UniqueConstraint("shelf", "id", "stix_version"),
)
views = Table(
    "views",
    shelf,
    Column("digest", String(71), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
frames = Table(
    "frames",
    shelf,
    Column("channel", String(32), nullable=False),
    Column("seq", BigInteger, nullable=False),
    _text("peer"),
    Column("envelope", LargeBinary, nullable=False),
    _text("bodies"),
    Column("size", BigInteger, nullable=False),
    _text("date_added"),
    PrimaryKeyConstraint("channel", "seq"),
)
heartbeats = Table(
    "heartbeats",
    shelf,
    Column("peer", Text, primary_key=True),
    Column("envelope", LargeBinary, nullable=False),
)
callers = Table(
    "callers",
    shelf,
    Column("name", Text, primary_key=True),
    _text("kind"),  # node | client
    _text("keys"),  # key id -> base64 raw key, as JSON
    _text("token", ""),
)
documents = Table(
    "documents",
    shelf,
    Column("name", Text, primary_key=True),
    Column("raw", LargeBinary, nullable=False),
)
inbox_rows = Table(
    "inbox_rows",
    shelf,
    Column("shelf", String(32), nullable=False),
    Column("position", BigInteger, nullable=False),
    _text("id"),
    _text("version"),
    _text("type"),
    Column("view", String(71), nullable=False),
    _text("date_added"),
    PrimaryKeyConstraint("shelf", "position"),
    UniqueConstraint("shelf", "id", "version", "view"),
)
statuses = Table(
    "statuses",
    shelf,
    Column("id", String(36), primary_key=True),
    _text("shelf"),
    Column("raw", LargeBinary, nullable=False),
)
marks = Table("marks", shelf, Column("key", Text, primary_key=True), _text("value"))

# --- spool: what came in, unread ---------------------------------------------------------------------
arrivals = Table(
    "arrivals",
    spool,
    _serial(),
    _text("peer"),
    _text("kind"),  # frame | post | nudge
    _text("facts", "{}"),
    Column("raw", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    _text("at"),
    Index("ix_arrivals_peer", "peer"),
)
