"""The composition of a reply: the words that a decision comes to, and what the visitor may press."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from bot.answer.candidates import MAX_OFFERED, SUGGESTED, Candidate, choosable, related
from bot.answer.citations import cite
from bot.answer.intent import Understood
from bot.answer.language import written_in
from bot.answer.policy import Decision, Situation
from bot.answer.reply import Catalogue, Wording
from bot.answer.reply.extractive import escaped, extraction
from bot.answer.retrieve import Retrieved
from bot.answer.transcript import Said
from bot.answer.turn_input import TurnDeps, TurnInput
from conversation.events import SHOWS_PASSAGE, Choice
from retrieval.articles import plain
from retrieval.search import Hit

TOPICS = 3  # that a refusal names


def word_decision(
    decision: Decision,
    understood: Understood,
    situation: Situation,
    retrieved: Retrieved,
    deps: TurnDeps,
    *,
    phrases: Catalogue,
    earlier: Sequence[Said] = (),
) -> Wording:
    """The reply that a decision comes to, without what is offered below it; in other words where it was said before."""
    if decision.outcome in SHOWS_PASSAGE:
        told = {said.passage for said in earlier if said.passage}
        wording = _passages(decision, retrieved, deps, phrases, told)
        left_open = [phrases.say("left_open", question=escaped(question)) for question in retrieved.left_open]
        return replace(wording, text="\n\n".join([wording.text, *left_open]))
    if decision.outcome == "clarify":
        options = [
            (escaped(option.difference), escaped(_line(option.candidate.hit))) for option in retrieved.alternatives
        ]
        return Wording(phrases.ask_which(options))
    if decision.outcome == "small_talk" and understood.small_talk is not None:
        text = phrases.small_talk(understood.small_talk, desk_open=situation.desk_open)
        return Wording(text if situation.not_content else _fresh(text, phrases.say("small_talk_again"), earlier))
    if decision.outcome == "handoff" and decision.reason is not None:
        return Wording(phrases.handoff(decision.reason, returned=situation.returned))
    refusal = _refusal(decision, situation, retrieved, phrases)
    again = phrases.say("no_answer_again" if situation.desk_open else "no_answer_again_desk_closed")
    return Wording(_fresh(refusal, again, earlier))


def _fresh(text: str, again: str, earlier: Sequence[Said]) -> str:
    """`text`, or `again` where the bot has said it before."""
    return again if any(said.role == "bot" and said.text.endswith(text) for said in earlier) else text


def _refusal(decision: Decision, situation: Situation, retrieved: Retrieved, phrases: Catalogue) -> str:
    if situation.displeased and decision.reason == "frustrated":
        return phrases.displeasure(desk_open=situation.desk_open)
    return phrases.refusal(
        decision.reason,
        desk_open=situation.desk_open,
        frustrated=situation.frustrated,
        rejected=situation.rejected,
        topics=_topics(retrieved),
    )


def _passages(
    decision: Decision, retrieved: Retrieved, deps: TurnDeps, phrases: Catalogue, told: Collection[str]
) -> Wording:
    """What the best article says, asserted or hedged; with a suggestion the other articles are cited too.

    Of several questions each stands above what answers it. Of a passage that was told before it is said that it is.
    """
    if not retrieved.parts:
        said = _passage(retrieved, deps, phrases)
        others = _others(retrieved) if decision.outcome == "suggest" else ()
    else:
        each = [_passage(part, deps, phrases) for part in retrieved.parts]
        headed = (
            f"**{escaped(part.reading.text)}**\n\n{one.text}" for part, one in zip(retrieved.parts, each, strict=True)
        )
        citations = tuple(citation for one in each for citation in one.citations)
        said = Wording("\n\n".join(headed), citations, "\n\n".join(one.passage for one in each))
        others = ()
    again = said.passage in told
    if decision.outcome == "suggest":
        text = f"{phrases.hedge(rejected=bool(retrieved.rejected), again=again)}\n\n{said.text}"
        cards = tuple(cite(candidate.hit, deps.base_url, _line(candidate.hit)) for candidate in others)
        return replace(said, text=text, citations=said.citations + cards)
    return replace(said, text=f"{phrases.say('answer_again')}\n\n{said.text}") if again else said


def _passage(retrieved: Retrieved, deps: TurnDeps, phrases: Catalogue) -> Wording:
    """What the best article says, and its source."""
    extract = extraction.extract(
        retrieved.answering_hits,
        retrieved.reading.text,
        deps.snapshot,
        deps.base_url,
        told=retrieved.rejected.sections,
    )
    text = extraction.compose(extract, deps.base_url, phrases)
    return Wording(text, (cite(extract.hit, deps.base_url, extract.text),), extract.text.strip())


def _others(retrieved: Retrieved) -> Sequence[Candidate]:
    """The articles beside the one whose passage a suggestion shows, however unlikely: measured, one of thirty is the right one."""
    return choosable(retrieved.candidates[1:])[: SUGGESTED - 1]


def _line(hit: Hit) -> str:
    """The first line of text of a passage, for those who choose between several."""
    lines = (plain(line) for line in hit.chunk.text.splitlines() if not line.startswith("#"))
    return next((line for line in lines if line), "")


def _topics(retrieved: Retrieved) -> Sequence[str]:
    """What the nearest articles are about, as writers sorted them, Markdown."""
    categories = (candidate.hit.article.category for candidate in retrieved.candidates)
    return [escaped(category) for category in dict.fromkeys(categories) if category][:TOPICS]


def before(decision: Decision, retrieved: Retrieved, language: str | None, deps: TurnDeps) -> str:
    """What a suggestion or a refusal begins with where the nearest article is in another language than the reply."""
    is_about_articles = decision.outcome in ("suggest", "no_answer") and decision.reason != "visitor_asked"
    if not is_about_articles or not retrieved.candidates:
        return ""
    written = written_in(retrieved.candidates[0].hit.article)
    line = deps.phrasebook.other_language(language, written) if written else ""
    return line and f"{line} "


def is_beside(decision: Decision, situation: Situation) -> bool:
    """Whether a person is offered below the reply."""
    return decision.outcome in ("answer", "suggest", "clarify") and (
        situation.frustrated or situation.likely_asks_person
    )


def beside(decision: Decision, situation: Situation, phrases: Catalogue) -> str:
    """What is added below an answer to whoever is frustrated or may want a person: after it, for drafts may be shown."""
    if not is_beside(decision, situation):
        return ""
    return f"\n\n{phrases.offer_beside(desk_open=situation.desk_open, frustrated=situation.frustrated)}"


def choices_of(
    decision: Decision, retrieved: Retrieved, turn_input: TurnInput, phrases: Catalogue
) -> tuple[Choice, ...]:
    """What the visitor may press next: articles by their titles, and a person."""
    person = [Choice("person", phrases.person_label)] if decision.offers_person and turn_input.desk_open else []
    verdicts = [Choice("helped", phrases.helped_label), Choice("not_helped", phrases.not_helped_label)]
    articles = _articles(decision, retrieved, MAX_OFFERED - len(person))
    return (*articles, *(verdicts if decision.outcome == "suggest" else ()), *person)


def _articles(decision: Decision, retrieved: Retrieved, places: int) -> Sequence[Choice]:
    """The articles that may be pressed: by their titles or, where these are the same but for a few words, by those."""
    if decision.outcome == "clarify":
        return [_choice(option.candidate, option.difference) for option in retrieved.alternatives]
    if retrieved.parts:
        return ()
    if decision.outcome == "suggest":
        return [_choice(candidate, candidate.title) for candidate in _others(retrieved)]
    others = related(retrieved.candidates, places) if decision.outcome == "answer" else ()
    return [_choice(candidate, candidate.title) for candidate in others]


def _choice(candidate: Candidate, label: str) -> Choice:
    return Choice("article", label, candidate.hit.article.article_id)
