"""${message}

Forward only. Each migration must leave the release before it able to read; long rewrites go in steps of
bounded size. On PostgreSQL take no lock longer than a statement needs.
"""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    ${upgrades if upgrades else "pass"}
