"""Where a reply is from: links come from the knowledge base's own records, never from text."""

import re
from urllib.parse import quote, urlsplit

from retrieval.index import Hit

from conversation.events import Citation

QUOTE_CHARS = 240  # a tooltip's worth


def url_of(hit: Hit, base_url: str) -> str:
    """The article's own `url` where it has one, else its page in the help centre; to the heading of the passage."""
    own = hit.article.url
    page = own if own is not None and is_web_link(own) else f"{base_url}/help/{quote(hit.article.article_id, safe='')}"
    return f"{page}#{quote(hit.chunk.anchor)}" if hit.chunk.anchor and "#" not in page else page


def is_web_link(url: str) -> bool:
    """Whether a browser may follow it from a chat: http or https with a host, and nothing that breaks a Markdown link."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and re.search(r"[\s()<>\"\\]", url) is None


def cite(hit: Hit, base_url: str, excerpt: str) -> Citation:
    """The citation of a passage; its quote is how the excerpt begins."""
    return Citation(
        article_id=hit.article.article_id,
        title=hit.article.title,
        heading=hit.chunk.heading_path[-1] if hit.chunk.heading_path else None,
        url=url_of(hit, base_url),
        quote=_quote(excerpt),
    )


def _quote(excerpt: str) -> str:
    plain = " ".join(re.sub(r"[*_`#>|]|\[([^\]]*)\]\([^)]*\)", r"\1", excerpt).split())
    return plain if len(plain) <= QUOTE_CHARS else plain[: QUOTE_CHARS - 1].rsplit(" ", 1)[0] + "…"
