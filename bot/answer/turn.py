"""The answer to a visitor: a pure function of what was said, a snapshot of the knowledge base, and the policy."""

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from bot.answer.candidates import MAX_OFFERED, Candidate, candidates, related, rivals, without
from bot.answer.citations import cite
from bot.answer.confidence import Calibration, default_calibration
from bot.answer.frustration import Tone, mood
from bot.answer.intent import RequestProbe, Understood, understand
from bot.answer.policy import Decision, Policy, Situation, decide
from bot.answer.reply import (
    Catalogue,
    Extractive,
    Generator,
    Phrasebook,
    Show,
    Task,
    Wording,
    default_phrasebook,
    unseen,
)
from bot.answer.reply.extractive import escaped, extraction
from bot.answer.retrieve import Encode, retrieve_passages
from bot.answer.transcript import Said
from conversation.events import Choice, Citation, JsonObject, Mood, Outcome, Reason
from retrieval.articles import Audience
from retrieval.index import Snapshot
from retrieval.model import Vectors
from retrieval.search import ConfidenceFeatures, CorrectedQuery, Hit, best_articles, best_passages

RANKED_ARTICLES = 20  # as many as evaluation reads
TRACED_HITS = 5  # as many as an agent looks at
PROFILE_DIGITS = 6  # calibration learns from stored features: confidence is off by less than 1e-4
MOOD_DIGITS = 3


@dataclass(frozen=True, slots=True)
class TurnInput:
    """What the bot is to answer: `question`, after `earlier` (oldest first), by whom, and how things stand.

    `offered` are the articles between which the bot's last reply asked the visitor to choose, if it did;
    `offered_person`: it offered a person. `returned`: an agent had the chat before and gave it back.
    `rejected` are the ids of articles that the visitor wants told no more, unless by name.
    """

    question: str
    audience: Audience
    earlier: Sequence[Said] = ()
    failures: int = 0
    desk_open: bool = True
    offered: Sequence[Choice] = ()
    offered_person: bool = False
    returned: bool = False
    rejected: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was found for a question: hits, best first, and the articles that could answer it, without rejected ones.

    `reading` is what was searched for, `context` the same after what was said before it, if it leans on that; `vector`
    is that of the message alone, float32 (d,). `named`: the visitor wrote the title of the first one.
    """

    reading: CorrectedQuery
    context: str | None = None
    hits: Sequence[Hit] = ()
    candidates: Sequence[Candidate] = ()
    named: bool = False
    rejected: frozenset[str] = frozenset()
    vector: Vectors | None = None

    @property
    def confidence(self) -> float:
        """How likely the first article is to answer."""
        return self.candidates[0].confidence if self.candidates else 0.0

    @property
    def profile(self) -> ConfidenceFeatures:
        """What the confidence of the first article is made of; empty where nothing was found."""
        return next((hit.confidence_features for hit in self.hits if hit.confidence_features is not None), {})

    @property
    def told(self) -> Sequence[Hit]:
        """The hits that an answer may be made of."""
        left = {one.hit.article.article_id for one in self.candidates}
        return [hit for hit in self.hits if hit.article.article_id in left] if self.rejected else self.hits

    @property
    def options(self) -> Sequence[Candidate]:
        """The articles between which a visitor may have to choose."""
        return rivals(self.candidates)


@dataclass(frozen=True, slots=True)
class TurnDeps:
    """What the bot answers from: one snapshot, the encoder it was built with, where its articles are shown, its voice.

    `calibration` says how likely what was found is to answer. `tone`: how messages sound to that encoder; without it
    words alone tell the visitor's mood. `pool` runs searches; without it the loop's own threads do. `phrasebook`: what it says of its own
    accord, in each language. `request_probe`: how calls for a person lie among its vectors; without it words alone tell.
    """

    snapshot: Snapshot
    encode: Encode
    base_url: str = ""
    generator: Generator = field(default_factory=Extractive)
    calibration: Calibration = field(default_factory=default_calibration)
    tone: Tone | None = None
    pool: Executor | None = None
    phrasebook: Phrasebook = field(default_factory=default_phrasebook)
    request_probe: RequestProbe | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bot says, and what it does with it; `decision` says why.

    `ranked` are article ids, best first, `features` what the confidence in the first one is made of. `passage`,
    `offers_person` and `choices` are those of `BotSaid`. `fault` names what broke, where the reply is an apology for it.
    `trace` is for people: nothing is decided by it.
    """

    text: str
    decision: Decision
    confidence: float
    kb_version: str
    ranked: tuple[str, ...] = ()
    features: ConfidenceFeatures = field(default_factory=dict)
    citations: tuple[Citation, ...] = ()
    passage: str = ""
    offers_person: bool = False
    choices: tuple[Choice, ...] = ()
    mood: Mood | None = None
    fault: str = ""
    trace: JsonObject = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """What kind of reply it is."""
        return self.decision.outcome

    @property
    def handoff(self) -> Reason | None:
        """Why a person is called; None where none is."""
        return self.decision.reason if self.outcome == "handoff" else None


async def take_turn(asked: TurnInput, knows: TurnDeps, policy: Policy, show: Show = unseen) -> Reply:
    """The reply, with a trace of how it came about; raises what `encode` raises.

    Costs one forward pass and one search, or two where the question leans on what was said before it; small talk and
    calls for a person in plain words cost neither; for other calls what was found counts no more. `show` takes the pieces of an answer that is still being worded.
    """
    began = time.perf_counter()
    understood = understand(asked.question, asked.earlier, asked.offered)
    if understood.chosen is not None:
        asked = replace(asked, question=understood.chosen.label)
    found = await _search(understood, asked, knows)
    searched = time.perf_counter()
    felt = mood(asked.earlier, asked.question, found.vector, knows.tone)
    asks_person = _asks_person(understood, found, asked, knows)
    situation = _situation(understood, felt, found, asked, asks_person)
    decision = decide(situation, policy)
    phrases = knows.phrasebook.speaking(asked.audience.locale)
    wording = _word(decision, understood, situation, found, knows, phrases=phrases)
    if decision.outcome == "answer":
        task = Task(asked.question, asked.earlier, found.told, knows.base_url, wording, phrases, show)
        wording = await knows.generator.word(task)
    reply = Reply(
        text=wording.text + _beside(decision, situation, phrases),
        decision=decision,
        confidence=found.confidence,
        kb_version=knows.snapshot.kb_version,
        ranked=tuple(best_articles(found.hits)),
        features={name: round(value, PROFILE_DIGITS) for name, value in found.profile.items()},
        citations=wording.citations,
        passage=wording.passage,
        offers_person=decision.outcome == "no_answer" or _is_beside(decision, situation),
        choices=_choices(decision, found, asked, phrases),
        mood=Mood(round(felt.score, MOOD_DIGITS), felt.reason),
    )
    timings: JsonObject = {"search_ms": _ms(began, searched), "turn_ms": _ms(began, time.perf_counter())}
    return replace(reply, trace=_trace(understood, found, reply, round(asks_person, 3)) | wording.trace | timings)


async def _search(understood: Understood, asked: TurnInput, knows: TurnDeps) -> Retrieved:
    if understood.intent != "question":
        return Retrieved(CorrectedQuery(asked.question))
    chosen = understood.chosen is not None
    question, earlier = _choice(asked) if chosen else (asked.question, asked.earlier)
    found = await retrieve_passages(
        question, earlier, asked.audience, knows.snapshot, knows.encode, limit=RANKED_ARTICLES, pool=knows.pool
    )
    hits, named = _named_first(found.hits, asked.question, understood.chosen)
    rejected = frozenset() if named else asked.rejected
    left = without(candidates(best_passages(hits), knows.calibration), rejected)
    vector = None if chosen else found.vector
    return Retrieved(found.reading, found.context, hits, left, named, rejected, vector)


def _choice(asked: TurnInput) -> tuple[str, Sequence[Said]]:
    """The question that was asked back with the title that was chosen, which is all that counts now."""
    before = next((said.text for said in reversed(asked.earlier) if said.role == "visitor"), "")
    return f"{before}\n{asked.question}", ()


def _named_first(hits: Sequence[Hit], question: str, chosen: Choice | None) -> tuple[Sequence[Hit], bool]:
    """Brings the article that was chosen, or is called as the visitor wrote, to the front; whether there is one."""
    title = question.strip().casefold()
    titles = {hit.article.article_id: hit.article.title for hit in best_passages(hits)}
    named = next((article_id for article_id, own in titles.items() if own.strip().casefold() == title), None)
    if chosen is not None and chosen.article_id in titles:
        named = chosen.article_id
    if named is None:
        return hits, False
    return sorted(hits, key=lambda hit: hit.article.article_id != named), True


def _asks_person(understood: Understood, found: Retrieved, asked: TurnInput, knows: TurnDeps) -> float:
    """How likely the visitor asks for a person: by the words where they are plain, else by the vector of the search."""
    if understood.intent == "call_human" or understood.asks_how:
        return 1.0
    if knows.request_probe is None or found.vector is None:
        return 0.0
    return knows.request_probe.probability(asked.question, found.vector)


def _situation(understood: Understood, felt: Mood, found: Retrieved, asked: TurnInput, asks_person: float) -> Situation:
    return Situation(
        intent=understood.intent,
        asks_person=asks_person,
        asks_how=understood.asks_how,
        confidence=found.confidence,
        failures=asked.failures,
        desk_open=asked.desk_open,
        options=len(found.options),
        likely=min(1.0, sum(one.confidence for one in found.options)),
        named=found.named,
        clarified=bool(asked.offered),
        frustration=felt.score,
        offered_person=asked.offered_person,
        returned=asked.returned,
        rejected=bool(found.rejected),
    )


def _word(
    decision: Decision,
    understood: Understood,
    situation: Situation,
    found: Retrieved,
    knows: TurnDeps,
    *,
    phrases: Catalogue,
) -> Wording:
    if decision.outcome == "answer":
        extract = extraction.extract(found.told, found.reading.text, knows.snapshot, knows.base_url)
        text = extraction.compose(extract, knows.base_url, phrases)
        return Wording(text, (cite(extract.hit, knows.base_url, extract.text),), extract.text.strip())
    if decision.outcome == "clarify":
        return Wording(phrases.clarify([escaped(one.title) for one in found.options]))
    if decision.outcome == "small_talk" and understood.small_talk is not None:
        return Wording(phrases.small_talk(understood.small_talk))
    if decision.outcome == "handoff" and decision.reason is not None:
        return Wording(phrases.handoff(decision.reason, returned=situation.returned))
    refusal = phrases.refusal(
        decision.reason,
        desk_open=situation.desk_open,
        frustrated=situation.frustrated,
        rejected=situation.rejected,
    )
    return Wording(refusal)


def _is_beside(decision: Decision, situation: Situation) -> bool:
    """Whether a person is offered below the reply."""
    return decision.outcome in ("answer", "clarify") and (situation.frustrated or situation.likely_asks_person)


def _beside(decision: Decision, situation: Situation, phrases: Catalogue) -> str:
    """What is added below an answer to whoever is frustrated or may want a person: after it, for drafts may be shown."""
    if not _is_beside(decision, situation):
        return ""
    return f"\n\n{phrases.offer_beside(desk_open=situation.desk_open)}"


def _choices(decision: Decision, found: Retrieved, asked: TurnInput, phrases: Catalogue) -> tuple[Choice, ...]:
    """What the visitor may press next: articles by their titles, and a person."""
    person = [Choice("person", phrases.person_label)] if decision.offers_person and asked.desk_open else []
    offers = _offers(decision, found, MAX_OFFERED - len(person))
    return (*(Choice("article", one.title, one.hit.article.article_id) for one in offers), *person)


def _offers(decision: Decision, found: Retrieved, places: int) -> Sequence[Candidate]:
    if decision.outcome == "clarify":
        return found.options
    return related(found.candidates, places) if decision.outcome == "answer" else ()


def _trace(understood: Understood, found: Retrieved, reply: Reply, asks_person: float) -> JsonObject:
    """How the reply came about, for QA and agents; never shown to visitors, and nothing is decided by it."""
    felt = reply.mood or Mood(0.0, "")
    return {
        "intent": "call_human" if reply.decision.reason == "visitor_asked" else understood.intent,
        "asks_person": asks_person,
        "mood": {"score": felt.score, "reason": felt.reason},
        "query": found.reading.text,
        "context": found.context,
        "read_as": dict(found.reading.corrections),
        "ranked": [*reply.ranked],
        "hits": [_traced(hit) for hit in found.hits[:TRACED_HITS]],
        "rejected": [*sorted(found.rejected)],
        "features": {**reply.features},
        "decision": reply.outcome,
        "reason": reply.decision.reason,
        "why": reply.decision.why,
        "offered": [choice.article_id for choice in reply.choices if choice.kind == "article"],
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
