"""Pagination: the orders in which conversations are listed, and cursors that neither repeat nor skip one."""

from collections.abc import Mapping

from conversation.clock import micros
from conversation.errors import BadCursor
from conversation.events import Priority
from conversation.state import Conversation

RANKS: Mapping[Priority, int] = {"urgent": 0, "high": 1, "normal": 2, "low": 3}  # the lowest is served first
_CURSOR_DIGITS = 18  # more would not fit a database's integer


def position(conversation: Conversation) -> tuple[int, str]:
    """Sort key of pages, where a conversation stands in the order of change: microseconds since 1970, then its id."""
    return micros(conversation.updated_at), conversation.conversation_id


def cursor_after(last: Conversation) -> str:
    """The cursor of the page that follows `last`."""
    updated_us, conversation_id = position(last)
    return f"{updated_us}.{conversation_id}"


def read_cursor(cursor: str) -> tuple[int, str]:
    """Decode a cursor: the position it names. Raises BadCursor."""
    updated_us, dot, conversation_id = cursor.partition(".")
    if not (
        dot and conversation_id and updated_us.isascii() and updated_us.isdigit() and len(updated_us) <= _CURSOR_DIGITS
    ):
        raise BadCursor(cursor)
    return int(updated_us), conversation_id


def serving_order(conversation: Conversation) -> tuple[int, int, str]:
    """Sort key of the queue: by priority, then by how long it has waited."""
    return (
        RANKS[conversation.priority],
        micros(conversation.waiting_since or conversation.updated_at),
        conversation.conversation_id,
    )
