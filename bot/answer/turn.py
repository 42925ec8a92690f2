"""The answer to a visitor: a pure function of what was said, a snapshot of the knowledge base, and the policy."""

import time
from dataclasses import dataclass, field, replace

from bot.answer.composition import before, beside, choices_of, is_beside, word_decision
from bot.answer.frustration import FRUSTRATED_FROM, displeasure_alone, mood
from bot.answer.intent import NOT_CONTENT, Understood, understand, without_verdicts
from bot.answer.language import readers, spoken_language
from bot.answer.policy import Decision, Policy, Situation, decide
from bot.answer.reply import Show, Task, unseen
from bot.answer.retrieve import Retrieved
from bot.answer.transcript import Said
from bot.answer.turn_input import TurnDeps, TurnInput
from bot.answer.turn_search import search_turn
from conversation.events import Choice, Citation, JsonObject, Mood, Outcome, Rated, Reason, shown_articles
from retrieval.search import ConfidenceFeatures, Hit, best_articles

TRACED_HITS = 5  # as many as an agent looks at
PROFILE_DIGITS = 6  # calibration learns from stored features: confidence is off by less than 1e-4
MOOD_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bot says, and what it does with it; `decision` says why.

    `ranked` are article ids, best first, `features` what the confidence in the first one is made of; `reach` is how many
    times as likely the first three together are. `passage`, `offers_person` and `choices` are those of `BotSaid`.
    `rated` is the visitor's verdict on an earlier reply, where the message was one. `fault` names what broke, where the
    reply is an apology for it. `trace` is for people: nothing is decided by it.
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
    reach: float = 1.0
    fault: str = ""
    rated: Rated | None = None
    trace: JsonObject = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """What kind of reply it is."""
        return self.decision.outcome

    @property
    def shown(self) -> tuple[str, ...]:
        """The ids of the articles that it puts before the visitor."""
        return shown_articles(self.citations, self.choices)

    @property
    def handoff(self) -> Reason | None:
        """Why a person is called; None where none is."""
        return self.decision.reason if self.outcome == "handoff" else None


async def take_turn(turn_input: TurnInput, deps: TurnDeps, policy: Policy, show: Show = unseen) -> Reply:
    """The reply, with a trace of how it came about; raises what `encode` raises.

    Costs one forward pass and one search, or two where the question leans on what was said before it, and as much for
    each question where a message asks several; small talk and calls for a person in plain words cost neither; for other
    calls what was found counts no more. `show` takes the pieces of an answer that is still being worded.
    """
    began = time.perf_counter()
    language = spoken_language((*turn_input.earlier, Said("visitor", turn_input.question)), turn_input.audience.locale)
    audience = readers(turn_input.audience, language, deps.snapshot)
    turn_input = replace(turn_input, audience=audience, earlier=without_verdicts(turn_input.earlier))
    understood = understand(turn_input.question, turn_input.earlier)
    message = "" if understood.declines else turn_input.question
    if understood.intent == "question":
        turn_input = replace(turn_input, question=understood.question)
    retrieved = await search_turn(understood, turn_input, deps, policy.suggest_usefulness)
    searched = time.perf_counter()
    visitor_mood = mood(turn_input.earlier, message, retrieved.vector, deps.tone)
    asks_person = _asks_person(understood, retrieved, turn_input, deps)
    situation = _situation(understood, visitor_mood, retrieved, turn_input, asks_person)
    decision = decide(situation, policy)
    phrases = deps.phrasebook.speaking(language)
    wording = word_decision(
        decision, understood, situation, retrieved, deps, phrases=phrases, earlier=turn_input.earlier
    )
    if decision.outcome == "answer" and not retrieved.parts:
        task = Task(
            turn_input.question, turn_input.earlier, retrieved.answering_hits, deps.base_url, wording, phrases, show
        )
        wording = await deps.generator.word(task)
    reply = Reply(
        text=before(decision, retrieved, language, deps) + wording.text + beside(decision, situation, phrases),
        decision=decision,
        confidence=retrieved.confidence,
        kb_version=deps.snapshot.kb_version,
        ranked=tuple(best_articles(retrieved.hits)),
        features={name: round(value, PROFILE_DIGITS) for name, value in retrieved.confidence_features.items()},
        citations=wording.citations,
        passage=wording.passage,
        offers_person=decision.outcome == "no_answer" or situation.not_content or is_beside(decision, situation),
        choices=choices_of(decision, retrieved, turn_input, phrases),
        mood=Mood(round(visitor_mood.score, MOOD_DIGITS), visitor_mood.reason),
        rated=understood.rated,
        reach=round(retrieved.reach, PROFILE_DIGITS),
    )
    timings: JsonObject = {"search_ms": _ms(began, searched), "turn_ms": _ms(began, time.perf_counter())}
    trace = _trace(understood, retrieved, reply, round(asks_person, 3)) | {"language": language}
    return replace(reply, trace=trace | wording.trace | timings)


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
        useful=retrieved.useful,
        alternatives=len(retrieved.alternatives),
        identifiers=retrieved.identifiers,
        named=retrieved.named,
        clarified=turn_input.clarified,
        frustration=visitor_mood.score,
        offered_person=turn_input.offered_person,
        returned=turn_input.returned,
        rejected=bool(retrieved.rejected),
        doubtful=retrieved.doubtful,
        denies=retrieved.denies,
        not_content=understood.small_talk in NOT_CONTENT,
        displeased=visitor_mood.score >= FRUSTRATED_FROM and displeasure_alone(turn_input.question),
    )


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
        "rejected": [*sorted(retrieved.rejected.articles | retrieved.rejected.doubted)],
        "features": {**reply.features},
        "useful": round(retrieved.useful, 4),
        "parts": [part.reading.text for part in retrieved.parts],
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
