"""The answer to a visitor: a pure function of what was said, a snapshot of the knowledge base, and the policy."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field

from bot.cite import cite, url_of
from bot.decide import Decision, Features, Policy, Situation, confidence, decide
from bot.reply import extractive, phrases
from bot.reply.generator import Extractive, Generator, Show, Task, Wording, unseen
from bot.understand import Said, Understood, understand
from conversation.events import Citation, JsonObject, Outcome, Reason
from retrieval.encode import Embedding
from retrieval.index import Audience, Hit, Snapshot

Encode = Callable[[str], Awaitable[Embedding]]

RANKED_ARTICLES = 20  # as many as evaluation reads
TRACED_HITS = 5  # as many as an agent looks at


@dataclass(frozen=True, slots=True)
class Asked:
    """What the bot is to answer: `question`, after `earlier` (oldest first), by whom, and how things stand."""

    question: str
    audience: Audience
    earlier: Sequence[Said] = ()
    failures: int = 0
    desk_open: bool = True


@dataclass(frozen=True, slots=True)
class Knows:
    """What the bot answers from: one snapshot, the encoder it was built with, where its articles are shown, its voice."""

    snapshot: Snapshot
    encode: Encode
    base_url: str = ""
    generator: Generator = field(default_factory=Extractive)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bot says. `handoff` is set where a person is called; `ranked` are article ids, best first."""

    text: str
    outcome: Outcome
    confidence: float
    kb_version: str
    ranked: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    suggestions: tuple[str, ...] = ()
    handoff: Reason | None = None
    trace: JsonObject = field(default_factory=dict)


async def turn(asked: Asked, knows: Knows, policy: Policy, show: Show = unseen) -> Reply:
    """The reply, with a trace of how it came about; raises what `encode` raises.

    Costs one forward pass and one search; small talk and calls for a person cost neither. `show` takes the pieces of an
    answer that is still being worded.
    """
    began = time.perf_counter()
    understood = understand(asked.question, asked.earlier)
    hits = await _search(understood, asked, knows)
    found = time.perf_counter()
    features = _features(hits, understood.query, knows.snapshot)
    level = confidence(features)
    decision = decide(Situation(understood.intent, level, asked.failures, asked.desk_open), policy)
    ranked = knows.snapshot.best_articles(hits)
    wording = Wording(*_word(decision, understood, hits, asked, knows))
    if decision.outcome == "answer":
        task = Task(asked.question, asked.earlier, hits, knows.base_url, wording, show)
        wording = await knows.generator.word(task)
    return Reply(
        text=wording.text,
        outcome=decision.outcome,
        confidence=level,
        kb_version=knows.snapshot.kb_version,
        ranked=tuple(ranked),
        citations=wording.citations,
        suggestions=_suggestions(decision, asked),
        handoff=decision.reason if decision.outcome == "handoff" else None,
        trace=_trace(understood, hits, ranked, features, decision)
        | wording.trace
        | {"search_ms": _ms(began, found), "turn_ms": _ms(began, time.perf_counter())},
    )


async def _search(understood: Understood, asked: Asked, knows: Knows) -> Sequence[Hit]:
    if understood.intent != "question":
        return ()
    embedding = await knows.encode(understood.query)
    return knows.snapshot.search(understood.query, embedding.sentence, asked.audience, RANKED_ARTICLES)


def _features(hits: Sequence[Hit], query: str, snapshot: Snapshot) -> Features | None:
    if not hits:
        return None
    best = hits[0]
    cosine = best.signals["dense"].score if "dense" in best.signals else 0.0
    lexical = [hit for hit in hits if "lexical" in hit.signals]
    first = min(lexical, key=lambda hit: hit.signals["lexical"].rank, default=None)
    agreement = first is not None and first.article.article_id == best.article.article_id
    return Features(cosine, snapshot.coverage(query, best.chunk), agreement)


def _word(
    decision: Decision, understood: Understood, hits: Sequence[Hit], asked: Asked, knows: Knows
) -> tuple[str, tuple[Citation, ...]]:
    if decision.outcome == "answer":
        best = hits[0]
        citation = cite(best, knows.base_url, extractive.excerpt(best.chunk.text))
        return extractive.compose(best, url_of(best, knows.base_url)), (citation,)
    if decision.outcome == "small_talk" and understood.small_talk is not None:
        return phrases.SMALL_TALK[understood.small_talk], ()
    if decision.outcome == "handoff" and decision.reason is not None:
        return phrases.HANDOFF[decision.reason], ()
    return phrases.no_answer(decision.reason, desk_open=asked.desk_open), ()


def _suggestions(decision: Decision, asked: Asked) -> tuple[str, ...]:
    offers_person = decision.outcome == "no_answer" and asked.desk_open
    return (phrases.TALK_TO_PERSON,) if offers_person else ()


def _trace(
    understood: Understood, hits: Sequence[Hit], ranked: Sequence[str], features: Features | None, decision: Decision
) -> JsonObject:
    """How the reply came about, for QA and agents; never shown to visitors."""
    return {
        "intent": understood.intent,
        "query": understood.query,
        "ranked": list(ranked),
        "hits": [_traced(hit) for hit in hits[:TRACED_HITS]],
        "features": None if features is None else asdict(features),
        "decision": decision.outcome,
        "reason": decision.reason,
        "why": decision.why,
    }


def _traced(hit: Hit) -> JsonObject:
    return {
        "article_id": hit.article.article_id,
        "title": hit.article.title,
        "heading": " › ".join(hit.chunk.heading_path),
        "score": round(hit.score, 4),
        "signals": {name: {"score": round(s.score, 4), "rank": s.rank} for name, s in hit.signals.items()},
    }


def _ms(began: float, ended: float) -> float:
    return round((ended - began) * 1000, 2)
