"""Suggested articles for the agent who has a conversation before them; internal ones too."""

from collections.abc import Awaitable, Callable, Sequence

from bot.answer import Said, TurnDeps, retrieve_passages, transcript_of, url_of
from bot.answer.intent import understand
from bot.answer.reply.extractive import extract
from conversation.ports import Store
from handoff.api import Suggestion
from retrieval.articles import Audience
from retrieval.search import Hit, best_passages

SUGGESTIONS = 3  # what fits beside a transcript
EVENTS_BACK = 20


def suggester(store: Store, deps: Callable[[], TurnDeps]) -> Callable[[str], Awaitable[list[Suggestion]]]:
    """A function from a conversation's id to the articles found for what its visitor last asked."""

    async def suggest(conversation_id: str) -> list[Suggestion]:
        conversation = await store.conversation(conversation_id)
        if conversation is None:
            return []
        events = await store.events(conversation_id, after=max(0, conversation.seq - EVENTS_BACK))
        transcript = list(transcript_of(events))
        questions = [
            index
            for index, message in enumerate(transcript)
            if message.role == "visitor" and _is_question(message.text, transcript[:index])
        ]
        if not questions:
            return []
        turn_deps = deps()
        audience = Audience(conversation.site_id, conversation.locale, internal=True)
        question, earlier = transcript[questions[-1]].text, transcript[: questions[-1]]
        result = await retrieve_passages(
            question, earlier, audience, turn_deps.snapshot, turn_deps.encode, limit=SUGGESTIONS, pool=turn_deps.pool
        )
        return [_suggestion(hit, result.reading.text, turn_deps) for hit in best_passages(result.hits)]

    return suggest


def _is_question(text: str, earlier: Sequence[Said]) -> bool:
    return understand(text, earlier).intent == "question"


def _suggestion(hit: Hit, question: str, deps: TurnDeps) -> Suggestion:
    extraction = extract([hit], question, deps.snapshot, deps.base_url)
    return Suggestion(
        title=hit.article.title, url=url_of(extraction.hit, deps.base_url), text=extraction.text, score=hit.score
    )
