"""A conversation as a card of the queue: the item of lists, details and the desk socket."""

from pydantic import JsonValue

from conversation.events import JsonObject, rfc3339
from conversation.state import Conversation
from conversation.values import Agent


def item_form(now: Conversation) -> JsonObject:
    """PROTOCOL's item, and what else an agent wants to know before opening it."""
    return {
        "conversation_id": now.conversation_id,
        "state": now.state,
        "holder": {"kind": now.holder.kind, "name": now.holder.name, "id": now.holder.id},
        "seq": now.seq,
        "priority": now.priority,
        "reason": now.reason,
        "waiting_since": None if now.waiting_since is None else rfc3339(now.waiting_since),
        "preview": now.preview,
        "site": now.site_id,
        "hold": now.hold,
        "opened_at": rfc3339(now.opened_at),
        "updated_at": rfc3339(now.updated_at),
        "locale": now.locale,
        "page": None if now.page is None else dict[str, JsonValue](now.page),
        "tags": list(now.tags),
        "contact": now.contact,
        "dropped": now.dropped,
        "let_go": list(now.let_go),
    }


def agent_form(agent: Agent) -> JsonObject:
    """An account as its owner sees it."""
    return {
        "agent_id": agent.agent_id,
        "email": agent.email,
        "name": agent.name,
        "role": agent.role,
        "capacity": agent.capacity,
    }
