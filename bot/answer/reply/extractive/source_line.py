"""The sentence that closes a reply made of an article: where it is from, with a link to the heading."""

from bot.answer.citations import url_of
from bot.answer.reply.catalogue import Catalogue
from bot.answer.reply.extractive.chat_inline import escaped
from retrieval.search import Hit


def sentence(hit: Hit, base_url: str, phrases: Catalogue, *, more: bool) -> str:
    """Names article and heading of `hit`; `more` says that the article goes on where the reply ends."""
    return phrases.source_line(f"[{escaped(label(hit))}]({url_of(hit, base_url)})", more=more)


def label(hit: Hit) -> str:
    """`Refunds › When the money arrives`, for the reader."""
    heading = hit.chunk.heading_path[-1] if hit.chunk.heading_path else hit.article.title
    return (
        hit.article.title if heading.casefold() == hit.article.title.casefold() else f"{hit.article.title} › {heading}"
    )
