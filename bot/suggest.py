"""Articles that may help an agent with the conversation before them; internal ones too."""

from collections.abc import Awaitable, Callable

from bot.cite import url_of
from bot.reply.extractive import extract
from bot.turn import Knows
from bot.understand import understand
from conversation.events import VisitorSaid
from conversation.ports import Store
from handoff.api import Suggestion
from retrieval.index import Audience, Hit, Query, best_passages, search

SUGGESTIONS = 3  # what fits beside a transcript
EVENTS_BACK = 20


def suggester(store: Store, knows: Callable[[], Knows]) -> Callable[[str], Awaitable[list[Suggestion]]]:
    """A function from a conversation's id to the articles found for what its visitor last asked."""

    async def suggest(conversation_id: str) -> list[Suggestion]:
        now = await store.conversation(conversation_id)
        if now is None:
            return []
        events = await store.events(conversation_id, after=max(0, now.seq - EVENTS_BACK))
        said = [event.payload.text for event in events if isinstance(event.payload, VisitorSaid)]
        said = [text for text in said if understand(text, ()).intent == "question"]
        if not said:
            return []
        known = knows()
        audience = Audience(now.site_id, now.locale, internal=True)
        embedding = await known.encode(said[-1])
        hits = search(known.snapshot, Query(said[-1], embedding), audience, SUGGESTIONS)
        return [_suggestion(hit, said[-1], known) for hit in best_passages(hits)]

    return suggest


def _suggestion(hit: Hit, question: str, knows: Knows) -> Suggestion:
    found = extract([hit], question, question, knows.snapshot, knows.base_url)
    return Suggestion(title=hit.article.title, url=url_of(found.hit, knows.base_url), text=found.text, score=hit.score)
