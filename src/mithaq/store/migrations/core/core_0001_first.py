"""The first tables of the room core.

Forward only.
"""

import sqlalchemy as sa
from alembic import op

revision = "core_0001"
down_revision = None
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "accepted",
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("chan_seq", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "chan_seq"),
        schema="core",
    )
    op.create_table(
        "actors",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("clearance", sa.Text(), nullable=False),
        sa.Column("readers", sa.Text(), server_default="", nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema="core",
    )
    op.create_table(
        "afresh",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("copy", SERIAL, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("agreement", "copy", name=op.f("uq_afresh_agreement_copy")),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "agreements",
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.Text(), nullable=False),
        sa.Column("from_party", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        schema="core",
    )
    op.create_index(
        "ix_agreements_id_version", "agreements", ["id", "version"], unique=False, schema="core"
    )
    op.create_table(
        "alarms",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("closed_at", sa.Text(), server_default="", nullable=False),
        sa.Column("closed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alarms_name", "alarms", ["name"], unique=False, schema="core")
    op.create_table(
        "approvals",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("copy", SERIAL, nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("agreement_digest", sa.String(length=71), nullable=False),
        sa.Column("view", sa.String(length=71), nullable=False),
        sa.Column("removed", sa.Text(), nullable=False),
        sa.Column("peers", sa.Text(), nullable=False),
        sa.Column("proposer", sa.Text(), nullable=False),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("standing", SERIAL, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "batches",
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        schema="core",
    )
    op.create_table(
        "block_acts",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("clients", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "blocked",
        sa.Column("act", SERIAL, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("indicator", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("undone", SERIAL, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("act", "kind", "value"),
        schema="core",
    )
    op.create_index("ix_blocked_value", "blocked", ["kind", "value"], unique=False, schema="core")
    op.create_table(
        "bodies",
        sa.Column("seq", SERIAL, autoincrement=False, nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
    )
    op.create_index("ix_bodies_mark", "bodies", ["mark"], unique=False, schema="core")
    op.create_table(
        "channels",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(length=71), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("floor", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="core",
    )
    op.create_index(
        "ix_channels_open",
        "channels",
        ["peer", "agreement", "direction"],
        unique=True,
        schema="core",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", "at"),
        schema="core",
    )
    op.create_table(
        "collected",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("events", SERIAL, nullable=False),
        sa.PrimaryKeyConstraint("source", "day"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "consents",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("asker", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), server_default="", nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint(
            "owner",
            "asker",
            "recipient",
            "id",
            "version",
            "digest",
            "purpose",
            name=op.f("uq_consents_owner_asker_recipient_id_version_digest_purpose"),
        ),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_consents_id", "consents", ["id"], unique=False, schema="core")
    op.create_table(
        "copies",
        sa.Column("seq", SERIAL, autoincrement=False, nullable=False),
        sa.Column("provenance", SERIAL, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("tail", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("body", SERIAL, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("com", sa.Text(), server_default="", nullable=False),
        sa.Column("proof", sa.Text(), server_default="", nullable=False),
        sa.Column("refs", sa.Text(), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
    )
    op.create_index(
        "ix_copies_provenance", "copies", ["provenance", "type"], unique=False, schema="core"
    )
    op.create_index("ix_copies_tail", "copies", ["tail"], unique=False, schema="core")
    op.create_index("ix_copies_type_seq", "copies", ["type", "seq"], unique=False, schema="core")
    op.create_table(
        "cosigned",
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("came", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("witness", "size", "at"),
        schema="core",
    )
    op.create_table(
        "cycle_days",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", "level"),
        schema="core",
    )
    op.create_table(
        "cycle_gaps",
        sa.Column("technique", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("due", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("accepted_until", sa.Text(), nullable=False),
        sa.Column("accepted_why", sa.Text(), nullable=False),
        sa.Column("accepted_by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("technique"),
        schema="core",
    )
    op.create_table(
        "cycle_mitigations",
        sa.Column("mitigation", sa.Text(), nullable=False),
        sa.Column("technique", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mitigation", "technique"),
        schema="core",
    )
    op.create_table(
        "cycle_priorities",
        sa.Column("threat", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("threat"),
        schema="core",
    )
    op.create_table(
        "cycle_proofs",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("technique", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("found", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_cycle_proofs_technique", "cycle_proofs", ["technique"], unique=False, schema="core"
    )
    op.create_table(
        "departed",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("view", sa.String(length=71), nullable=False),
        sa.Column("copy", SERIAL, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_departed_id", "departed", ["id"], unique=False, schema="core")
    op.create_index(
        "ix_departed_peer", "departed", ["peer", "agreement", "at"], unique=False, schema="core"
    )
    op.create_table(
        "feed_items",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "item"),
        schema="core",
    )
    op.create_table(
        "feeds",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("health", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema="core",
    )
    op.create_table(
        "first_views",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("copy", SERIAL, nullable=False),
        sa.Column("view", sa.String(length=71), nullable=False),
        sa.Column("removed", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("agreement", "id", "version"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "followers",
        sa.Column("watch", SERIAL, autoincrement=False, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("watch", "actor"),
        schema="core",
    )
    op.create_table(
        "heads",
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "seq"),
        schema="core",
    )
    op.create_index("ix_heads_at", "heads", ["at"], unique=False, schema="core")
    op.create_index("ix_heads_peer", "heads", ["peer"], unique=False, schema="core")
    op.create_table(
        "heard",
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("issued", sa.Text(), nullable=False),
        sa.Column("expires", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("peer"),
        schema="core",
    )
    op.create_table(
        "held_frames",
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("chan_seq", sa.BigInteger(), nullable=False),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "chan_seq"),
        schema="core",
    )
    op.create_table(
        "hits",
        sa.Column("watch", SERIAL, nullable=False),
        sa.Column("block", SERIAL, nullable=False),
        sa.Column("run", SERIAL, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("copies", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("watch", "block", "run"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "intents",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("copy", SERIAL, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("proposer", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("copy", "agreement"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "judgements",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("second", sa.Text(), nullable=False),
        sa.Column("same", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("seen", sa.Text(), server_default="[]", nullable=False),
        sa.Column("undone_by", sa.Text(), server_default="", nullable=False),
        sa.Column("undone_at", sa.Text(), server_default="", nullable=False),
        sa.Column("undone_why", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_judgements_first", "judgements", ["first"], unique=False, schema="core")
    op.create_index("ix_judgements_second", "judgements", ["second"], unique=False, schema="core")
    op.create_table(
        "key_documents",
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("party", "version"),
        schema="core",
    )
    op.create_table(
        "kits",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("made", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("up_to", sa.Text(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema="core",
    )
    op.create_table(
        "kit_results",
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("kit", sa.String(length=32), nullable=False),
        sa.Column("site", SERIAL, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("taken", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        schema="core",
    )
    op.create_index("ix_kit_results_kit", "kit_results", ["kit"], unique=False, schema="core")
    op.create_table(
        "lately",
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("mark", "level"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_lately_weight", "lately", ["family", "level", "weight"], unique=False, schema="core"
    )
    op.create_table(
        "leaves",
        sa.Column("idx", SERIAL, autoincrement=False, nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("idx"),
        schema="core",
    )
    op.create_table(
        "lores",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        schema="core",
    )
    op.create_table(
        "markings",
        sa.Column("voucher", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("voucher", "id"),
        schema="core",
    )
    op.create_table(
        "match_acts",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("grouped", SERIAL, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_match_acts_grouped", "match_acts", ["grouped"], unique=False, schema="core")
    op.create_table(
        "match_groups",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("giver", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("level", SERIAL, nullable=False),
        sa.Column("count", SERIAL, nullable=False),
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("last", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("assignee", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_match_groups_rule",
        "match_groups",
        ["rule", "giver", "day", "source"],
        unique=True,
        schema="core",
    )
    op.create_index(
        "ix_match_groups_state", "match_groups", ["state", "last"], unique=False, schema="core"
    )
    op.create_table(
        "matches",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("grouped", SERIAL, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("suppressed", SERIAL, server_default="0", nullable=False),
        sa.Column("times", SERIAL, server_default="0", nullable=False),
        sa.Column("last", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="core",
    )
    op.create_index("ix_matches_grouped", "matches", ["grouped"], unique=False, schema="core")
    op.create_table(
        "mentions",
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("copy", SERIAL, nullable=False),
        sa.PrimaryKeyConstraint("mark", "day", "copy"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "moments",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("copy", SERIAL, nullable=False),
        sa.PrimaryKeyConstraint("agreement", "at", "copy"),
        schema="core",
    )
    op.create_index("ix_moments_at", "moments", ["at"], unique=False, schema="core")
    op.create_table(
        "nodes",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "idx"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "notices",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "observed",
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("copy", SERIAL, nullable=False),
        sa.PrimaryKeyConstraint("mark", "copy"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "orders",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("sent_by", sa.Text(), server_default="", nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("view", sa.Text(), server_default="", nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("issued", sa.Text(), nullable=False),
        sa.Column("deadline", sa.Text(), nullable=False),
        sa.Column("peers", sa.Text(), server_default="", nullable=False),
        sa.Column("person", sa.Text(), server_default="", nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("name", "agreement", "by", name=op.f("uq_orders_name_agreement_by")),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_orders_id", "orders", ["id"], unique=False, schema="core")
    op.create_table(
        "outbox",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("chan_seq", sa.BigInteger(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("bodies", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("delivered_at", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("channel", "chan_seq", name=op.f("uq_outbox_channel_chan_seq")),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_outbox_channel_at", "outbox", ["channel", "at"], unique=False, schema="core"
    )
    op.create_table(
        "peers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("delivery", sa.Text(), server_default="pull", nullable=False),
        sa.Column("country", sa.Text(), server_default="", nullable=False),
        sa.Column("organisation", sa.Text(), server_default="", nullable=False),
        sa.Column("constituency_of", sa.Text(), server_default="", nullable=False),
        sa.Column("need_to_know", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("default_tlp", sa.Text(), server_default="", nullable=False),
        sa.Column("token", sa.Text(), server_default="", nullable=False),
        sa.Column("added_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema="core",
    )
    op.create_table(
        "provenance",
        sa.Column("seq", SERIAL, autoincrement=False, nullable=False),
        sa.Column("voucher", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("agreement", sa.Text(), server_default="", nullable=False),
        sa.Column("agreement_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent_by", sa.Text(), server_default="", nullable=False),
        sa.Column("onward", sa.Text(), server_default="none", nullable=False),
        sa.Column("author", sa.Text(), server_default="", nullable=False),
        sa.Column("beside", sa.Text(), server_default="{}", nullable=False),
        sa.Column("readers", sa.Text(), server_default="[]", nullable=False),
        sa.Column("tlp", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
    )
    op.create_table(
        "quarantine",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("voucher", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("where", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("agreement", sa.Text(), server_default="", nullable=False),
        sa.Column("onward", sa.Text(), server_default="none", nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_quarantine_id", "quarantine", ["id"], unique=False, schema="core")
    op.create_table(
        "receipts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("basis", sa.Text(), server_default="", nullable=False),
        sa.Column("onward", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.Text(), server_default="", nullable=False),
        sa.Column("seal", sa.Text(), server_default="", nullable=False),
        sa.Column("person", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name", "agreement", "by", "peer"),
        schema="core",
    )
    op.create_table(
        "refusals",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("frame", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "relations",
        sa.Column("tail", sa.BigInteger(), nullable=False),
        sa.Column("copy", SERIAL, nullable=False),
        sa.PrimaryKeyConstraint("tail", "copy"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("requirement", sa.Text(), nullable=False),
        sa.Column("parties", sa.Text(), nullable=False),
        sa.Column("agreements", sa.Text(), nullable=False),
        sa.Column("needed_by", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="core",
    )
    op.create_table(
        "requirement_acts",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("requirement", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "requirement_tags",
        sa.Column("requirement", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("requirement", "id"),
        schema="core",
    )
    op.create_table(
        "requirement_watches",
        sa.Column("requirement", sa.Text(), nullable=False),
        sa.Column("watch", SERIAL, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("watch"),
        schema="core",
    )
    op.create_table(
        "requirements",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), server_default="", nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema="core",
    )
    op.create_table(
        "restrictions",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("ids", sa.Text(), nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.Column("markings", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.Text(), server_default="", nullable=False),
        sa.Column("lifted_by", sa.Text(), server_default="", nullable=False),
        sa.Column("lifted_because", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rows",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("shelf", sa.String(length=32), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("copy", SERIAL, nullable=False),
        sa.Column("view", sa.String(length=71), nullable=False),
        sa.Column("removed", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("released_at", sa.Text(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.Column("fetched_at", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", "shelf", "version"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_rows_agreement_peer",
        "rows",
        ["agreement", "peer", "released_at"],
        unique=False,
        schema="core",
    )
    op.create_table(
        "rule_facts",
        sa.Column("copy", SERIAL, autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("techniques", sa.Text(), nullable=False),
        sa.Column("needs", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("copy"),
        schema="core",
    )
    op.create_index("ix_rule_facts_digest", "rule_facts", ["digest"], unique=False, schema="core")
    op.create_table(
        "ruptures",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("suspended", sa.Text(), server_default="", nullable=False),
        sa.Column("told", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("basis", sa.Text(), server_default="", nullable=False),
        sa.Column("person", sa.Text(), server_default="", nullable=False),
        sa.Column("issued", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ruptures_party", "ruptures", ["party"], unique=False, schema="core")
    op.create_table(
        "saved",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("watch", SERIAL, nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "name"),
        sa.UniqueConstraint("watch", name=op.f("uq_saved_watch")),
        schema="core",
    )
    op.create_table(
        "seen",
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("watch", SERIAL, nullable=False),
        sa.Column("block", SERIAL, nullable=False),
        sa.Column("copies", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("actor", "watch", "block"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "set_aside",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("giver", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("level", SERIAL, nullable=False),
        sa.Column("after", SERIAL, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("back_by", sa.Text(), server_default="", nullable=False),
        sa.Column("back_at", sa.Text(), server_default="", nullable=False),
        sa.Column("back_why", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_set_aside_back_at", "set_aside", ["back_at"], unique=False, schema="core")
    op.create_table(
        "set_names",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "what", "how", "id"),
        schema="core",
    )
    op.create_index("ix_set_names_id", "set_names", ["id"], unique=False, schema="core")
    op.create_index("ix_set_names_what", "set_names", ["what"], unique=False, schema="core")
    op.create_table(
        "set_versions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("objects", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.Text(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("used_at", sa.Text(), server_default="", nullable=False),
        sa.Column("used_by", sa.Text(), server_default="", nullable=False),
        sa.Column("current", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version"),
        schema="core",
    )
    op.create_table(
        "settings",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        schema="core",
    )
    op.create_table(
        "shelf_ops",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("op", sa.Text(), nullable=False),
        sa.Column("shelf", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "signatures",
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "party"),
        schema="core",
    )
    op.create_table(
        "source_marks",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", "name"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "source_states",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sources",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("default_tlp", sa.Text(), server_default="", nullable=False),
        sa.Column("community", sa.Text(), server_default="", nullable=False),
        sa.Column("onward", sa.Text(), server_default="none", nullable=False),
        sa.Column("reference", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("reliability", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema="core",
    )
    op.create_table(
        "spans",
        sa.Column("first", SERIAL, autoincrement=False, nullable=False),
        sa.Column("last", SERIAL, nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("first"),
        schema="core",
    )
    op.create_table(
        "spoken_of",
        sa.Column("mark", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mark"),
        schema="core",
    )
    op.create_table(
        "standing_uses",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("standing", SERIAL, nullable=False),
        sa.Column("use", sa.Integer(), nullable=False),
        sa.Column("copy", SERIAL, nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("peers", sa.Text(), nullable=False),
        sa.Column("proposer", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("view", sa.String(length=71), nullable=False),
        sa.Column("verdict", sa.Text(), server_default="", nullable=False),
        sa.Column("reviewed_at", sa.Text(), server_default="", nullable=False),
        sa.Column("reviewed_by", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("standing", "use", name=op.f("uq_standing_uses_standing_use")),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "standings",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.Text(), server_default="", nullable=False),
        sa.Column("revoked_by", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "subjects",
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("idx", SERIAL, nullable=False),
        sa.PrimaryKeyConstraint("mark", "idx"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "suppressions",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("givers", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("undone_by", sa.Text(), server_default="", nullable=False),
        sa.Column("undone_at", sa.Text(), server_default="", nullable=False),
        sa.Column("undone_why", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tallies",
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("teller", SERIAL, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("again", sa.Integer(), nullable=False),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("mark", "day", "teller", "level", "again"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tellers",
        sa.Column("seq", SERIAL, autoincrement=False, nullable=False),
        sa.Column("voucher", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
    )
    op.create_table(
        "used_rules",
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("techniques", sa.Text(), nullable=False),
        sa.Column("needs", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("last", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("rule"),
        schema="core",
    )
    op.create_table(
        "told",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("sink", sa.Text(), nullable=False),
        sa.Column("hit", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_told_sink", "told", ["sink", "seq"], unique=False, schema="core")
    op.create_table(
        "verdicts",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("copy", SERIAL, nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("needs", sa.Text(), server_default="", nullable=False),
        sa.Column("view", sa.Text(), server_default="", nullable=False),
        sa.Column("removed", sa.Text(), server_default="[]", nullable=False),
        sa.Column("reasons", sa.Text(), server_default="[]", nullable=False),
        sa.Column("declined_by", sa.Text(), server_default="", nullable=False),
        sa.Column("declined_at", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("copy", "agreement", "peer"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_verdicts_state", "verdicts", ["state"], unique=False, schema="core")
    op.create_table(
        "waiting",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("copy", SERIAL, nullable=False),
        sa.PrimaryKeyConstraint("agreement", "target", "copy"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_waiting_target", "waiting", ["target"], unique=False, schema="core")
    op.create_table(
        "watched",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name"),
        schema="core",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "watches",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("after", SERIAL, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="core",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "witnessed",
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("party"),
        schema="core",
    )
    op.create_table(
        "words",
        sa.Column("span", SERIAL, nullable=False),
        sa.Column("word", sa.LargeBinary(), nullable=False),
        sa.Column("copies", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("span", "word"),
        schema="core",
        sqlite_with_rowid=False,
    )
