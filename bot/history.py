"""A question as it is searched for: its words as they were meant, and the same after what was said before it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from bot.understand import Said, in_context
from conversation.events import AgentSaid, BotSaid, Event, Rated, VisitorSaid
from retrieval.encode import Embedding
from retrieval.index import Audience, Hit, Query, Reading, Snapshot, read_as, search

Encode = Callable[[str], Awaitable[Embedding]]


def told(events: Iterable[Event]) -> Iterator[Said]:
    """What visitor, bot and agents said, in order; notes and all that is no speech are left out."""
    known = list(events)
    helped = verdicts(known)
    for event in known:
        match event.payload:
            case VisitorSaid(text=text):
                yield Said("visitor", text)
            case BotSaid(text=text, citations=citations):
                yield Said(
                    "bot", text, tuple(citation.title for citation in citations), not helped.get(event.seq, True)
                )
            case AgentSaid(text=text):
                yield Said("agent", text)


def verdicts(events: Iterable[Event]) -> dict[int, bool]:
    """Whether the visitor calls a reply helpful, by its number; what they said last counts."""
    return {event.payload.of: event.payload.helpful for event in events if isinstance(event.payload, Rated)}


async def searched_for(
    question: str, earlier: Sequence[Said], audience: Audience, snapshot: Snapshot, encode: Encode
) -> tuple[Reading, Query]:
    """How the question is read, and its query; raises what `encode` raises. One forward pass, in company with others."""
    reading = read_as(snapshot, question, audience)
    context = in_context(reading.text, earlier)
    if context is None:
        return reading, Query(reading.text, await encode(reading.text))
    alone, together = await asyncio.gather(encode(reading.text), encode(context))
    return reading, Query(reading.text, alone, Query(context, together))


async def find(snapshot: Snapshot, query: Query, audience: Audience, limit: int) -> list[Hit]:
    """What `search` finds, in a thread: many searches in a row would keep the loop from sockets and from the encoder."""
    return await asyncio.get_running_loop().run_in_executor(_searcher(), search, snapshot, query, audience, limit)


@cache
def _searcher() -> ThreadPoolExecutor:
    """One thread: searches are Python for the most part, so more of them only wait for each other.

    64 turns at once on two cores: 90 and 116 a second where six threads made 59 and 100.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")
