"""Agent commands: claim, assign, transfer, release, say, note, tag, close. The only writer of their events.

Every command is one conditional append: what may happen is judged inside the transaction that holds the conversation,
so of fifty agents who claim it at the same moment one wins and the others learn who did. A command that comes with a
`client_id` and is sent again gets the event of the first time.
"""

import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from conversation.errors import NotFound
from conversation.events import (
    SYSTEM,
    AgentSaid,
    Author,
    Claimed,
    Closed,
    Event,
    JsonObject,
    NoteAdded,
    Payload,
    Priority,
    PrioritySet,
    Released,
    Reopened,
    ReturnedToBot,
    Tagged,
    Transferred,
    body_of,
)
from conversation.publisher import Publisher
from conversation.state import Conversation
from conversation.values import Agent, Draft, Key
from handoff.accounts import MAX_TAG_CHARS
from handoff.errors import BadRequest
from handoff.input_validation import clean
from handoff.presence import ACTING_ROLES, Attendance
from handoff.routing import queue_order

WAITS_KEPT = 20  # the last hour or so of a busy desk: enough for a median, recent enough to be true
MAX_WAIT_S = 600.0  # ten minutes are more than a visitor looks at a chat that stands still
MAX_REASON_CHARS = 200
MAX_TAGS = 20
EVENTS_BACK = 100  # one page when looking for the event that made the present holder

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Place:
    """Queue position and estimated wait: a place from 1; `wait_s` is None while nobody has been served yet.

    `overdue`: the visitor has waited longer than `max_wait_s` and should be offered something else.
    """

    position: int
    wait_s: int | None
    overdue: bool = False


class Desk:
    """Commands of agents on conversations, and what the bot must know about the desk.

    Every command returns the event it appended. All raise NotFound for an unknown conversation, what `state.permit`
    raises where the conversation's state forbids it, ClientIdReused and AlreadySent for a `client_id` that stands for
    something else, BadRequest for a text that does not fit, and StorageUnavailable.
    """

    def __init__(self, publisher: Publisher, attendance: Attendance, *, max_wait_s: float = MAX_WAIT_S) -> None:
        self.publisher, self.attendance, self._max_wait_s = publisher, attendance, max_wait_s
        self.raise_every_s = max_wait_s / 2  # a normal call is served like an urgent one once it has waited too long
        self._waits_s: deque[float] = deque(maxlen=WAITS_KEPT)

    async def claim(self, conversation_id: str, agent: Agent, client_id: str | None = None) -> Event:
        """Claim the conversation. One agent wins; the others get AlreadyClaimed with the winner's name.

        Whoever holds it already gets the event that gave it to them. Raises OverCapacity.
        """
        waited_since: datetime | None = None

        def decide(current: Conversation | None) -> Sequence[Draft]:
            nonlocal waited_since
            conversation = _require_found(current)
            waited_since = None if conversation.dropped else conversation.waiting_since  # their wait had been over once
            return () if conversation.holder.id == agent.agent_id else (Draft(_author(agent), Claimed()),)

        body: JsonObject = {"command": "claim"}
        appended = await self.publisher.append(conversation_id, decide, key=_key(agent, client_id, body))
        if not appended.events:
            return await self._which_gave(appended.conversation)
        event = appended.events[0]
        if not appended.again:
            self._won(event, waited_since)
        return event

    async def release(
        self, conversation_id: str, agent: Agent, client_id: str | None = None, *, reason: str = ""
    ) -> Event:
        """Release the conversation: give it back to the queue."""
        why = clean(reason, field="reason", least=0, most=MAX_REASON_CHARS)
        return await self._act(conversation_id, agent, client_id, Released(why))

    async def transfer(
        self, conversation_id: str, agent: Agent, client_id: str | None = None, *, to: str, note: str = ""
    ) -> Event:
        """Transfer the conversation to the agent with the id `to`. Raises OverCapacity where that one is full."""
        remark = clean(note, field="note", least=0)
        heir = await self.publisher.store.agent(to)

        def decide(current: Conversation | None) -> Sequence[Draft]:
            _require_found(current)
            if heir is None or heir.disabled or heir.role not in ACTING_ROLES or heir.agent_id == agent.agent_id:
                raise BadRequest(field="to", problem=f"{to!r} is no other agent who could take it; give an agent's id")
            return (Draft(_author(agent), Transferred(heir.agent_id, heir.name, remark)),)

        key = _key(agent, client_id, {"command": "transfer", "to": to, "note": remark})
        return (await self.publisher.append(conversation_id, decide, key=key)).events[0]

    async def take_back(self, conversation: Conversation, reason: str) -> Event | None:
        """Reclaim: put a silent agent's conversation back into the queue; None where anything happened meanwhile."""

        def decide(current: Conversation | None) -> Sequence[Draft]:
            latest = _require_found(current)
            unmoved = (latest.seq, latest.hold) == (conversation.seq, conversation.hold)
            return (Draft(SYSTEM, Released(reason)),) if unmoved else ()

        appended = await self.publisher.append(conversation.conversation_id, decide)
        if not appended.events:
            return None
        log.info(
            "chat.taken_back",
            conversation_id=conversation.conversation_id,
            agent_id=conversation.holder.id,
            hold=conversation.hold,
        )
        return appended.events[0]

    async def assign(self, waiting: Conversation, agent: Agent) -> Event | None:
        """Assign the conversation to the agent; None where it no longer waits. Raises OverCapacity."""

        def decide(current: Conversation | None) -> Sequence[Draft]:
            conversation = _require_found(current)
            unmoved = conversation.state == "queued" and conversation.hold == waiting.hold
            return (Draft(SYSTEM, Claimed(agent.agent_id, agent.name)),) if unmoved else ()

        appended = await self.publisher.append(waiting.conversation_id, decide)
        if not appended.events:
            return None
        self._won(appended.events[0], None if waiting.dropped else waiting.waiting_since)
        return appended.events[0]

    async def return_to_bot(self, conversation_id: str, agent: Agent, client_id: str | None = None) -> Event:
        """Let the bot answer again."""
        return await self._act(conversation_id, agent, client_id, ReturnedToBot())

    async def close(
        self, conversation_id: str, agent: Agent, client_id: str | None = None, *, reason: str = ""
    ) -> Event:
        """Close the conversation."""
        why = clean(reason, field="reason", least=0, most=MAX_REASON_CHARS)
        return await self._act(conversation_id, agent, client_id, Closed(why))

    async def reopen(self, conversation_id: str, agent: Agent, client_id: str | None = None) -> Event:
        """Let a closed conversation go on, with the bot. Raises NewerConversation."""
        return await self._act(conversation_id, agent, client_id, Reopened())

    async def say(self, conversation_id: str, agent: Agent, client_id: str | None = None, *, text: str) -> Event:
        """Send a message to the visitor."""
        return await self._act(conversation_id, agent, client_id, AgentSaid(clean(text)))

    async def note(self, conversation_id: str, agent: Agent, client_id: str | None = None, *, text: str) -> Event:
        """Add an internal note for other agents."""
        return await self._act(conversation_id, agent, client_id, NoteAdded(clean(text)))

    async def tag(
        self, conversation_id: str, agent: Agent, client_id: str | None = None, *, tags: Sequence[str]
    ) -> Event:
        """Replace the tags; doubled ones count once."""
        clean_tags = tuple(dict.fromkeys(clean(tag, field="tags", most=MAX_TAG_CHARS) for tag in tags))
        if len(clean_tags) > MAX_TAGS:
            raise BadRequest(field="tags", problem=f"{len(clean_tags)} are too many; give {MAX_TAGS} at most")
        return await self._act(conversation_id, agent, client_id, Tagged(clean_tags))

    async def prioritise(
        self, conversation_id: str, agent: Agent, client_id: str | None = None, *, priority: Priority
    ) -> Event:
        """Set the priority: how soon the queue should serve it."""
        return await self._act(conversation_id, agent, client_id, PrioritySet(priority))

    async def is_open(self, site_id: str) -> bool:  # noqa: ARG002 - agents serve every site; one day they may not
        """Whether somebody is there to take a conversation of the site."""
        return bool(await self.attendance.present())

    async def queue_place(self, conversation_id: str) -> Place | None:
        """Queue position: where the conversation stands in the queue; None where it does not wait.

        `wait_s` is the position times the median of what the last claims in this process had waited.
        """
        moment = self.publisher.clock.now()
        queue = enumerate(queue_order(await self.publisher.store.queue(), moment, self.raise_every_s), start=1)
        place = next((entry for entry in queue if entry[1].conversation_id == conversation_id), None)
        if place is None:
            return None
        position, waiting = place
        waits_since = waiting.waiting_since or waiting.updated_at
        overdue = (moment - waits_since).total_seconds() > self._max_wait_s
        return Place(position, round(position * statistics.median(self._waits_s)) if self._waits_s else None, overdue)

    async def _act(self, conversation_id: str, agent: Agent, client_id: str | None, payload: Payload) -> Event:
        def decide(current: Conversation | None) -> Sequence[Draft]:
            _require_found(current)
            return (Draft(_author(agent), payload),)

        key = _key(agent, client_id, {"command": payload.kind, **body_of(payload)})
        return (await self.publisher.append(conversation_id, decide, key=key)).events[0]

    async def _which_gave(self, conversation: Conversation) -> Event:
        """The event that made the present holder, newest page first."""
        until = conversation.seq
        while until > 0:
            after = max(0, until - EVENTS_BACK)
            page = await self.publisher.store.events(conversation.conversation_id, after=after, limit=EVENTS_BACK)
            for event in reversed(page):
                if event.standing is not None and event.standing.hold == conversation.hold:
                    return event
            until = after
        raise NotFound

    def _won(self, event: Event, waited_since: datetime | None) -> None:
        waited_s = None if waited_since is None else (event.at - waited_since).total_seconds()
        if waited_s is not None:
            self._waits_s.append(waited_s)
        log.info("claim.won", conversation_id=event.conversation_id, seq=event.seq, waited_s=waited_s)


def _require_found(conversation: Conversation | None) -> Conversation:
    if conversation is None:
        raise NotFound
    return conversation


def _author(agent: Agent) -> Author:
    return Author("agent", agent.name, agent.agent_id)


def _key(agent: Agent, client_id: str | None, body: JsonObject) -> Key | None:
    return None if client_id is None else Key.of(_author(agent), client_id, body)
