"""The first tables of the room shelf.

Forward only.
"""

import sqlalchemy as sa
from alembic import op

revision = "shelf_0001"
down_revision = None
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "caller_keys",
        sa.Column("keyid", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("ends", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("keyid"),
        schema="shelf",
    )
    op.create_index("ix_caller_keys_name", "caller_keys", ["name"], unique=False, schema="shelf")
    op.create_table(
        "callers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), server_default="", nullable=False),
        sa.Column("document", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema="shelf",
    )
    op.create_index("ix_callers_token", "callers", ["token"], unique=False, schema="shelf")
    op.create_table(
        "documents",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema="shelf",
    )
    op.create_table(
        "frames",
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("bodies", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("date_added", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "seq"),
        schema="shelf",
    )
    op.create_table(
        "gone",
        sa.Column("shelf", sa.String(length=32), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("stix_version", sa.Text(), nullable=False),
        sa.Column("view", sa.String(length=71), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shelf", "position"),
        schema="shelf",
    )
    op.create_index("ix_gone_at", "gone", ["at"], unique=False, schema="shelf")
    op.create_table(
        "heartbeats",
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("peer"),
        schema="shelf",
    )
    op.create_table(
        "inbox_rows",
        sa.Column("shelf", sa.String(length=32), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("view", sa.String(length=71), nullable=False),
        sa.Column("body", sa.BigInteger(), nullable=False),
        sa.Column("date_added", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shelf", "position"),
        sa.UniqueConstraint(
            "shelf", "id", "version", "view", name=op.f("uq_inbox_rows_shelf_id_version_view")
        ),
        schema="shelf",
    )
    op.create_index("ix_inbox_rows_view", "inbox_rows", ["view"], unique=False, schema="shelf")
    op.create_table(
        "marks",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        schema="shelf",
    )
    op.create_table(
        "shelf_rows",
        sa.Column("shelf", sa.String(length=32), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("stix_version", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("view", sa.String(length=71), nullable=False),
        sa.Column("body", sa.BigInteger(), nullable=False),
        sa.Column("date_added", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shelf", "position"),
        sa.UniqueConstraint(
            "shelf", "id", "stix_version", name=op.f("uq_shelf_rows_shelf_id_stix_version")
        ),
        schema="shelf",
    )
    op.create_index(
        "ix_shelf_rows_added",
        "shelf_rows",
        ["shelf", "date_added", "position"],
        unique=False,
        schema="shelf",
    )
    op.create_index(
        "ix_shelf_rows_type",
        "shelf_rows",
        ["shelf", "type", "position"],
        unique=False,
        schema="shelf",
    )
    op.create_index("ix_shelf_rows_view", "shelf_rows", ["view"], unique=False, schema="shelf")
    op.create_table(
        "shelves",
        sa.Column("shelf", sa.String(length=32), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("last_added", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("until", sa.Text(), server_default="", nullable=False),
        sa.Column("removed", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("shelf"),
        schema="shelf",
    )
    op.create_index("ix_shelves_peer", "shelves", ["peer"], unique=False, schema="shelf")
    op.create_table(
        "statuses",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("shelf", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="shelf",
    )
    op.create_table(
        "views",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("digest", name=op.f("uq_views_digest")),
        schema="shelf",
    )
