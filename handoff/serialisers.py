"""Serialisers to JSON: a conversation as a card of the queue, the item of lists, details and the desk socket."""

from pydantic import JsonValue

from conversation.events import JsonObject, rfc3339
from conversation.state import Conversation
from conversation.values import Agent


def item_form(conversation: Conversation) -> JsonObject:
    """A conversation as JSON: docs/protocol.md's item, and what else an agent wants to know before opening it."""
    return {
        "conversation_id": conversation.conversation_id,
        "state": conversation.state,
        "holder": {"kind": conversation.holder.kind, "name": conversation.holder.name, "id": conversation.holder.id},
        "seq": conversation.seq,
        "priority": conversation.priority,
        "reason": conversation.reason,
        "waiting_since": None if conversation.waiting_since is None else rfc3339(conversation.waiting_since),
        "preview": conversation.preview,
        "site": conversation.site_id,
        "hold": conversation.hold,
        "opened_at": rfc3339(conversation.opened_at),
        "updated_at": rfc3339(conversation.updated_at),
        "locale": conversation.locale,
        "page": None if conversation.page is None else dict[str, JsonValue](conversation.page),
        "tags": list(conversation.tags),
        "contact": conversation.contact,
        "dropped": conversation.dropped,
        "let_go": list(conversation.let_go),
    }


def agent_form(agent: Agent) -> JsonObject:
    """An account as JSON, as its owner sees it."""
    return {
        "agent_id": agent.agent_id,
        "email": agent.email,
        "name": agent.name,
        "role": agent.role,
        "capacity": agent.capacity,
    }
