"""The answer to a visitor: a pure function of what was said, a snapshot of the knowledge base, and the policy."""

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from bot.answer.alternatives import alternatives
from bot.answer.candidates import (
    CANDIDATES,
    MAX_OFFERED,
    SUGGESTED,
    Candidate,
    candidates,
    distinct,
    related,
    useful,
    without,
)
from bot.answer.citations import cite, section_of
from bot.answer.confidence import Calibration, default_calibration
from bot.answer.frustration import Tone, mood
from bot.answer.intent import RequestProbe, Understood, understand
from bot.answer.language import readers, spoken_language, written_in
from bot.answer.policy import Decision, Policy, Situation, decide
from bot.answer.rejected_answers import NOTHING_REJECTED, Rejected, rejects
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
from bot.answer.verdict import without_verdicts
from conversation.events import Choice, Citation, JsonObject, Mood, Outcome, Rated, Reason, shown_articles
from retrieval.articles import Audience, plain
from retrieval.index import Snapshot
from retrieval.search import ConfidenceFeatures, CorrectedQuery, Hit, best_articles, best_passages

RANKED_ARTICLES = 20  # as many as evaluation reads
TOPICS = 3  # that a refusal names
TRACED_HITS = 5  # as many as an agent looks at
PROFILE_DIGITS = 6  # calibration learns from stored features: confidence is off by less than 1e-4
MOOD_DIGITS = 3


@dataclass(frozen=True, slots=True)
class TurnInput:
    """What the bot is to answer: `question`, after `earlier` (oldest first), by whom, and how things stand.

    `offered` are the articles that the bot's last reply put up for choice, `clarified`: it asked which of them is meant;
    `offered_person`: it offered a person. `returned`: an agent had the chat before and gave it back.
    `rejected` is what the visitor wants told no more, unless by name. `replied` is the number of the
    bot's last reply, which a verdict is on.
    """

    question: str
    audience: Audience
    earlier: Sequence[Said] = ()
    failures: int = 0
    desk_open: bool = True
    offered: Sequence[Choice] = ()
    clarified: bool = False
    offered_person: bool = False
    returned: bool = False
    rejected: Rejected = NOTHING_REJECTED
    replied: int | None = None


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

    `ranked` are article ids, best first, `features` what the confidence in the first one is made of; `reach` is how many
    times as likely the first three together are. `passage`, `offers_person` and `choices` are those of `BotSaid`.
    `rating` is the visitor's verdict on the reply before, where the message was one. `fault` names what broke, where the
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
    rating: Rated | None = None
    reach: float = 1.0
    fault: str = ""
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

    Costs one forward pass and one search, or two where the question leans on what was said before it; small talk and
    calls for a person in plain words cost neither; for other calls what was found counts no more. `show` takes the pieces
    of an answer that is still being worded.
    """
    began = time.perf_counter()
    language = spoken_language((*turn_input.earlier, Said("visitor", turn_input.question)), turn_input.audience.locale)
    turn_input = replace(turn_input, audience=readers(turn_input.audience, language, deps.snapshot))
    turn_input = replace(turn_input, earlier=without_verdicts(turn_input.earlier))
    understood = understand(turn_input.question, turn_input.earlier, turn_input.offered)
    retrieved = await _search(understood, turn_input, deps)
    searched = time.perf_counter()
    said = turn_input.question if understood.helpful is None else ""
    visitor_mood = mood(turn_input.earlier, said, retrieved.vector, deps.tone)
    asks_person = _asks_person(understood, retrieved, turn_input, deps)
    situation = _situation(understood, visitor_mood, retrieved, turn_input, asks_person)
    decision = decide(situation, policy)
    phrases = deps.phrasebook.speaking(language)
    wording = _word(decision, understood, situation, retrieved, deps, phrases=phrases)
    if decision.outcome == "answer":
        task = Task(
            turn_input.question, turn_input.earlier, retrieved.answering_hits, deps.base_url, wording, phrases, show
        )
        wording = await deps.generator.word(task)
    reply = Reply(
        text=_before(decision, retrieved, language, deps) + wording.text + _beside(decision, situation, phrases),
        decision=decision,
        confidence=retrieved.confidence,
        kb_version=deps.snapshot.kb_version,
        ranked=tuple(best_articles(retrieved.hits)),
        features={name: round(value, PROFILE_DIGITS) for name, value in retrieved.confidence_features.items()},
        citations=wording.citations,
        passage=wording.passage,
        offers_person=decision.outcome == "no_answer" or _is_beside(decision, situation),
        choices=_choices(decision, retrieved, turn_input, phrases),
        mood=Mood(round(visitor_mood.score, MOOD_DIGITS), visitor_mood.reason),
        rating=_rating(understood, turn_input),
        reach=round(retrieved.reach, PROFILE_DIGITS),
    )
    timings: JsonObject = {"search_ms": _ms(began, searched), "turn_ms": _ms(began, time.perf_counter())}
    trace = _trace(understood, retrieved, reply, round(asks_person, 3)) | {"language": language}
    return replace(reply, trace=trace | wording.trace | timings)


async def _search(understood: Understood, turn_input: TurnInput, deps: TurnDeps) -> Retrieved:
    if understood.intent != "question":
        return Retrieved(CorrectedQuery(turn_input.question))
    question, earlier = _searched(understood, turn_input)
    retrieved = await retrieve_passages(
        question, earlier, turn_input.audience, deps.snapshot, deps.encode, limit=RANKED_ARTICLES, pool=deps.pool
    )
    hits, named = _named_first(retrieved.hits, turn_input.question, understood.chosen)
    rejected = NOTHING_REJECTED if named else turn_input.rejected
    scored = candidates(best_passages(hits), deps.calibration, CANDIDATES + len(rejected.articles))
    left = {hit.article.article_id for hit in hits if section_of(hit) not in rejected.sections}
    told = {candidate.hit.article.article_id for candidate in scored} - left
    remaining = without(distinct(scored), rejected.articles | told, rejected.doubted)
    return replace(
        retrieved,
        hits=hits,
        candidates=remaining,
        useful=useful(remaining if rejected else scored),
        alternatives=() if rejected else alternatives(scored, question),
        named=named,
        rejected=rejected,
        vector=retrieved.vector if question == turn_input.question else None,
    )


def _rating(understood: Understood, turn_input: TurnInput) -> Rated | None:
    if understood.helpful is None or turn_input.replied is None:
        return None
    return Rated(turn_input.replied, understood.helpful)


def _searched(understood: Understood, turn_input: TurnInput) -> tuple[str, Sequence[Said]]:
    """What is searched for, and what was said before it.

    Who chooses an article wants of it what they asked before, and who says that a reply did not help still asks that.
    """
    earlier = turn_input.earlier
    asked = max((index for index, said in enumerate(earlier) if said.role == "visitor"), default=None)
    if asked is None:
        return turn_input.question, earlier
    before, context = earlier[asked].text, earlier[:asked]
    if understood.chosen is not None or understood.helpful is False:
        return before, context
    if turn_input.rejected and rejects(turn_input.question):
        return f"{before}\n{turn_input.question}", context
    return turn_input.question, earlier


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
        useful=retrieved.useful,
        alternatives=len(retrieved.alternatives),
        named=retrieved.named,
        clarified=turn_input.clarified,
        frustration=visitor_mood.score,
        offered_person=turn_input.offered_person,
        returned=turn_input.returned,
        rejected=bool(retrieved.rejected),
        doubtful=retrieved.doubtful,
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
    if decision.outcome in ("answer", "suggest"):
        return _passage(decision, retrieved, deps, phrases)
    if decision.outcome == "clarify":
        options = [
            (escaped(option.difference), escaped(_line(option.candidate.hit))) for option in retrieved.alternatives
        ]
        return Wording(phrases.ask_which(options))
    if decision.outcome == "small_talk" and understood.small_talk is not None:
        return Wording(phrases.small_talk(understood.small_talk, desk_open=situation.desk_open))
    if decision.outcome == "handoff" and decision.reason is not None:
        return Wording(phrases.handoff(decision.reason, returned=situation.returned))
    refusal = phrases.refusal(
        decision.reason,
        desk_open=situation.desk_open,
        frustrated=situation.frustrated,
        rejected=situation.rejected,
        topics=_topics(retrieved),
    )
    return Wording(refusal)


def _passage(decision: Decision, retrieved: Retrieved, deps: TurnDeps, phrases: Catalogue) -> Wording:
    """What the best article says, asserted or hedged; with a suggestion the other articles are cited too."""
    extract = extraction.extract(
        retrieved.answering_hits,
        retrieved.reading.text,
        deps.snapshot,
        deps.base_url,
        told=retrieved.rejected.sections,
    )
    text = extraction.compose(extract, deps.base_url, phrases)
    citations = [cite(extract.hit, deps.base_url, extract.text)]
    if decision.outcome == "suggest":
        text = f"{phrases.hedge(rejected=bool(retrieved.rejected))}\n\n{text}"
        others = (candidate.hit for candidate in _others(retrieved))
        citations += [cite(hit, deps.base_url, _line(hit)) for hit in others]
    return Wording(text, tuple(citations), extract.text.strip())


def _others(retrieved: Retrieved) -> Sequence[Candidate]:
    """The articles beside the one whose passage a suggestion shows."""
    return related(retrieved.candidates, SUGGESTED - 1)


def _line(hit: Hit) -> str:
    """The first line of text of a passage, for those who choose between several."""
    lines = (plain(line) for line in hit.chunk.text.splitlines() if not line.startswith("#"))
    return next((line for line in lines if line), "")


def _topics(retrieved: Retrieved) -> Sequence[str]:
    """What the nearest articles are about, as writers sorted them, Markdown."""
    categories = (candidate.hit.article.category for candidate in retrieved.candidates)
    return [escaped(category) for category in dict.fromkeys(categories) if category][:TOPICS]


def _before(decision: Decision, retrieved: Retrieved, language: str | None, deps: TurnDeps) -> str:
    """What a suggestion or a refusal begins with where the nearest article is in another language than the reply."""
    is_about_articles = decision.outcome in ("suggest", "no_answer") and decision.reason != "visitor_asked"
    if not is_about_articles or not retrieved.candidates:
        return ""
    written = written_in(retrieved.candidates[0].hit.article)
    line = deps.phrasebook.other_language(language, written) if written else ""
    return line and f"{line} "


def _is_beside(decision: Decision, situation: Situation) -> bool:
    """Whether a person is offered below the reply."""
    return decision.outcome in ("answer", "suggest", "clarify") and (
        situation.frustrated or situation.likely_asks_person
    )


def _beside(decision: Decision, situation: Situation, phrases: Catalogue) -> str:
    """What is added below an answer to whoever is frustrated or may want a person: after it, for drafts may be shown."""
    if not _is_beside(decision, situation):
        return ""
    return f"\n\n{phrases.offer_beside(desk_open=situation.desk_open, frustrated=situation.frustrated)}"


def _choices(decision: Decision, retrieved: Retrieved, turn_input: TurnInput, phrases: Catalogue) -> tuple[Choice, ...]:
    """What the visitor may press next: articles by their titles, and a person."""
    person = [Choice("person", phrases.person_label)] if decision.offers_person and turn_input.desk_open else []
    verdicts = [Choice("helped", phrases.helped_label), Choice("not_helped", phrases.not_helped_label)]
    articles = _articles(decision, retrieved, MAX_OFFERED - len(person))
    return (*articles, *(verdicts if decision.outcome == "suggest" else ()), *person)


def _articles(decision: Decision, retrieved: Retrieved, places: int) -> Sequence[Choice]:
    """The articles that may be pressed: by their titles or, where these are the same but for a few words, by those."""
    if decision.outcome == "clarify":
        return [_choice(option.candidate, option.difference) for option in retrieved.alternatives]
    if decision.outcome == "suggest":
        return [_choice(candidate, candidate.title) for candidate in _others(retrieved)]
    others = related(retrieved.candidates, places) if decision.outcome == "answer" else ()
    return [_choice(candidate, candidate.title) for candidate in others]


def _choice(candidate: Candidate, label: str) -> Choice:
    return Choice("article", label, candidate.hit.article.article_id)


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
