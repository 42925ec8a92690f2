"""The closest match of a search: what the first article says of the query, for those who need not open it."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bot.answer.reply.extractive import extract, label
from bot.help.library import ReadableArticles, address
from conversation.markup import to_html
from retrieval.articles import Article
from retrieval.search import Hit


@dataclass(frozen=True, slots=True)
class ClosestMatch:
    """An article and its passage as safe HTML, with the `label` and the address of where it stands."""

    article: Article
    label: str
    address: str
    html: Markup


def closest_match(hits: Sequence[Hit], query: str, readable: ReadableArticles) -> ClosestMatch | None:
    """The passage of the article of the best hit, as the bot would show it; None where there is no hit.

    Costs some milliseconds and no forward pass.
    """
    if not hits:
        return None
    passage = extract(hits, query, readable.snapshot, "")
    article = passage.hit.article
    where = address(article.article_id, passage.hit.chunk.anchor)
    return ClosestMatch(article, label(passage.hit), where, Markup(to_html(passage.text)))  # noqa: S704 - made by the one renderer
