"""The search of a turn: what the visitor's message is searched as, and which of the articles found may answer."""

from collections.abc import Sequence
from dataclasses import replace

from bot.answer.candidates import (
    CANDIDATES,
    affirmed_first,
    alternatives,
    candidates,
    denies,
    distinct,
    useful,
    without,
)
from bot.answer.citations import section_of
from bot.answer.intent import Understood, several_questions
from bot.answer.rejection import NOTHING_REJECTED, Rejected, complains_alone, rejects, request_before
from bot.answer.retrieve import Retrieved, retrieve_passages
from bot.answer.transcript import Said
from bot.answer.turn_input import TurnDeps, TurnInput
from conversation.events import Choice
from retrieval.search import CorrectedQuery, Hit, best_passages

RANKED_ARTICLES = 20  # as many as evaluation reads


async def search_turn(understood: Understood, turn_input: TurnInput, deps: TurnDeps, least_useful: float) -> Retrieved:
    """What was found for the visitor's message, with the articles that may answer; raises what `encode` raises.

    Of a message with several questions that find different articles, what was found for each of those for which
    something is at least so useful.
    """
    if understood.intent != "question":
        return Retrieved(CorrectedQuery(turn_input.question))
    whole = await _search(understood, turn_input, deps)
    if understood.chosen is not None or understood.declines or whole.named or whole.rejected:
        return whole
    parts = await _parts(understood, turn_input, deps)
    found = [part for part in parts if part.candidates and part.useful >= least_useful]
    if len(found) == len({_first(part) for part in found}) > 1:
        return _together(whole, found, parts)
    if len(found) == 1 < len(parts):
        return replace(found[0], left_open=_left_open(found, parts), vector=whole.vector)
    return whole


async def _parts(understood: Understood, turn_input: TurnInput, deps: TurnDeps) -> list[Retrieved]:
    """What was found for each question of a message that asks several; each after the ones before it."""
    found, earlier = [], [*turn_input.earlier]
    for part in several_questions(turn_input.question):
        earlier += [Said("visitor", part.told)] if part.told else []
        found.append(await _search(understood, replace(turn_input, question=part.question, earlier=earlier), deps))
        earlier = [*earlier, Said("visitor", part.question)]
    return found


def _first(part: Retrieved) -> str:
    return part.candidates[0].hit.article.article_id


def _left_open(found: Sequence[Retrieved], parts: Sequence[Retrieved]) -> Sequence[str]:
    """The questions for which nothing was found."""
    return [part.reading.text for part in parts if part not in found]


def _together(whole: Retrieved, parts: Sequence[Retrieved], asked: Sequence[Retrieved]) -> Retrieved:
    """The message with what was found for each of its questions: the best of each first, then the others."""
    first_ids = [_first(part) for part in parts]
    hits = [hit for part in parts for hit in part.hits if hit.article.article_id == _first(part)]
    hits += [hit for hit in whole.hits if hit.article.article_id not in first_ids]
    return replace(
        whole,
        hits=hits,
        candidates=[part.candidates[0] for part in parts],
        useful=min(part.useful for part in parts),
        alternatives=(),
        parts=parts,
        left_open=_left_open(parts, asked),
    )


async def _search(understood: Understood, turn_input: TurnInput, deps: TurnDeps) -> Retrieved:
    """What was found for one question."""
    question, earlier = _searched(understood, turn_input)
    retrieved = await retrieve_passages(
        question,
        earlier,
        turn_input.audience,
        deps.snapshot,
        deps.encode,
        limit=RANKED_ARTICLES,
        pool=deps.pool,
        cache=deps.cache,
    )
    hits, named = _named_first(retrieved.hits, turn_input.question, understood.chosen)
    hits = affirmed_first(hits, question)
    rejected = NOTHING_REJECTED if named else turn_input.rejected
    best = [_untold(hit, hits, rejected) for hit in best_passages(hits)]
    scored = candidates(best, deps.calibration, CANDIDATES + len(rejected.articles))
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
        denies=bool(hits) and denies(hits[0], question),
        rejected=rejected,
        vector=retrieved.vector if question == turn_input.question else None,
    )


def _untold(best: Hit, hits: Sequence[Hit], rejected: Rejected) -> Hit:
    """The best hit of the article of `best` that stands in no rejected section, or `best` where all do."""
    of_article = (hit for hit in hits if hit.article.article_id == best.article.article_id)
    return next((hit for hit in of_article if section_of(hit) not in rejected.sections), best)


def _searched(understood: Understood, turn_input: TurnInput) -> tuple[str, Sequence[Said]]:
    """What is searched for, and what was said before it.

    Who chooses an article wants of it what they asked before, and who says that a reply did not help still asks that,
    together with what they tell of it.
    """
    before = request_before(turn_input.earlier)
    if before is None:
        return turn_input.question, turn_input.earlier
    asked, context = before
    complains = bool(turn_input.rejected) and rejects(turn_input.question)
    if understood.tells or (complains and not complains_alone(turn_input.question)):
        return f"{asked}\n{turn_input.question}", context
    if understood.chosen is not None or understood.declines or complains:
        return asked, context
    return turn_input.question, turn_input.earlier


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
