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
    text,
)

_NAMES = {kind: f"{kind}_%(table_name)s_%(column_0_N_name)s" for kind in ("ix", "uq")}
core = MetaData(schema="core", naming_convention=_NAMES)
shelf = MetaData(schema="shelf", naming_convention=_NAMES)
spool = MetaData(schema="spool", naming_convention=_NAMES)

Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers only INTEGER keys by itself


def _serial() -> "Column[int]":
    """Number rows; ``sqlite_autoincrement`` on the table keeps SQLite from giving a deleted row's number again.

    Readers follow numbers with a cursor, so a number given twice would be a row nobody ever reads.
    """
    return Column("seq", Serial, primary_key=True, autoincrement=True)


def _key(name: str, length: int | None = None) -> "Column[str]":
    return Column(name, String(length) if length else Text, primary_key=True)


def _blob(name: str) -> "Column[bytes]":
    return Column(name, LargeBinary, nullable=False)


def _text(name: str, default: str | None = None) -> "Column[str]":
    return Column(name, Text, nullable=False, server_default=default)


def _texts(*names: str) -> "list[Column[str]]":
    return [_text(name) for name in names]


# --- core: objects -----------------------------------------------------------------------------------
bodies = Table("bodies", core, _key("digest", 71), _blob("body"))
copies = Table(
    "copies",
    core,
    _serial(),
    _text("voucher"),  # a party, or a source as kind:name
    *_texts("id", "version"),
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
    _text("readers", "[]"),  # "party reader", as a JSON list
    Column("tlp", Integer, nullable=False),  # effective level, for selects; 9 = unresolved
    _text("words"),  # lower-case text to search in
    _text("state"),  # admitted | quarantined | recalled
    _text("reason", ""),
    _text("received_at"),
    Column("nonce", LargeBinary),  # of its commitment; destroyed with the object
    _text("com", ""),
    _text("proof", ""),
    # A digest has one id and version; the terms may differ (border.md 1.8).
    UniqueConstraint("id", "digest", "voucher", "agreement"),
    Index("ix_copies_type_seq", "type", "seq"),
    sqlite_autoincrement=True,
)
relations = Table(
    "relations",
    core,
    Column("copy", Serial, nullable=False),
    *_texts("pointer", "target"),
    PrimaryKeyConstraint("copy", "pointer"),
    Index("ix_relations_target", "target"),
    sqlite_with_rowid=False,
)
markings = Table(  # definitions besides the fixed ones; a voucher's word on an id binds its own objects alone
    "markings",
    core,
    *_texts("voucher", "id"),
    _blob("body"),
    PrimaryKeyConstraint("voucher", "id"),
)
sources = Table(
    "sources",
    core,
    _key("name"),
    _text("kind"),  # feed | client | file
    _text("default_tlp", ""),
    _text("community", ""),  # parties, comma-separated; empty: none
    _text("onward", "none"),
    Column("reference", Boolean, nullable=False, server_default="0"),  # a pinned public set
)

# --- core: what happened -----------------------------------------------------------------------------
journal = Table(
    "journal",
    core,
    _serial(),
    *_texts("at", "kind", "subject", "facts"),
    sqlite_autoincrement=True,
)
leaves = Table(
    "leaves",
    core,
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    _blob("nonce"),
    _blob("record"),
    _text("subject"),
    _blob("hash"),  # of nonce and record together
    Index("ix_leaves_subject", "subject"),
)
nodes = Table(
    "nodes",
    core,
    Column("level", Integer, nullable=False),
    Column("idx", BigInteger, nullable=False),
    _blob("hash"),
    PrimaryKeyConstraint("level", "idx"),
    sqlite_with_rowid=False,
)
checkpoints = Table(
    "checkpoints",
    core,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Text, primary_key=True),
    _blob("envelope"),
    _blob("nonce"),
)

# --- core: peers and agreements ----------------------------------------------------------------------
peers = Table(
    "peers",
    core,
    _key("name"),  # the party, or a client's name
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
    _blob("envelope"),
    _text("at"),
    PrimaryKeyConstraint("party", "version"),
)
agreements = Table(
    "agreements",
    core,
    _key("digest", 71),
    _text("id"),
    Column("version", Integer, nullable=False),
    _blob("raw"),
    *_texts("added_at", "from_party"),
    Index("ix_agreements_id_version", "id", "version"),
)
signatures = Table(
    "signatures",
    core,
    Column("digest", String(71), nullable=False),
    _text("party"),
    _blob("envelope"),
    _text("at"),
    PrimaryKeyConstraint("digest", "party"),
)
notices = Table(
    "notices",
    core,
    _serial(),
    *_texts("agreement", "party"),
    _text("act"),  # suspend | resume | end
    _blob("envelope"),
    _text("at"),
    sqlite_autoincrement=True,
)
actors = Table(
    "actors",
    core,
    _key("name"),
    *_texts("roles", "clearance"),
    _text("readers", ""),  # reader ids this person is bound to (border.md 2.4), comma-separated
    _blob("public"),
    _text("added_at"),
)

# --- core: the way out -------------------------------------------------------------------------------
channels = Table(
    "channels",
    core,
    _key("id", 32),
    _text("peer"),
    _text("agreement"),  # empty: base
    _text("direction"),  # out | in
    Column("seq", BigInteger, nullable=False),
    Column("head", String(71), nullable=False),
    _text("state", "open"),  # open | frozen | replaced
    _text("reason", ""),
    # lowest agreement version still accepted
    Column("floor", Integer, nullable=False, server_default="0"),
    Index(  # a relation has one open channel in each direction
        "ix_channels_open",
        "peer",
        "agreement",
        "direction",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)
outbox = Table(
    "outbox",
    core,
    _serial(),
    Column("channel", String(32), nullable=False),
    Column("chan_seq", BigInteger, nullable=False),
    _blob("envelope"),
    _text("bodies"),  # digests of the slices, comma-separated
    _text("at"),
    _text("delivered_at", ""),
    UniqueConstraint("channel", "chan_seq"),
    sqlite_autoincrement=True,
)
# Received out of order or before their agreement: kept until they can be admitted.
held_frames = Table(
    "held_frames",
    core,
    _text("peer"),
    Column("channel", String(32), nullable=False),
    Column("chan_seq", BigInteger, nullable=False),
    _blob("frame"),
    *_texts("reason", "at"),
    PrimaryKeyConstraint("channel", "chan_seq"),
)
refusals = Table(
    "refusals",
    core,
    _serial(),
    *_texts("at", "peer", "code", "cause"),
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
    _blob("envelope"),
    PrimaryKeyConstraint("channel", "chan_seq"),
)
# How far peers said that they had sent, and when we heard it: what lies beyond is doubtful once a key is revoked.
heads = Table(
    "heads",
    core,
    Column("channel", String(32), nullable=False),
    Column("seq", BigInteger, nullable=False),
    _text("at"),
    PrimaryKeyConstraint("channel", "seq"),
)
# What came in good envelopes but may not be an object here: for our people to look at.
quarantine = Table(
    "quarantine",
    core,
    _serial(),
    *_texts("at", "voucher", "origin", "id", "type", "version"),
    Column("digest", String(71), nullable=False),
    *_texts("code", "where"),
    _blob("body"),
    _text("agreement", ""),
    _text("onward", "none"),  # as its entry claims
    _text("state", "waiting"),  # waiting | dropped
    Index("ix_quarantine_id", "id"),
    sqlite_autoincrement=True,
)
heard = Table(  # the newest heartbeat of each peer
    "heard",
    core,
    _key("peer"),
    _blob("envelope"),
    *_texts("issued", "expires", "at"),
)
shelf_ops = Table(
    "shelf_ops",
    core,
    _serial(),
    *_texts("op", "shelf", "facts"),
    sqlite_autoincrement=True,
)
rows = Table(
    "rows",
    core,
    *_texts("id", "version"),
    Column("shelf", String(32), nullable=False),  # = channel of the release
    *_texts("peer", "agreement"),
    Column("copy", Serial, nullable=False),
    Column("view", String(71), nullable=False),
    _text("removed"),  # JSON list of pointers
    _text("label"),  # JSON
    _text("released_at"),
    Column("leaf", BigInteger, nullable=False),
    _text("fetched_at", ""),  # when its bytes were first read over TAXII; empty: they were not
    PrimaryKeyConstraint("id", "shelf", "version"),
    Index("ix_rows_agreement_peer", "agreement", "peer"),
    sqlite_with_rowid=False,
)
# What an agreement of many was first shown of a version: all its parties see that or nothing (border.md 5.3).
first_views = Table(
    "first_views",
    core,
    *_texts("agreement", "id", "version", "peer"),
    Column("copy", Serial, nullable=False),
    Column("view", String(71), nullable=False),
    *_texts("removed", "since"),
    PrimaryKeyConstraint("agreement", "id", "version"),
    sqlite_with_rowid=False,
)
intents = Table(  # what was asked to go to the parties of an agreement, and by whom
    "intents",
    core,
    _text("agreement"),
    Column("copy", Serial, nullable=False),
    *_texts("purpose", "proposer", "at"),
    PrimaryKeyConstraint("copy", "agreement"),
    sqlite_with_rowid=False,
)
verdicts = Table(  # why some of it stays, for one of them
    "verdicts",
    core,
    _text("agreement"),
    Column("copy", Serial, nullable=False),
    _text("peer"),
    _text("state"),  # held | withheld | shadow | declined
    _text("needs", ""),
    _text("view", ""),
    _text("removed", "[]"),
    _text("reasons", "[]"),
    _text("declined_by", ""),
    _text("declined_at", ""),
    PrimaryKeyConstraint("copy", "agreement", "peer"),
    Index("ix_verdicts_state", "state"),
    sqlite_with_rowid=False,
)
waiting = Table(
    "waiting",
    core,
    *_texts("agreement", "target"),
    Column("copy", Serial, nullable=False),
    PrimaryKeyConstraint("agreement", "target", "copy"),
    Index("ix_waiting_target", "target"),
    sqlite_with_rowid=False,
)
moments = Table(  # instants at which a decision may turn: an embargo's end, an expiry
    "moments",
    core,
    *_texts("agreement", "at"),
    Column("copy", Serial, nullable=False),
    PrimaryKeyConstraint("agreement", "at", "copy"),
    Index("ix_moments_at", "at"),
)
afresh = Table(  # what a change of its agreement has still to decide again, in this order
    "afresh",
    core,
    _serial(),
    _text("agreement"),
    Column("copy", Serial, nullable=False),
    UniqueConstraint("agreement", "copy"),
    sqlite_autoincrement=True,
)
approvals = Table(
    "approvals",
    core,
    _serial(),
    Column("copy", Serial, nullable=False),
    _text("agreement"),
    Column("agreement_digest", String(71), nullable=False),
    Column("view", String(71), nullable=False),
    *_texts("removed", "peers", "proposer", "approver"),
    _blob("envelope"),
    _text("at"),
    # of the standing approval that it was given by; 0: by a person who looked
    Column("standing", Serial, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)
departed = Table(  # what stood on a shelf and is taken away: a recall must reach these peers too
    "departed",
    core,
    _serial(),
    *_texts("peer", "agreement", "id", "version"),
    Column("view", String(71), nullable=False),
    Column("copy", Serial, nullable=False),
    _text("at"),
    _text("fetched_at", ""),
    Index("ix_departed_id", "id"),
    Index("ix_departed_peer", "peer", "agreement"),
    sqlite_autoincrement=True,
)
# Recalls, ours and those we were given; these are the tombstones against re-arrival (border.md 7.2).
orders = Table(
    "orders",
    core,
    _serial(),
    *_texts("name", "agreement", "by"),
    _text("sent_by", ""),  # who handed it to us; empty: it is ours
    *_texts("id", "version"),  # "*": every version up to issued
    _text("view", ""),  # the one view it names, if any
    *_texts("cause", "basis", "issued", "deadline"),
    _text("peers", ""),  # whom ours is for, comma-separated; empty: all
    _text("person", ""),  # who gave ours
    _blob("envelope"),
    _text("at"),
    UniqueConstraint("name", "agreement", "by"),
    Index("ix_orders_id", "id"),
    sqlite_autoincrement=True,
)
consents = Table(  # what was asked of whom, by whom, for whom; ours and others'
    "consents",
    core,
    _serial(),
    *_texts("owner", "asker", "recipient", "id", "version"),
    Column("digest", String(71), nullable=False),
    _text("reason", ""),
    _text("purpose"),
    _text("state"),  # asked | given | refused
    *_texts("asked_at", "at"),
    _text("person", ""),  # who asked or answered here
    Column("envelope", LargeBinary),  # of the owner's last answer
    UniqueConstraint("owner", "asker", "recipient", "id", "version", "digest", "purpose"),
    Index("ix_consents_id", "id"),
    sqlite_autoincrement=True,
)
receipts = Table(  # one for each (order, peer) that owes an answer
    "receipts",
    core,
    *_texts("name", "agreement", "by", "peer"),
    _text("outcome", ""),  # empty: missing
    _text("basis", ""),
    _text("onward", ""),  # JSON: how many it passed the order on to, and what they answered
    _text("at", ""),
    _text("seal", ""),  # the seal it came in; empty: a person recorded it
    _text("person", ""),
    PrimaryKeyConstraint("name", "agreement", "by", "peer"),
)
ruptures = Table(  # who broke off with whom: ours, and what others told us of what they own
    "ruptures",
    core,
    _serial(),
    *_texts("by", "party"),
    _text("state"),  # standing | lifted
    _text("suspended", ""),  # agreements that our own suspended, comma-separated
    _text("told", ""),  # who was told of our own, comma-separated
    _text("reason", ""),
    _text("basis", ""),
    _text("person", ""),
    _text("issued"),  # of the notice
    _blob("envelope"),
    _text("at"),
    Index("ix_ruptures_party", "party"),
    sqlite_autoincrement=True,
)
restrictions = Table(  # the legal officer's list: what goes to whom under no agreement
    "restrictions",
    core,
    _serial(),
    # JSON lists; empty: not asked for
    *_texts("to", "kinds", "ids", "sources", "markings", "labels"),
    *_texts("since", "until"),
    *_texts("reason", "basis", "person", "at"),
    _text("lifted_at", ""),
    _text("lifted_by", ""),
    _text("lifted_because", ""),
    sqlite_autoincrement=True,
)
standings = Table(  # what directors approved beforehand
    "standings",
    core,
    _serial(),
    _text("person"),
    _blob("envelope"),
    _text("at"),
    _text("revoked_at", ""),
    _text("revoked_by", ""),
    sqlite_autoincrement=True,
)
standing_uses = Table(  # each use once: a number that is taken cannot be taken again
    "standing_uses",
    core,
    _serial(),
    Column("standing", Serial, nullable=False),
    Column("use", Integer, nullable=False),
    Column("copy", Serial, nullable=False),
    *_texts("agreement", "id", "version", "peers", "proposer", "at"),
    Column("view", String(71), nullable=False),
    _text("verdict", ""),  # seen | recalled; empty: to be reviewed
    _text("reviewed_at", ""),
    _text("reviewed_by", ""),
    UniqueConstraint("standing", "use"),
    sqlite_autoincrement=True,
)
witnessed = Table(  # the newest head of each partner's log that we keep as its witness
    "witnessed",
    core,
    _key("party"),
    Column("size", BigInteger, nullable=False),
    _text("at"),
    _blob("envelope"),
)
cosigned = Table(  # heads of our log that a witness has signed too
    "cosigned",
    core,
    _text("witness"),
    Column("size", BigInteger, nullable=False),
    _text("at"),
    _blob("envelope"),
    _text("came"),
    PrimaryKeyConstraint("witness", "size", "at"),
)
alarms = Table(  # what somebody may have done wrong, with the signed evidence (border.md 5.3, 6)
    "alarms",
    core,
    _serial(),
    _text("name"),  # the same for the same matter
    *_texts("kind", "subject", "at"),
    _text("facts"),  # JSON
    _blob("evidence"),
    _text("state", "open"),  # open | closed
    *(_text(name, "") for name in ("closed_at", "closed_by", "reason")),
    Index("ix_alarms_name", "name"),
    sqlite_autoincrement=True,
)
settings = Table("settings", core, _key("key"), _text("value"))

# --- shelf: what peers may read ----------------------------------------------------------------------
shelves = Table(
    "shelves",
    shelf,
    _key("shelf", 32),
    *_texts("peer", "title"),
    _text("state"),  # open | blocked | closed
    _text("last_added", ""),
    Column("position", BigInteger, nullable=False, server_default="0"),
    _text(
        "until", ""
    ),  # from then on another text holds, and nothing here is shown; empty: not known
    Index("ix_shelves_peer", "peer"),
)
shelf_rows = Table(
    "shelf_rows",
    shelf,
    Column("shelf", String(32), nullable=False),
    Column("position", BigInteger, nullable=False),
    _text("id"),
    _text("version"),  # TAXII version: modified, created, or date_added for an SCO
    *_texts("stix_version", "type"),
    Column("view", String(71), nullable=False),
    _text("date_added"),
    PrimaryKeyConstraint("shelf", "position"),
    UniqueConstraint("shelf", "id", "stix_version"),
    Index("ix_shelf_rows_view", "view"),
    Index("ix_shelf_rows_added", "shelf", "date_added", "position"),
    Index("ix_shelf_rows_type", "shelf", "type", "position"),
)
gone = Table(  # rows taken away a while ago: what was read of them may still lie in the spool as a note
    "gone",
    shelf,
    Column("shelf", String(32), nullable=False),
    Column("position", BigInteger, nullable=False),
    *_texts("id", "stix_version"),
    Column("view", String(71), nullable=False),
    _text("at"),
    PrimaryKeyConstraint("shelf", "position"),
    Index("ix_gone_at", "at"),
)
views = Table("views", shelf, _key("digest", 71), _blob("body"))
frames = Table(
    "frames",
    shelf,
    Column("channel", String(32), nullable=False),
    Column("seq", BigInteger, nullable=False),
    _text("peer"),
    _blob("envelope"),
    _text("bodies"),
    Column("size", BigInteger, nullable=False),
    _text("date_added"),
    PrimaryKeyConstraint("channel", "seq"),
)
heartbeats = Table("heartbeats", shelf, _key("peer"), _blob("envelope"))
callers = Table(
    "callers",
    shelf,
    _key("name"),
    _text("kind"),  # node | client
    _text("keys"),  # key id -> base64 raw key, as JSON
    _text("token", ""),
    _text("document", ""),  # a node's newest key document, to judge the next one by
    Index("ix_callers_token", "token"),
)
caller_keys = Table(
    "caller_keys",
    shelf,
    _key("keyid"),
    *_texts("name", "key"),
    Index("ix_caller_keys_name", "name"),
)
documents = Table("documents", shelf, _key("name"), _blob("raw"))
inbox_rows = Table(
    "inbox_rows",
    shelf,
    Column("shelf", String(32), nullable=False),
    Column("position", BigInteger, nullable=False),
    *_texts("id", "version", "type"),
    Column("view", String(71), nullable=False),
    _text("date_added"),
    PrimaryKeyConstraint("shelf", "position"),
    UniqueConstraint("shelf", "id", "version", "view"),
    Index("ix_inbox_rows_view", "view"),
)
statuses = Table("statuses", shelf, _key("id", 36), _text("shelf"), _blob("raw"))
marks = Table("marks", shelf, _key("key"), _text("value"))

# --- spool: what came in, unread ---------------------------------------------------------------------
arrivals = Table(
    "arrivals",
    spool,
    _serial(),
    _text("peer"),
    _text("kind"),  # frame | post | withdraw | heartbeat | fetched | nudge
    _text("facts", "{}"),
    _blob("raw"),
    Column("size", BigInteger, nullable=False),
    _text("at"),
    Index("ix_arrivals_peer", "peer"),
    sqlite_autoincrement=True,
)
