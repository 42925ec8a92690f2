"""Table definitions: the schema. Its history is in `migrations`; a test holds the two equal.

Times are microseconds since 1970, UTC: one integer that every database keeps exactly and orders alike.
"""

import sqlalchemy as sa

REVISION = "0004"  # the migration this code expects; the newest in `migrations/versions`

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

visitors = sa.Table(
    "visitors",
    metadata,
    sa.Column("visitor_id", sa.Text, primary_key=True),
    sa.Column("site_id", sa.Text, nullable=False),
    sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("user_id", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("email", sa.Text),
    sa.UniqueConstraint("site_id", "user_id"),
)

# One row a conversation: the fold of its events. What is searched or sorted by has a column, the rest is in `memo`.
# `visitor_id` is no foreign key: evaluation and imports append to conversations of visitors nobody has stored.
conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("conversation_id", sa.Text, primary_key=True),
    sa.Column("site_id", sa.Text, nullable=False),
    sa.Column("visitor_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("holder_kind", sa.Text, nullable=False),
    sa.Column("holder_id", sa.Text),
    sa.Column("holder_name", sa.Text),
    sa.Column("hold", sa.Integer, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("priority", sa.SmallInteger, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("waiting_since", sa.BigInteger),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Column("preview", sa.Text, nullable=False),
    sa.Column("memo", sa.JSON, nullable=False),
    sa.Column("erased", sa.Boolean, nullable=False, server_default=sa.false()),
)

# Literals, not parameters: only then does a planner see that a partial index applies.
IS_OPEN = conversations.c.state != sa.literal_column("'closed'")
IS_QUEUED = conversations.c.state == sa.literal_column("'queued'")
IS_HELD = conversations.c.holder_id.is_not(None)
IS_TO_ERASE = sa.text("state = 'closed' AND NOT erased")  # `NOT erased` is the one spelling that all databases share

sa.Index(
    "one_open_conversation_a_visitor",
    conversations.c.visitor_id,
    unique=True,
    sqlite_where=IS_OPEN,
    postgresql_where=IS_OPEN,
)
sa.Index(
    "conversations_by_wait",
    conversations.c.priority,
    conversations.c.waiting_since,
    sqlite_where=IS_QUEUED,
    postgresql_where=IS_QUEUED,
)
sa.Index("conversations_by_holder", conversations.c.holder_id, sqlite_where=IS_HELD, postgresql_where=IS_HELD)
sa.Index("conversations_by_visitor", conversations.c.visitor_id, conversations.c.updated_at)
sa.Index("conversations_to_erase", conversations.c.updated_at, sqlite_where=IS_TO_ERASE, postgresql_where=IS_TO_ERASE)
sa.Index("conversations_by_change", conversations.c.updated_at, conversations.c.conversation_id)

events = sa.Table(
    "events",
    metadata,
    sa.Column("conversation_id", sa.Text, sa.ForeignKey("conversations.conversation_id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("by_kind", sa.Text, nullable=False),
    sa.Column("by_name", sa.Text),
    sa.Column("by_id", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("v", sa.SmallInteger, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("sender", sa.Text),
    sa.Column("client_id", sa.Text),
    sa.Column("body_hash", sa.LargeBinary),
    sa.UniqueConstraint("sender", "client_id"),  # for ever, across conversations; rows without a key do not collide
)

# The outbox: the replies the bot owes. `leased_until` and `owed_since` are by the database's clock.
turns = sa.Table(
    "turns",
    metadata,
    sa.Column("conversation_id", sa.Text, sa.ForeignKey("conversations.conversation_id"), primary_key=True),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("leased_until", sa.BigInteger, nullable=False),
    sa.Column("owed_since", sa.BigInteger, nullable=False),
    sa.Index("turns_by_lease", "leased_until"),
)

# The outbox of notices: which targets are still to be told of which events. Both times are by the database's clock.
notices = sa.Table(
    "notices",
    metadata,
    sa.Column("conversation_id", sa.Text, sa.ForeignKey("conversations.conversation_id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("owed_since", sa.BigInteger, nullable=False),
    sa.Index("notices_by_due", "target", "due_at"),
)

agents = sa.Table(
    "agents",
    metadata,
    sa.Column("agent_id", sa.Text, primary_key=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("email_folded", sa.Text, nullable=False, unique=True),  # addresses compare without case
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("password_hash", sa.Text),
    sa.Column("skills", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("languages", sa.JSON, nullable=False, server_default="[]"),
)

credentials = sa.Table(
    "credentials",
    metadata,
    sa.Column("token_hash", sa.LargeBinary, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("agent_id", sa.Text, sa.ForeignKey("agents.agent_id"), nullable=False),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("csrf", sa.Text),
)

presence = sa.Table(
    "presence",
    metadata,
    sa.Column("agent_id", sa.Text, sa.ForeignKey("agents.agent_id"), primary_key=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
)

# What one process does for all, every so often; `due_at` is by the database's clock.
chores = sa.Table(
    "chores",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("due_at", sa.BigInteger, nullable=False),
)
