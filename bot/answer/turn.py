"""The answer to a visitor: a pure function of what was said, a snapshot of the knowledge base, and the policy."""

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from bot.answer.candidates import MAX_OFFERED, Candidate, candidates, related, without
from bot.answer.citations import cite
from bot.answer.confidence import Calibration, default_calibration
from bot.answer.frustration import FRUSTRATED_FROM, Tone, displeasure_alone, mood
from bot.answer.intent import NOT_CONTENT, RequestProbe, Understood, understand
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
from bot.answer.retrieve import Encode, Retrieved, retrieve_passages
from bot.answer.transcript import Said
from conversation.events import Choice, Citation, JsonObject, Mood, Outcome, Rated, Reason
from retrieval.articles import Audience
from retrieval.index import Snapshot
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
class TurnDeps:
    """What the bot answers from: one snapshot, the encoder it was built with, where its articles are shown, its voice.

    `calibration` says how likely what was found is to answer. `tone`: how messages sound to that encoder; without it
    words alone tell the visitor's mood. `pool` runs searches; without it the loop's own threads do. `phrasebook`: what it
    says of its own accord, in each language. `request_probe`: how calls for a person lie among its vectors; without it
    words alone tell.
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
    `rated` is the visitor's verdict on an earlier reply, where the message was one. `trace` is for people: nothing is decided by it.
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
    rated: Rated | None = None
    trace: JsonObject = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """What kind of reply it is."""
        return self.decision.outcome

    @property
    def handoff(self) -> Reason | None:
        """Why a person is called; None where none is."""
        return self.decision.reason if self.outcome == "handoff" else None


async def take_turn(turn_input: TurnInput, deps: TurnDeps, policy: Policy, show: Show = unseen) -> Reply:
    """The reply, with a trace of how it came about; raises what `encode` raises.

    Costs one forward pass and one search, or two where the question leans on what was said before it; small talk and
    calls for a person in plain words cost neither; for other calls what was found counts no more. `show` takes the pieces
    of an answer that is still being worded.
    """
    began = time.perf_counter()
    understood = understand(turn_input.question, turn_input.earlier, turn_input.offered)
    message = turn_input.question
    if understood.intent == "question":
        asked = understood.question if understood.chosen is None else understood.chosen.label
        turn_input = replace(turn_input, question=asked)
    retrieved = await _search(understood, turn_input, deps)
    searched = time.perf_counter()
    visitor_mood = mood(turn_input.earlier, message, retrieved.vector, deps.tone)
    asks_person = _asks_person(understood, retrieved, turn_input, deps)
    situation = _situation(understood, visitor_mood, retrieved, turn_input, asks_person)
    decision = decide(situation, policy)
    phrases = deps.phrasebook.speaking(turn_input.audience.locale)
    wording = _word(decision, understood, situation, retrieved, deps, phrases=phrases)
    if decision.outcome == "answer":
        task = Task(
            turn_input.question, turn_input.earlier, retrieved.answering_hits, deps.base_url, wording, phrases, show
        )
        wording = await deps.generator.word(task)
    reply = Reply(
        text=wording.text + _beside(decision, situation, phrases),
        decision=decision,
        confidence=retrieved.confidence,
        kb_version=deps.snapshot.kb_version,
        ranked=tuple(best_articles(retrieved.hits)),
        features={name: round(value, PROFILE_DIGITS) for name, value in retrieved.confidence_features.items()},
        citations=wording.citations,
        passage=wording.passage,
        offers_person=decision.outcome == "no_answer" or situation.not_content or _is_beside(decision, situation),
        choices=_choices(decision, retrieved, turn_input, phrases),
        mood=Mood(round(visitor_mood.score, MOOD_DIGITS), visitor_mood.reason),
        rated=understood.rated,
    )
    timings: JsonObject = {"search_ms": _ms(began, searched), "turn_ms": _ms(began, time.perf_counter())}
    return replace(reply, trace=_trace(understood, retrieved, reply, round(asks_person, 3)) | wording.trace | timings)


async def _search(understood: Understood, turn_input: TurnInput, deps: TurnDeps) -> Retrieved:
    if understood.intent != "question":
        return Retrieved(CorrectedQuery(turn_input.question))
    chosen = understood.chosen is not None
    question, earlier = _choice(turn_input) if chosen else (turn_input.question, turn_input.earlier)
    retrieved = await retrieve_passages(
        question, earlier, turn_input.audience, deps.snapshot, deps.encode, limit=RANKED_ARTICLES, pool=deps.pool
    )
    hits, named = _named_first(retrieved.hits, turn_input.question, understood.chosen)
    rejected = frozenset() if named else turn_input.rejected
    return replace(
        retrieved,
        hits=hits,
        candidates=without(candidates(best_passages(hits), deps.calibration), rejected),
        named=named,
        rejected=rejected,
        vector=None if chosen else retrieved.vector,
    )


def _choice(turn_input: TurnInput) -> tuple[str, Sequence[Said]]:
    """The question that was asked back with the title that was chosen, which is all that counts now."""
    before = next((said.text for said in reversed(turn_input.earlier) if said.role == "visitor"), "")
    return f"{before}\n{turn_input.question}", ()


def _named_first(hits: Sequence[Hit], question: str, chosen: Choice | None) -> tuple[Sequence[Hit], bool]:
    """Brings the article that was chosen, or is called as the visitor wrote, to the front; whether there is one."""
    title = question.strip().casefold()
    titles = {hit.article.article_id: hit.article.title for hit in best_passages(hits)}
    named = next(
        (article_id for article_id, own_title in titles.items() if own_title.strip().casefold() == title), None
    )
    if chosen is not None and chosen.article_id in titles:
        named = chosen.article_id
    if named is None:
        return hits, False
    return sorted(hits, key=lambda hit: hit.article.article_id != named), True


def _asks_person(understood: Understood, retrieved: Retrieved, turn_input: TurnInput, deps: TurnDeps) -> float:
    """How likely the visitor asks for a person: by the words where they are plain, else by the vector of the search."""
    if understood.intent == "call_human" or understood.asks_how:
        return 1.0
    if deps.request_probe is None or retrieved.vector is None:
        return 0.0
    return deps.request_probe.probability(turn_input.question, retrieved.vector)


def _situation(
    understood: Understood, visitor_mood: Mood, retrieved: Retrieved, turn_input: TurnInput, asks_person: float
) -> Situation:
    return Situation(
        intent=understood.intent,
        asks_person=asks_person,
        asks_how=understood.asks_how,
        confidence=retrieved.confidence,
        failures=turn_input.failures,
        desk_open=turn_input.desk_open,
        identifiers=retrieved.identifiers,
        options=len(retrieved.options),
        likely=min(1.0, sum(candidate.confidence for candidate in retrieved.options)),
        named=retrieved.named,
        clarified=bool(turn_input.offered),
        frustration=visitor_mood.score,
        offered_person=turn_input.offered_person,
        returned=turn_input.returned,
        rejected=bool(retrieved.rejected),
        not_content=understood.small_talk in NOT_CONTENT,
        displeased=visitor_mood.score >= FRUSTRATED_FROM and displeasure_alone(turn_input.question),
    )


def _word(
    decision: Decision,
    understood: Understood,
    situation: Situation,
    retrieved: Retrieved,
    deps: TurnDeps,
    *,
    phrases: Catalogue,
) -> Wording:
    if decision.outcome == "answer":
        extract = extraction.extract(retrieved.answering_hits, retrieved.reading.text, deps.snapshot, deps.base_url)
        text = extraction.compose(extract, deps.base_url, phrases)
        return Wording(text, (cite(extract.hit, deps.base_url, extract.text),), extract.text.strip())
    if decision.outcome == "clarify":
        return Wording(phrases.clarify([escaped(candidate.title) for candidate in retrieved.options]))
    if decision.outcome == "small_talk" and understood.small_talk is not None:
        return Wording(phrases.small_talk(understood.small_talk, desk_open=situation.desk_open))
    if decision.outcome == "handoff" and decision.reason is not None:
        return Wording(phrases.handoff(decision.reason, returned=situation.returned))
    if situation.displeased and decision.reason == "frustrated":
        return Wording(phrases.displeasure(desk_open=situation.desk_open))
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
    return f"\n\n{phrases.offer_beside(desk_open=situation.desk_open, frustrated=situation.frustrated)}"


def _choices(decision: Decision, retrieved: Retrieved, turn_input: TurnInput, phrases: Catalogue) -> tuple[Choice, ...]:
    """What the visitor may press next: articles by their titles, and a person."""
    person = [Choice("person", phrases.person_label)] if decision.offers_person and turn_input.desk_open else []
    offers = _offers(decision, retrieved, MAX_OFFERED - len(person))
    return (*(Choice("article", candidate.title, candidate.hit.article.article_id) for candidate in offers), *person)


def _offers(decision: Decision, retrieved: Retrieved, places: int) -> Sequence[Candidate]:
    if decision.outcome == "clarify":
        return retrieved.options
    return related(retrieved.candidates, places) if decision.outcome == "answer" else ()


def _trace(understood: Understood, retrieved: Retrieved, reply: Reply, asks_person: float) -> JsonObject:
    """How the reply came about, for QA and agents; never shown to visitors, and nothing is decided by it."""
    visitor_mood = reply.mood or Mood(0.0, "")
    return {
        "intent": "call_human" if reply.decision.reason == "visitor_asked" else understood.intent,
        "asks_person": asks_person,
        "mood": {"score": visitor_mood.score, "reason": visitor_mood.reason},
        "query": retrieved.reading.text,
        "context": retrieved.context,
        "read_as": dict(retrieved.reading.corrections),
        "ranked": [*reply.ranked],
        "hits": [_traced(hit) for hit in retrieved.hits[:TRACED_HITS]],
        "rejected": [*sorted(retrieved.rejected)],
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
        "identifiers": hit.identifiers,
        "signals": {name: {"score": round(s.score, 4), "rank": s.rank} for name, s in hit.signals.items()},
    }


def _ms(began: float, ended: float) -> float:
    return round((ended - began) * 1000, 2)
