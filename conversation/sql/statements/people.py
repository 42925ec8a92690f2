"""Visitors, agents, credentials and presence. Runs on any SQLAlchemy connection."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam

from conversation.clock import micros
from conversation.errors import EmailTaken
from conversation.events import Author
from conversation.sql.statements.rows import (
    Values,
    agent_of,
    agent_values,
    credential_of,
    credential_values,
    presence_of,
    presence_values,
    visitor_of,
    visitor_values,
)
from conversation.sql.tables import IS_OPEN, agents, conversations, credentials, events, presence, visitors
from conversation.values import Agent, Credential, Presence, Visitor

_WANTED: sa.BindParameter[object] = bindparam("wanted")
_VISITOR_BY_TOKEN = sa.select(visitors).where(visitors.c.token_hash == _WANTED)
_VISITOR_BY_USER = sa.select(visitors).where(visitors.c.site_id == bindparam("site"), visitors.c.user_id == _WANTED)
_OTHERS = events.alias()
_MOVE = (
    sa.update(conversations)
    .where(conversations.c.visitor_id == bindparam("old_visitor"), IS_OPEN)
    .values(visitor_id=bindparam("new_visitor"))
)
_RESEND = (
    sa.update(events)
    .where(
        events.c.sender == bindparam("old_sender"),
        events.c.client_id.not_in(sa.select(_OTHERS.c.client_id).where(_OTHERS.c.sender == bindparam("new_sender"))),
    )
    .values(sender=bindparam("new_sender"))
)
_AGENT = sa.select(agents).where(agents.c.agent_id == _WANTED)
_AGENT_BY_EMAIL = sa.select(agents).where(agents.c.email_folded == _WANTED)
_AGENTS = sa.select(agents).order_by(agents.c.name, agents.c.agent_id)
_KEPT = ("agent_id", "email", "email_folded")
_CREDENTIAL = (
    sa.select(credentials, *(c for c in agents.c if c.name != "agent_id"))
    .join_from(credentials, agents)
    .where(credentials.c.token_hash == _WANTED)
)
_SPEND = sa.delete(credentials).where(credentials.c.token_hash == _WANTED).returning(*credentials.c)
_RENEW_PRESENCE = sa.update(presence).where(presence.c.agent_id == _WANTED).values(seen_at=bindparam("now"))
_PRESENCES = sa.select(presence).order_by(presence.c.agent_id)


def visitor_by_token(connection: Connection, token_hash: bytes) -> Visitor | None:
    """The visitor of a token."""
    row = connection.execute(_VISITOR_BY_TOKEN, {"wanted": token_hash}).first()
    return None if row is None else visitor_of(row)


def visitor_by_user(connection: Connection, site_id: str, user_id: str) -> Visitor | None:
    """The signed-in customer of a site."""
    row = connection.execute(_VISITOR_BY_USER, {"site": site_id, "wanted": user_id}).first()
    return None if row is None else visitor_of(row)


def save_visitor(connection: Connection, visitor: Visitor) -> None:
    """Insert or replace by `visitor_id`."""
    _put(connection, visitors, visitors.c.visitor_id, visitor_values(visitor))


def _put(connection: Connection, table: sa.Table, key: sa.Column[str], values: Values) -> None:
    """Update, or insert what was not there: what every database understands alike."""
    if connection.execute(sa.update(table).where(key == values[key.name]), values).rowcount == 0:
        connection.execute(sa.insert(table), values)


def merge_visitor(connection: Connection, anonymous_id: str, customer_id: str) -> bool:
    """Make what the anonymous visitor sent the customer's; True where their open conversation went along."""
    visitors_moved = {"old_visitor": anonymous_id, "new_visitor": customer_id}
    senders = {
        "old_sender": Author("visitor", id=anonymous_id).sender,
        "new_sender": Author("visitor", id=customer_id).sender,
    }
    connection.execute(_RESEND, senders)
    try:
        with connection.begin_nested():
            return connection.execute(_MOVE, visitors_moved).rowcount == 1
    except sa.exc.IntegrityError:
        return False


def add_agent(connection: Connection, agent: Agent, password_hash: str | None) -> None:
    """Raises EmailTaken."""
    if agent_by_email(connection, agent.email) is not None:
        raise EmailTaken(agent.email)
    connection.execute(sa.insert(agents), agent_values(agent) | {"password_hash": password_hash})


def agent_by_id(connection: Connection, agent_id: str) -> Agent | None:
    """The account."""
    row = connection.execute(_AGENT, {"wanted": agent_id}).first()
    return None if row is None else agent_of(row)


def agent_by_email(connection: Connection, email: str) -> tuple[Agent, str | None] | None:
    """The account with its password hash."""
    row = connection.execute(_AGENT_BY_EMAIL, {"wanted": email.casefold()}).first()
    return None if row is None else (agent_of(row), row.password_hash)


def all_agents(connection: Connection) -> tuple[Agent, ...]:
    """All accounts, by name."""
    return tuple(agent_of(row) for row in connection.execute(_AGENTS))


def save_agent(connection: Connection, agent: Agent) -> None:
    """Replace everything but the address, which stays."""
    changed = {name: value for name, value in agent_values(agent).items() if name not in _KEPT}
    connection.execute(sa.update(agents).where(agents.c.agent_id == agent.agent_id), changed)


def add_credential(connection: Connection, credential: Credential) -> None:
    """Store a credential."""
    connection.execute(sa.insert(credentials), credential_values(credential))


def find_credential(connection: Connection, token_hash: bytes) -> tuple[Credential, Agent] | None:
    """The credential and whose it is."""
    row = connection.execute(_CREDENTIAL, {"wanted": token_hash}).first()
    return None if row is None else (credential_of(row), agent_of(row))


def spend_credential(connection: Connection, token_hash: bytes) -> Credential | None:
    """Remove and return it."""
    row = connection.execute(_SPEND, {"wanted": token_hash}).first()
    return None if row is None else credential_of(row)


def set_presence(connection: Connection, current: Presence) -> None:
    """Insert or replace."""
    _put(connection, presence, presence.c.agent_id, presence_values(current))


def renew_presence(connection: Connection, agent_id: str, seen_at: datetime) -> None:
    """One statement where there is a row, so that a status which is being changed elsewhere stays changed."""
    if connection.execute(_RENEW_PRESENCE, {"wanted": agent_id, "now": micros(seen_at)}).rowcount == 0:
        connection.execute(sa.insert(presence), presence_values(Presence(agent_id, "online", seen_at)))


def presences(connection: Connection) -> tuple[Presence, ...]:
    """The last known presence of every agent."""
    return tuple(presence_of(row) for row in connection.execute(_PRESENCES))
