"""Assignment and reclaim loop: conversations are taken back from silent agents, and where wanted assigned to others.

Every server process makes them. What one of them finds is carried out by a conditional append, so it happens once,
however many look at the same moment; whoever comes second finds nothing to do.
"""

import contextlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog

from conversation.errors import OverCapacity, Refused, StorageUnavailable
from conversation.state import Conversation
from handoff.desk import Desk
from handoff.presence import PRESENCE_LEASE_S, Roll
from handoff.routing import Patience, Seat, queue_order, takers

VANISHED_S = 120.0  # a console that was closed by mistake, or a tunnel, is back by then; a visitor is still there
ANSWER_WITHIN_S = 120.0  # as long as one who has vanished has: for the visitor there is no difference
LOOK_EVERY_S = 2.0
PAGE = 200

log = structlog.get_logger()


class AssignmentLoop:
    """The loop. `assign`: to the least busy agent. `answer_within_s`: how long that one has to begin."""

    def __init__(self, desk: Desk, *, assign: bool = False, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        self._desk, self._assign, self._answer_within_s = desk, assign, answer_within_s
        self._patience = Patience(same_s=answer_within_s, fit_s=desk.raise_every_s)
        self._looked: datetime | None = None
        self._awake_since: datetime | None = None

    async def run(self) -> None:
        """Look until cancelled; while the database does not answer nothing is taken from anybody."""
        while True:
            with contextlib.suppress(StorageUnavailable):
                await self.look()
            await self._desk.publisher.clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Take back what silent agents hold, then assign what waits. Raises StorageUnavailable."""
        roll = await self._desk.attendance.roll()
        held_conversations = await self._held()
        for conversation in held_conversations:
            await self._take_back(conversation, roll)
        if self._assign:
            await self._give(roll, held_conversations)

    async def _held(self) -> Sequence[Conversation]:
        conversations: list[Conversation] = []
        cursor: str | None = None
        while True:
            page = await self._desk.publisher.store.conversations(states=("agent",), cursor=cursor, limit=PAGE)
            conversations += page.items
            cursor = page.next
            if cursor is None:
                self._note_time()
                return conversations

    def _note_time(self) -> None:
        """Agents could not be heard while we, or the database, were away: they have a lease's time to come back."""
        now = self._desk.publisher.clock.now()
        if self._looked is None or now - self._looked > timedelta(seconds=PRESENCE_LEASE_S):
            self._awake_since = now
        self._looked = now

    async def _take_back(self, conversation: Conversation, roll: Roll) -> None:
        since = conversation.held_since or conversation.updated_at
        if conversation.assigned and (roll.as_of - since).total_seconds() >= self._answer_within_s:
            await self._desk.take_back(
                conversation,
                f"{conversation.holder.name} did not answer within {_duration_text(self._answer_within_s)}",
            )
        elif self._is_heard(roll.as_of) and roll.unseen_s(conversation.holder.id or "", since) >= VANISHED_S:
            await self._desk.take_back(
                conversation, f"{conversation.holder.name} was not there for {_duration_text(VANISHED_S)}"
            )

    def _is_heard(self, moment: datetime) -> bool:
        return self._awake_since is not None and (moment - self._awake_since).total_seconds() >= PRESENCE_LEASE_S

    async def _give(self, roll: Roll, held_conversations: Iterable[Conversation]) -> None:
        """In the order of the queue, each to the first who still has a place."""
        holds = Counter(conversation.holder.id for conversation in held_conversations)
        seats = {agent.agent_id: Seat(agent, holds[agent.agent_id]) for agent in roll.present()}
        if not any(seat.is_free for seat in seats.values()):
            return
        for waiting in queue_order(await self._desk.publisher.store.queue(), roll.as_of, self._desk.raise_every_s):
            await self._give_one(waiting, seats, roll)

    async def _give_one(self, waiting: Conversation, seats: dict[str, Seat], roll: Roll) -> None:
        for agent in takers(waiting, seats.values(), roll.agents, roll.as_of, self._patience):
            try:
                claimed = await self._desk.assign(waiting, agent)
            except OverCapacity as full:
                seats[agent.agent_id] = Seat(agent, full.held)
                continue
            except Refused as refused:
                log.info("assign.refused", conversation_id=waiting.conversation_id, code=refused.code)
                return
            if claimed:
                seats[agent.agent_id] = Seat(agent, seats[agent.agent_id].held + 1)
            return


def _duration_text(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{round(seconds)} seconds" if rest or not minutes else f"{minutes} minute{'s' if minutes > 1 else ''}"
