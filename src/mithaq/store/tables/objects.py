"""STIX objects as vouchers gave them, what they say of each other, and where they come from."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
)

from mithaq.store.tables.base import Serial, blob, column, columns, core, key

bodies = Table(  # copies name them by number, by which those that came together lie side by side
    "bodies",
    core,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("mark", BigInteger, nullable=False),  # the first fifteen digits of the digest
    Column("digest", String(71), nullable=False),
    blob("body"),
    Index("ix_bodies_mark", "mark"),
)
provenance = Table(  # what is the same for many copies that came together, as those of a frame do
    "provenance",
    core,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    column("voucher"),  # a party, or a source as kind:name
    column("standing"),  # own | received | former, of a set whose other version counts
    column("role"),  # owner | carrier | local
    column("owner", ""),  # the party that speaks for it, if any
    column("agreement", ""),  # it came under
    Column("agreement_version", Integer, nullable=False, server_default="0"),
    column("sent_by", ""),  # who handed it to us
    column("onward", "none"),
    column("author", ""),  # actor who wrote the version here
    column("beside", "{}"),  # label beside the bytes, as JSON
    column("readers", "[]"),  # "party reader", as a JSON list
    Column("tlp", Integer, nullable=False),  # effective level, for selects; 9 = unresolved
    column("received_at"),
)
copies = Table(
    "copies",
    core,
    Column("seq", Serial, primary_key=True, autoincrement=False),  # never given twice
    Column("provenance", Serial, nullable=False),
    *columns("id", "version"),
    Column("tail", BigInteger, nullable=False),  # the last twelve digits of the id
    Column("digest", String(71), nullable=False),
    Column("body", Serial, nullable=False),
    column("type"),
    column("com", ""),  # the voucher's commitment, of what came from another nation
    column(
        "proof", ""
    ),  # JSON: batch and index, and the path unless the batch is among ``batches``
    column("refs", "[]"),  # what it refers to: (JSON pointer, id) pairs, as JSON
    # By the whole of an id, or of what makes a copy one of its own, an index would be as large as all the rest.
    Index("ix_copies_tail", "tail"),
    Index("ix_copies_type_seq", "type", "seq"),
    Index("ix_copies_provenance", "provenance", "type"),  # what came is counted from it alone
)
spans = Table(  # of numbers of copies that were read out together: each has an index of its own
    "spans",
    core,
    Column("first", Serial, primary_key=True, autoincrement=False),
    Column("last", Serial, nullable=False),
    *columns("since", "until"),  # when the first and the last of them came
)
words = Table(  # what there is to search in, read out of the bytes some time after they came
    "words",
    core,
    Column("span", Serial, nullable=False),
    blob("word"),
    blob("copies"),  # of the span, that hold it
    PrimaryKeyConstraint("span", "word"),
    sqlite_with_rowid=False,
)
observed = Table(  # which copies may speak of a value
    "observed",
    core,
    Column("mark", BigInteger, nullable=False),  # made of the value
    Column("copy", Serial, nullable=False),
    PrimaryKeyConstraint("mark", "copy"),
    sqlite_with_rowid=False,
)
batches = Table(  # what vouchers signed of views that came with it all: their proofs are made from its leaves
    "batches",
    core,
    key("digest", 71),
    column("envelope"),  # as JSON text
    blob("leaves"),  # their digests, one behind the other
)
relations = Table(  # which copies may refer to an id: four for each one, so they are narrow
    "relations",
    core,
    Column("tail", BigInteger, nullable=False),  # the last twelve digits of what is referred to
    Column("copy", Serial, nullable=False),
    PrimaryKeyConstraint("tail", "copy"),
    sqlite_with_rowid=False,
)
markings = Table(  # definitions besides the fixed ones; a voucher's word on an id binds its own objects alone
    "markings",
    core,
    *columns("voucher", "id"),
    blob("body"),
    PrimaryKeyConstraint("voucher", "id"),
)
sources = Table(
    "sources",
    core,
    key("name"),
    column("kind"),  # feed | client | file
    column("default_tlp", ""),
    column("community", ""),  # parties, comma-separated; empty: none
    column("onward", "none"),
    Column("reference", Boolean, nullable=False, server_default="0"),  # a pinned public set
    column("reliability", ""),  # A to F
)
