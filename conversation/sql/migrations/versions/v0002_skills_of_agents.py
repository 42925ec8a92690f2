"""What agents can do and speak, for automatic assignment; those there already take everything."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """From accounts without skills."""
    for name in ("skills", "languages"):
        op.add_column("agents", sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
