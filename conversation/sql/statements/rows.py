"""Row mapping: values to rows of the tables and back."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Row

from conversation.clock import from_micros, micros
from conversation.events import VERSION, Author, Event, Holder, JsonObject, Priority, revive, stored_body
from conversation.paging import RANKS
from conversation.state import Conversation
from conversation.values import Agent, Credential, Key, Presence, Visitor

Values = dict[str, object]
_PRIORITIES: Mapping[int, Priority] = {rank: priority for priority, rank in RANKS.items()}
Columns = TypeVar("Columns", bound=tuple[object, ...])


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else micros(moment)


def _moment(us: int | None) -> datetime | None:
    return None if us is None else from_micros(us)


def conversation_values(conversation: Conversation) -> Values:
    """The row of a conversation."""
    return {
        "conversation_id": conversation.conversation_id,
        "site_id": conversation.site_id,
        "visitor_id": conversation.visitor_id,
        "state": conversation.state,
        "holder_kind": conversation.holder.kind,
        "holder_id": conversation.holder.id,
        "holder_name": conversation.holder.name,
        "hold": conversation.hold,
        "seq": conversation.seq,
        "priority": RANKS[conversation.priority],
        "reason": conversation.reason,
        "waiting_since": _micros(conversation.waiting_since),
        "opened_at": micros(conversation.opened_at),
        "updated_at": micros(conversation.updated_at),
        "preview": conversation.preview,
        "memo": _memo(conversation),
        "erased": conversation.erased,
    }


def _memo(conversation: Conversation) -> Values:
    return {
        "locale": conversation.locale,
        "page": conversation.page,
        "tags": conversation.tags,
        "pending": conversation.pending,
        "returned": conversation.returned,
        "contact": conversation.contact,
        "closed_at": _micros(conversation.closed_at),
        "asked_at": _micros(conversation.asked_at),
        "held_since": _micros(conversation.held_since),
        "let_go": conversation.let_go,
        "assigned": conversation.assigned,
        "dropped": conversation.dropped,
    }


def conversation_of(row: Row[Columns]) -> Conversation:
    """The conversation of a row that has at least the columns of `conversations`."""
    memo = row.memo
    return Conversation(
        conversation_id=row.conversation_id,
        visitor_id=row.visitor_id,
        site_id=row.site_id,
        opened_at=from_micros(row.opened_at),
        updated_at=from_micros(row.updated_at),
        seq=row.seq,
        state=row.state,
        holder=Holder(row.holder_kind, row.holder_name, row.holder_id),
        hold=row.hold,
        locale=memo["locale"],
        page=memo["page"],
        priority=_PRIORITIES[row.priority],
        reason=row.reason,
        waiting_since=_moment(row.waiting_since),
        preview=row.preview,
        tags=tuple(memo["tags"]),
        pending=tuple(memo["pending"]),
        contact=memo["contact"],
        closed_at=_moment(memo["closed_at"]),
        # not in rows written before these were kept
        returned=memo.get("returned", False),
        asked_at=_moment(memo.get("asked_at")),
        held_since=_moment(memo.get("held_since")),
        let_go=tuple(memo.get("let_go", ())),
        assigned=memo.get("assigned", False),
        dropped=memo.get("dropped", False),
        erased=row.erased,
    )


def event_values(event: Event, key: Key | None) -> Values:
    """The row of an event; the one that bears the command's `client_id` also keeps whose it is and of what."""
    keyed = key if event.client_id is not None else None
    return {
        "conversation_id": event.conversation_id,
        "seq": event.seq,
        "event_id": event.event_id,
        "at": micros(event.at),
        "by_kind": event.by.kind,
        "by_name": event.by.name,
        "by_id": event.by.id,
        "kind": event.kind,
        "v": VERSION,
        "body": stored_body(event),
        "sender": keyed.sender if keyed else None,
        "client_id": event.client_id,
        "body_hash": keyed.body_hash if keyed else None,
    }


def event_of(row: Row[Columns]) -> Event:
    """The event of a row, upcast to the present version."""
    body: JsonObject = row.body
    payload, standing = revive(row.kind, row.v, body)
    return Event(
        conversation_id=row.conversation_id,
        seq=row.seq,
        event_id=row.event_id,
        at=from_micros(row.at),
        by=Author(row.by_kind, row.by_name, row.by_id),
        payload=payload,
        client_id=row.client_id,
        standing=standing,
    )


def visitor_values(visitor: Visitor) -> Values:
    """The row of a visitor."""
    return {
        "visitor_id": visitor.visitor_id,
        "site_id": visitor.site_id,
        "token_hash": visitor.token_hash,
        "expires_at": micros(visitor.expires_at),
        "user_id": visitor.user_id,
        "name": visitor.name,
        "email": visitor.email,
    }


def visitor_of(row: Row[Columns]) -> Visitor:
    """The visitor of a row."""
    return Visitor(
        visitor_id=row.visitor_id,
        site_id=row.site_id,
        token_hash=row.token_hash,
        expires_at=from_micros(row.expires_at),
        user_id=row.user_id,
        name=row.name,
        email=row.email,
    )


def agent_values(agent: Agent) -> Values:
    """The row of an account, without its password."""
    return {
        "agent_id": agent.agent_id,
        "email": agent.email,
        "email_folded": agent.email.casefold(),
        "name": agent.name,
        "role": agent.role,
        "capacity": agent.capacity,
        "disabled": agent.disabled,
        "skills": agent.skills,
        "languages": agent.languages,
    }


def agent_of(row: Row[Columns]) -> Agent:
    """The account of a row that has at least the columns of `agents`."""
    return Agent(
        agent_id=row.agent_id,
        email=row.email,
        name=row.name,
        role=row.role,
        capacity=row.capacity,
        disabled=row.disabled,
        skills=tuple(row.skills),
        languages=tuple(row.languages),
    )


def credential_values(credential: Credential) -> Values:
    """The row of a credential."""
    return {
        "token_hash": credential.token_hash,
        "kind": credential.kind,
        "agent_id": credential.agent_id,
        "expires_at": _micros(credential.expires_at),
        "csrf": credential.csrf,
    }


def credential_of(row: Row[Columns]) -> Credential:
    """The credential of a row that has at least the columns of `credentials`."""
    return Credential(
        token_hash=row.token_hash,
        kind=row.kind,
        agent_id=row.agent_id,
        expires_at=_moment(row.expires_at),
        csrf=row.csrf,
    )


def presence_values(presence: Presence) -> Values:
    """The row of a presence."""
    return {"agent_id": presence.agent_id, "status": presence.status, "seen_at": micros(presence.seen_at)}


def presence_of(row: Row[Columns]) -> Presence:
    """The presence of a row."""
    return Presence(row.agent_id, row.status, from_micros(row.seen_at))
