"""Visitors, agents, credentials and presence in memory."""

from dataclasses import replace
from datetime import datetime

from conversation.errors import EmailTaken
from conversation.events import Author
from conversation.memory.tables import Tables
from conversation.values import Agent, Credential, Presence, Visitor


class MemoryPeople:
    """Visitor and agent accounts in memory: `VisitorStore` and `AgentStore`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def visitor_by_token(self, token_hash: bytes) -> Visitor | None:
        """The visitor of a token, also of one that has expired."""
        return next((visitor for visitor in self._tables.visitors.values() if visitor.token_hash == token_hash), None)

    async def visitor_by_user(self, site_id: str, user_id: str) -> Visitor | None:
        """The signed-in customer of a site."""
        visitors = self._tables.visitors.values()
        return next((visitor for visitor in visitors if (visitor.site_id, visitor.user_id) == (site_id, user_id)), None)

    async def save_visitor(self, visitor: Visitor) -> None:
        """Insert or replace by `visitor_id`."""
        self._tables.visitors[visitor.visitor_id] = visitor

    async def merge_visitor(self, anonymous_id: str, customer_id: str) -> bool:
        """Make what the anonymous visitor sent, and their open conversation, the customer's."""
        tables = self._tables
        old, new = (Author("visitor", id=visitor_id).sender for visitor_id in (anonymous_id, customer_id))
        for sender, client_id in [key for key in tables.sent if key[0] == old]:
            tables.sent[new, client_id] = tables.sent.pop((sender, client_id))
        if anonymous_id not in tables.open_of or customer_id in tables.open_of:
            return False
        conversation_id = tables.open_of[customer_id] = tables.open_of.pop(anonymous_id)
        moved = replace(tables.conversations[conversation_id], visitor_id=customer_id)
        tables.conversations[conversation_id] = moved
        return True

    async def add_agent(self, agent: Agent, password_hash: str | None) -> None:
        """Raises EmailTaken."""
        if self._by_email(agent.email) is not None:
            raise EmailTaken(agent.email)
        self._tables.agents[agent.agent_id] = agent
        self._tables.passwords[agent.agent_id] = password_hash

    def _by_email(self, email: str) -> Agent | None:
        wanted = email.casefold()
        return next((agent for agent in self._tables.agents.values() if agent.email.casefold() == wanted), None)

    async def agent(self, agent_id: str) -> Agent | None:
        """The account."""
        return self._tables.agents.get(agent_id)

    async def agent_by_email(self, email: str) -> tuple[Agent, str | None] | None:
        """The account with its password hash; addresses compare without case."""
        agent = self._by_email(email)
        return None if agent is None else (agent, self._tables.passwords[agent.agent_id])

    async def agents(self) -> tuple[Agent, ...]:
        """All accounts, by name."""
        return tuple(sorted(self._tables.agents.values(), key=lambda agent: (agent.name, agent.agent_id)))

    async def save_agent(self, agent: Agent) -> None:
        """Replace name, role, capacity, `disabled`, skills and languages of an account."""
        if (stored := self._tables.agents.get(agent.agent_id)) is not None:
            self._tables.agents[agent.agent_id] = replace(agent, email=stored.email)

    async def add_credential(self, credential: Credential) -> None:
        """Store a credential; its hash is unique."""
        self._tables.credentials[credential.token_hash] = credential

    async def credential(self, token_hash: bytes) -> tuple[Credential, Agent] | None:
        """The credential and whose it is, also where it has expired or the agent is disabled."""
        credential = self._tables.credentials.get(token_hash)
        return None if credential is None else (credential, self._tables.agents[credential.agent_id])

    async def spend_credential(self, token_hash: bytes) -> Credential | None:
        """Remove and return it; of two that try at once, one gets None."""
        return self._tables.credentials.pop(token_hash, None)

    async def set_presence(self, presence: Presence) -> None:
        """Insert or replace."""
        self._tables.presences[presence.agent_id] = presence

    async def renew_presence(self, agent_id: str, seen_at: datetime) -> None:
        """The agent was seen; their status stands."""
        presence = self._tables.presences.get(agent_id)
        self._tables.presences[agent_id] = Presence(
            agent_id, "online" if presence is None else presence.status, seen_at
        )

    async def presences(self) -> tuple[Presence, ...]:
        """The last known presence of every agent."""
        return tuple(sorted(self._tables.presences.values(), key=lambda presence: presence.agent_id))
