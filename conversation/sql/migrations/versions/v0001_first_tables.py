"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """From nothing."""
    _visitors()
    _conversations()
    _conversation_indexes()
    _events()
    _turns()
    _agents()
    _credentials()
    _presence()


def _visitors() -> None:
    op.create_table(
        "visitors",
        sa.Column("visitor_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("email", sa.Text()),
        sa.PrimaryKeyConstraint("visitor_id", name="pk_visitors"),
        sa.UniqueConstraint("token_hash", name="uq_visitors_token_hash"),
        sa.UniqueConstraint("site_id", "user_id", name="uq_visitors_site_id_user_id"),
    )


def _conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("visitor_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("holder_kind", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Text()),
        sa.Column("holder_name", sa.Text()),
        sa.Column("hold", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("waiting_since", sa.BigInteger()),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("preview", sa.Text(), nullable=False),
        sa.Column("memo", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", name="pk_conversations"),
    )


def _conversation_indexes() -> None:
    _partial_index("one_open_conversation_a_visitor", ["visitor_id"], "state != 'closed'", unique=True)
    _partial_index("conversations_by_wait", ["priority", "waiting_since"], "state = 'queued'")
    _partial_index("conversations_by_holder", ["holder_id"], "holder_id IS NOT NULL")
    op.create_index("conversations_by_visitor", "conversations", ["visitor_id", "updated_at"])
    op.create_index("conversations_by_change", "conversations", ["updated_at", "conversation_id"])


def _partial_index(name: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, "conversations", columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_kind", sa.Text(), nullable=False),
        sa.Column("by_name", sa.Text()),
        sa.Column("by_id", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("sender", sa.Text()),
        sa.Column("client_id", sa.Text()),
        sa.Column("body_hash", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("conversation_id", "seq", name="pk_events"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.conversation_id"], name="fk_events_conversation_id"
        ),
        sa.UniqueConstraint("event_id", name="uq_events_event_id"),
        sa.UniqueConstraint("sender", "client_id", name="uq_events_sender_client_id"),
    )


def _turns() -> None:
    op.create_table(
        "turns",
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=False),
        sa.Column("owed_since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", name="pk_turns"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.conversation_id"], name="fk_turns_conversation_id"
        ),
    )
    op.create_index("turns_by_lease", "turns", ["leased_until"])


def _agents() -> None:
    op.create_table(
        "agents",
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_folded", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.PrimaryKeyConstraint("agent_id", name="pk_agents"),
        sa.UniqueConstraint("email_folded", name="uq_agents_email_folded"),
    )


def _credentials() -> None:
    op.create_table(
        "credentials",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("csrf", sa.Text()),
        sa.PrimaryKeyConstraint("token_hash", name="pk_credentials"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.agent_id"], name="fk_credentials_agent_id"),
    )


def _presence() -> None:
    op.create_table(
        "presence",
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agent_id", name="pk_presence"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.agent_id"], name="fk_presence_agent_id"),
    )
