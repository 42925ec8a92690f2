"""A question as it is searched for: its words as they were meant, and the same after what was said before it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TypeVar, TypeVarTuple, Unpack

from bot.understand import Said, in_context
from conversation.events import AgentSaid, BotSaid, Event, Rated, VisitorSaid
from retrieval.encode import Embedding, Vectors
from retrieval.index import Audience, Hit, Query, Reading, Snapshot, conclude, look, read_as

Encode = Callable[[str], Awaitable[Embedding]]

Given = TypeVarTuple("Given")
Result = TypeVar("Result")


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


@dataclass(frozen=True, slots=True)
class Searched:
    """What was found for a question: how it was read, its vector float32 (d,), and hits, best first.

    `context` is the question after what was said before it, if it leans on that.
    """

    reading: Reading
    vector: Vectors
    context: str | None
    hits: Sequence[Hit]


async def find(
    question: str, earlier: Sequence[Said], audience: Audience, snapshot: Snapshot, encode: Encode, *, limit: int
) -> Searched:
    """What `search` finds for the question after what was said before it; raises what `encode` raises.

    A forward pass for the question, and a second one for its context where it leans on that: a context is some ten times
    as long, and most questions say all themselves. Searches run in a thread: many in a row would keep the loop from
    sockets and from the encoder.
    """
    reading = read_as(snapshot, question, audience)
    query = Query(reading.text, await encode(reading.text))
    seen = await _in_thread(look, snapshot, query, snapshot.visible(audience))
    context = in_context(reading.text, earlier) if seen.share else None
    told = None if context is None else Query(context, await encode(context))
    hits = await _in_thread(conclude, snapshot, seen, told, limit)
    return Searched(reading, query.embedding.sentence, context, hits)


async def _in_thread(work: Callable[[Unpack[Given]], Result], *given: *Given) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_searcher(), work, *given)


@cache
def _searcher() -> ThreadPoolExecutor:
    """One thread: searches are Python for the most part, so more of them only wait for each other.

    64 turns at once on two cores: 90 and 116 a second where six threads made 59 and 100.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")
