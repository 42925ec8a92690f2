"""What those ask of storage who must hand over, erase or look for everything: a part of the port `Store`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # `ports` is built on this
    from collections.abc import Sequence
    from datetime import datetime

    from conversation.events import Event
    from conversation.ports import Head, Visitor
    from conversation.state import Conversation


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is kept of a person: their rows as a visitor, and the conversations in which they are one, with texts left.

    Conversations in which the address stands that was asked for come last: whoever erases in this order and is
    interrupted finds the rest by it again.
    """

    visitors: tuple[Visitor, ...]
    conversation_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """How a conversation stands after its erasure; `count` of its events were overwritten."""

    conversation: Conversation
    count: int


@dataclass(frozen=True, slots=True)
class Mention:
    """`text` stands in `rows` rows of a column."""

    text: str
    table: str
    column: str
    rows: int


@dataclass(frozen=True, slots=True)
class Copy:
    """A place where overwritten texts may still be: `found` or not, None where nobody can look; `remedy` says what to do."""

    place: str
    found: bool | None
    remedy: str


class RecordStore(Protocol):
    """Everything at once, for those who must hand it over or erase it."""

    async def records(
        self, *, after: tuple[str, int] | None = None, since: datetime | None = None, limit: int = 500
    ) -> tuple[Event, ...]:
        """Events of all conversations, or of those that changed at `since` or later, by conversation and number.

        `after` is conversation and number of the last event read. Whoever reads to the end has every event stored
        before they began, and of each conversation an unbroken beginning.
        """

    async def holdings(
        self, *, visitor_id: str | None = None, email: str | None = None, conversation_id: str | None = None
    ) -> Holdings:
        """What is kept of a visitor, or of whoever has the address or left it; of one conversation that one alone.

        What a browser sent before it signed in belongs to the customer. Reads every conversation's first event.
        """

    async def erase(
        self, conversation_id: str, at: datetime, *, unless_changed_since: datetime | None = None
    ) -> Erased | None:
        """Overwrite what was written in the conversation, its digests and the visitor's name.

        A long one goes in pieces, each a transaction, and is `erased` with the last of them; one that was interrupted
        is found as before, by `holdings` and `closed_before`, and the next erasure goes on with it. Numbers, ids, times
        and who held it stay; an open conversation is closed, and nobody is owed a reply or a notice; `redacted` tells
        the readers. A command that is sent again is still known. None where there is no such conversation, or where it
        is open or has changed since the moment given.
        """

    async def forget_visitor(self, visitor_id: str, *, unless_in_use: bool = False) -> bool:
        """Delete the visitor's row, so that their token is nobody's; True where there was one.

        `unless_in_use`: only where no conversation of theirs has texts left.
        """

    async def closed_before(self, at: datetime, *, limit: int) -> tuple[Head, ...]:
        """Conversations that are closed, have texts left and have not changed since `at`, oldest first."""

    async def mentions(self, texts: Sequence[str]) -> tuple[Mention, ...]:
        """Where `texts` still stand, in any column but those of random ids, without regard to case. Reads everything."""

    async def copies(self, texts: Sequence[str]) -> tuple[Copy, ...]:
        """Beyond the tables: where in the files `texts` may still be. Empties what can be emptied; reads the files."""

    async def take_chore(self, name: str, *, every_s: float) -> bool:
        """Whether it is this process that has to do the chore now; then it is due again in `every_s`."""
