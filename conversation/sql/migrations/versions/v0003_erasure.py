"""Which conversations hold nothing any more, and when what is done once for all processes is due again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """From conversations that are kept for ever."""
    op.add_column("conversations", sa.Column("erased", sa.Boolean(), nullable=False, server_default=sa.false()))
    where = sa.text("state = 'closed' AND NOT erased")
    op.create_index(
        "conversations_to_erase", "conversations", ["updated_at"], sqlite_where=where, postgresql_where=where
    )
    op.create_table(
        "chores",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_chores"),
    )
