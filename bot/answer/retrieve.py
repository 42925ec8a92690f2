"""A question as it is searched for: its words as they were meant, and the same after what was said before it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import islice

from bot.answer.candidates import Alternative, Candidate, reach
from bot.answer.citations import section_of
from bot.answer.intent import is_fragment, small_talk
from bot.answer.rejection import NOTHING_REJECTED, Rejected
from bot.answer.search_cache import SearchCache
from bot.answer.transcript import Said
from retrieval.articles import Audience
from retrieval.index import Snapshot
from retrieval.model import Embedding, Vectors
from retrieval.search import (
    ConfidenceFeatures,
    CorrectedQuery,
    Hit,
    IdentifierMatch,
    Query,
    best_passages,
    correct_spelling,
    first_stage,
    second_stage,
)

Encode = Callable[[str], Awaitable[Embedding]]

CARRIED_TURNS = 3  # contributions that give a question its context; measured: two are too few, more bring old subjects
CARRIED_WORDS = 40  # of each; a context is read as fast as three questions, and its question is never cut off


@dataclass(frozen=True, slots=True, eq=False)
class Retrieved:
    """What was found for a question: hits, best first; in a turn also the articles that could answer, without rejected ones.

    `useful` is how likely one of the first three of these is to answer, 0 to 1. `alternatives` say different things for
    what differs between them.

    `reading` is what was searched for, `context` the same after what was said before it, if it leans on that; `vector`
    is that of the message alone, float32 (d,). `named`: the visitor wrote the title of the first one. `denies`: its
    passage says that what is asked for is not so. `parts` is the same for each question of a message that asks several,
    `left_open` are those of them for which nothing was found.
    """

    reading: CorrectedQuery
    context: str | None = None
    hits: Sequence[Hit] = ()
    candidates: Sequence[Candidate] = ()
    useful: float = 0.0
    alternatives: Sequence[Alternative] = ()
    named: bool = False
    denies: bool = False
    rejected: Rejected = NOTHING_REJECTED
    vector: Vectors | None = None
    parts: Sequence["Retrieved"] = ()
    left_open: Sequence[str] = ()

    @property
    def confidence(self) -> float:
        """How likely the first article is to answer; of several questions, that of the one that is least sure."""
        if self.parts:
            return min(part.confidence for part in self.parts)
        return self.candidates[0].confidence if self.candidates else 0.0

    @property
    def confidence_features(self) -> ConfidenceFeatures:
        """What the confidence of the first article is made of; empty where nothing was found."""
        return next((hit.confidence_features for hit in self.hits if hit.confidence_features is not None), {})

    @property
    def identifiers(self) -> IdentifierMatch | None:
        """What the first passage has of the codes that were asked for."""
        return self.candidates[0].hit.identifiers if self.candidates else None

    @property
    def answering_hits(self) -> Sequence[Hit]:
        """The hits that an answer may be made of, those of the best candidate first."""
        hits = [hit for hit in self.hits if hit.identifiers != "other"] if self.identifiers == "match" else self.hits
        if not self.rejected:
            return hits
        place = {candidate.hit.article.article_id: place for place, candidate in enumerate(self.candidates)}
        untold = [hit for hit in hits if section_of(hit) not in self.rejected.sections]
        kept = [hit for hit in untold if hit.article.article_id in place]
        return sorted(kept, key=lambda hit: place[hit.article.article_id])

    @property
    def doubtful(self) -> bool:
        """Whether something that the first article says was rejected."""
        return bool(self.candidates) and self.candidates[0].hit.article.article_id in self.rejected.doubted

    @property
    def reach(self) -> float:
        """How many times as likely as the best article alone the best three are to hold the answer; 1 where nothing was found."""
        return reach(best_passages(self.hits)) if self.hits else 1.0


@dataclass(frozen=True, slots=True, eq=False)
class SearchedAlone:
    """What was found for a question by itself; where it `leans`, it is searched anew as soon as something was said before it."""

    found: Retrieved
    leans: bool


async def retrieve_passages(
    question: str,
    earlier: Sequence[Said],
    audience: Audience,
    snapshot: Snapshot,
    encode: Encode,
    *,
    limit: int,
    pool: Executor | None = None,
    cache: SearchCache[SearchedAlone] | None = None,
) -> Retrieved:
    """What `search` finds for the question after what was said before it; raises what `encode` raises.

    A forward pass for the question, and a second one for its context where it leans on that: a context is some ten times
    as long, and most questions say all themselves. One that `cache` knows takes neither. Searches run in a thread of
    `pool`, or of the loop's own: many in a row would keep the loop from sockets and from the encoder.
    """
    key = question, audience, limit
    known = cache.get(snapshot, key) if cache is not None else None
    if known is not None and not (known.leans and in_context(known.found.reading.text, earlier)):
        return known.found
    in_thread = partial(asyncio.get_running_loop().run_in_executor, pool)
    reading = correct_spelling(snapshot, question, audience)
    query = Query(reading.text, await encode(reading.text))
    first = partial(first_stage, fragment=is_fragment(question))
    ranking = await in_thread(first, snapshot, query, snapshot.visible(audience))
    context = in_context(reading.text, earlier) if ranking.context_weight else None
    context_query = None if context is None else Query(context, await encode(context))
    hits = await in_thread(second_stage, snapshot, query, ranking, context_query, limit)
    found = Retrieved(reading, context, hits, vector=query.embedding.sentence)
    if cache is not None and context is None:
        cache.keep(snapshot, key, SearchedAlone(found, leans=bool(ranking.context_weight)))
    return found


def in_context(question: str, earlier: Sequence[Said]) -> str | None:
    """The question after the last things said before it, a line each; None where nothing was but small talk.

    Of a contribution its opening counts; of the bot's own the passage it gave and the titles it cited or asked about, as
    how it says that it has none is not what the visitor asks for.
    """
    latest = list(islice(filter(None, map(_carried, reversed(earlier))), CARRIED_TURNS))
    return "\n".join([*reversed(latest), question]) if latest else None


def _carried(said: Said) -> str:
    """What a contribution tells of the subject; empty for small talk and for replies that are about nothing."""
    if said.role != "bot":
        return "" if small_talk(said.text) else " ".join(said.text.split()[:CARRIED_WORDS])
    asked = [choice.label for choice in said.choices if said.outcome == "clarify" and choice.kind == "article"]
    titles = said.titles[:1] if said.outcome == "suggest" else said.titles  # the others are only nearby
    return " ".join([*titles, *asked, *said.passage.split()[:CARRIED_WORDS]])
