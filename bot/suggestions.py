"""Articles that may help an agent with the conversation before them; internal ones too."""

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


def suggester(store: Store, knows: Callable[[], TurnDeps]) -> Callable[[str], Awaitable[list[Suggestion]]]:
    """A function from a conversation's id to the articles found for what its visitor last asked."""

    async def suggest(conversation_id: str) -> list[Suggestion]:
        now = await store.conversation(conversation_id)
        if now is None:
            return []
        events = await store.events(conversation_id, after=max(0, now.seq - EVENTS_BACK))
        said = list(transcript_of(events))
        asked = [at for at, one in enumerate(said) if one.role == "visitor" and _is_question(one.text, said[:at])]
        if not asked:
            return []
        known = knows()
        audience = Audience(now.site_id, now.locale, internal=True)
        question, earlier = said[asked[-1]].text, said[: asked[-1]]
        found = await retrieve_passages(
            question, earlier, audience, known.snapshot, known.encode, limit=SUGGESTIONS, pool=known.pool
        )
        return [_suggestion(hit, found.reading.text, known) for hit in best_passages(found.hits)]

    return suggest


def _is_question(text: str, earlier: Sequence[Said]) -> bool:
    return understand(text, earlier).intent == "question"


def _suggestion(hit: Hit, question: str, knows: TurnDeps) -> Suggestion:
    found = extract([hit], question, knows.snapshot, knows.base_url)
    return Suggestion(title=hit.article.title, url=url_of(found.hit, knows.base_url), text=found.text, score=hit.score)
