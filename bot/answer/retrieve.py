"""A question as it is searched for: its words as they were meant, and the same after what was said before it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from bot.answer.intent import small_talk
from bot.answer.transcript import Said
from retrieval.articles import Audience
from retrieval.index import Snapshot
from retrieval.model import Embedding, Vectors
from retrieval.search import CorrectedQuery, Hit, Query, correct_spelling, first_stage, second_stage

Encode = Callable[[str], Awaitable[Embedding]]

CARRIED_TURNS = 4  # contributions that give a question its context; measured: two are too few, more bring old subjects
CARRIED_WORDS = 40  # of each; a context is read as fast as three questions, and its question is never cut off


@dataclass(frozen=True, slots=True)
class Searched:
    """What was found for a question: how it was read, its vector float32 (d,), and hits, best first.

    `context` is the question after what was said before it, if it leans on that.
    """

    reading: CorrectedQuery
    vector: Vectors
    context: str | None
    hits: Sequence[Hit]


async def retrieve_passages(
    question: str,
    earlier: Sequence[Said],
    audience: Audience,
    snapshot: Snapshot,
    encode: Encode,
    *,
    limit: int,
    pool: Executor | None = None,
) -> Searched:
    """What `search` finds for the question after what was said before it; raises what `encode` raises.

    A forward pass for the question, and a second one for its context where it leans on that: a context is some ten times
    as long, and most questions say all themselves. Searches run in a thread of `pool`, or of the loop's own: many in a row
    would keep the loop from sockets and from the encoder.
    """
    in_thread = partial(asyncio.get_running_loop().run_in_executor, pool)
    reading = correct_spelling(snapshot, question, audience)
    query = Query(reading.text, await encode(reading.text))
    ranking = await in_thread(first_stage, snapshot, query, snapshot.visible(audience))
    context = in_context(reading.text, earlier) if ranking.context_weight else None
    transcript = None if context is None else Query(context, await encode(context))
    hits = await in_thread(second_stage, snapshot, query, ranking, transcript, limit)
    return Searched(reading, query.embedding.sentence, context, hits)


def in_context(question: str, earlier: Sequence[Said]) -> str | None:
    """The question after the last things said before it, a line each; None where nothing was but small talk.

    Of a contribution its opening counts; of the bot's own the passage it gave and the titles it cited or asked about, as
    how it says that it has none is not what the visitor asks for.
    """
    lines = [line for said in earlier if (line := _carried(said))][-CARRIED_TURNS:]
    return "\n".join([*lines, question]) if lines else None


def _carried(said: Said) -> str:
    """What a contribution tells of the subject; empty for small talk and for replies that are about nothing."""
    if said.role != "bot":
        return "" if small_talk(said.text) else " ".join(said.text.split()[:CARRIED_WORDS])
    asked = [choice.label for choice in said.choices if said.outcome == "clarify" and choice.kind == "article"]
    return " ".join([*said.titles, *asked, *said.passage.split()[:CARRIED_WORDS]])
