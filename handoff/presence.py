"""Agent presence, who is at the desk: leases that any request renews and that are computed when they are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from conversation.ports import Clock, Store
from conversation.values import Agent, Presence, PresenceStatus, Role

PRESENCE_LEASE_S = 45  # three missed renewals: one lost packet or a slow tab does not close the desk
PRESENCE_RENEW_S = 15  # a request renews at most this often, so that reading is not writing
ACTING_ROLES: frozenset[Role] = frozenset({"agent", "lead", "admin"})


@dataclass(frozen=True, slots=True)
class Roll:
    """A presence snapshot: every agent who may act, and when each was last seen, as of `as_of`."""

    as_of: datetime
    agents: tuple[Agent, ...]
    presences: Mapping[str, Presence]

    def present(self) -> tuple[Agent, ...]:
        """Who can take a conversation: online, and seen within the lease."""
        since = self.as_of - timedelta(seconds=PRESENCE_LEASE_S)
        return tuple(agent for agent in self.agents if self._is_online(agent.agent_id, since))

    def _is_online(self, agent_id: str, since: datetime) -> bool:
        presence = self.presences.get(agent_id)
        return presence is not None and presence.status == "online" and presence.seen_at >= since

    def unseen_s(self, agent_id: str, since: datetime) -> float:
        """Seconds for which nothing came from the agent, counted from `since` at the earliest, whatever they said."""
        presence = self.presences.get(agent_id)
        return (self.as_of - (since if presence is None else max(since, presence.seen_at))).total_seconds()


class Attendance:
    """Presence tracking of the agents who may act; a writer or QA who reads along does not open the desk."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._renewed: dict[str, float] = {}

    async def renew(self, agent: Agent) -> None:
        """The agent made a request: whoever has never said otherwise is online."""
        now_s = self._clock.monotonic()
        if (
            agent.role not in ACTING_ROLES
            or now_s - self._renewed.get(agent.agent_id, -PRESENCE_RENEW_S) < PRESENCE_RENEW_S
        ):
            return
        self._renewed[agent.agent_id] = now_s
        await self._store.renew_presence(agent.agent_id, self._clock.now())

    async def announce(self, agent: Agent, status: PresenceStatus) -> None:
        """The agent says how they stand; it holds until they say otherwise or their lease runs out."""
        self._renewed[agent.agent_id] = self._clock.monotonic()
        await self._store.set_presence(Presence(agent.agent_id, status, self._clock.now()))

    async def status(self, agent: Agent) -> PresenceStatus:
        """What the agent said last, however long ago; `online` where they never said."""
        statuses = {presence.agent_id: presence.status for presence in await self._store.presences()}
        return statuses.get(agent.agent_id, "online")

    async def roll(self) -> Roll:
        """Everybody who may act, and their last sign of life."""
        presences = {presence.agent_id: presence for presence in await self._store.presences()}
        acting = (agent for agent in await self._store.agents() if not agent.disabled and agent.role in ACTING_ROLES)
        return Roll(self._clock.now(), tuple(acting), presences)

    async def present(self) -> frozenset[str]:
        """Ids of the agents who can take a conversation now."""
        return frozenset(agent.agent_id for agent in (await self.roll()).present())
