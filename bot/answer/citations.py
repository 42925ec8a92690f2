"""Citations, where a reply is from: links come from the knowledge base's own records, never from text."""

from urllib.parse import quote

from conversation.events import Citation
from retrieval.articles import plain
from retrieval.search import Hit

_IN_URLS = "%/:?#[]@!$&'*+,;=~"  # all that a URL may hold but parentheses, which would end a Markdown link

QUOTE_CHARS = 240  # a tooltip's worth


def url_of(hit: Hit, base_url: str) -> str:
    """The article's own `url` (a web address or a path of this server), else its page in the help centre; to the heading."""
    address = hit.article.url or f"/help/{quote(hit.article.article_id, safe='')}"
    page = quote(base_url + address if address.startswith("/") else address, safe=_IN_URLS)
    return f"{page}#{quote(hit.chunk.anchor)}" if hit.chunk.anchor and "#" not in page else page


def cite(hit: Hit, base_url: str, excerpt: str) -> Citation:
    """The citation of a passage; its quote is how the excerpt begins."""
    return Citation(
        article_id=hit.article.article_id,
        title=hit.article.title,
        heading=hit.chunk.heading_path[-1] if hit.chunk.heading_path else None,
        url=url_of(hit, base_url),
        quote=_quote(excerpt),
    )


def section_of(hit: Hit) -> tuple[str, str | None]:
    """The section of an article that a passage stands in, by the article's id and the heading, as `cite` names it."""
    return hit.article.article_id, hit.chunk.heading_path[-1] if hit.chunk.heading_path else None


def _quote(excerpt: str) -> str:
    words = plain(excerpt)
    return words if len(words) <= QUOTE_CHARS else words[: QUOTE_CHARS - 1].rsplit(" ", 1)[0] + "…"
