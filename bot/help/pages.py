"""The HTTP endpoints of the help centre: all articles, what a search found, one article."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment
from starlette.concurrency import run_in_threadpool

from bot.answer import Encode, retrieve_passages
from bot.help.assets import Asset, templates
from bot.help.body import render
from bot.help.closest import closest_match
from bot.help.library import HOME, HelpResult, ReadableArticles
from bot.static import READING, names, static_routes
from retrieval.articles import Article, Audience
from retrieval.errors import EncoderBusy
from retrieval.index import Snapshot
from retrieval.search import Hit

EVERYONE = Audience("default")
MAX_QUERY_CHARS = 200  # longer than any question to a search field; bounds the work that a stranger makes
SHOWN_RESULTS = 12
RELATED = 3
RETRY_S = 5  # when the encoder is overrun; its queue holds about a second of work

# A page needs its style sheet, two scripts and the chat's socket, and nothing else in the world.
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",  # a browser may keep a page, and asks each time whether it still holds
}


def routes(snapshot: Callable[[], Snapshot], encode: Encode, *, audience: Audience = EVERYONE) -> APIRouter:
    """`/help`, `/help?q=` and `/help/<article id>`: what `audience` may read of the current snapshot.

    `encode` is that of the snapshot's encoder. Reads templates and static files: call it once per process.
    """
    style = Asset.read("help.css")
    script = Asset.read("help.js")
    environment = templates(style=style, script=script, max_query_chars=MAX_QUERY_CHARS)
    pages = HelpCentre(snapshot, encode, audience, environment)
    router = static_routes({asset.path: asset.content for asset in (style, script)})
    router.add_api_route(HOME, pages.everything, methods=list(READING))
    router.add_api_route(f"{HOME}/{{article_id:path}}", pages.article, methods=list(READING))
    return router


class HelpCentre:
    """The request handlers of the help centre."""

    def __init__(
        self, snapshot: Callable[[], Snapshot], encode: Encode, audience: Audience, environment: Environment
    ) -> None:
        self._snapshot = snapshot
        self._encode = encode
        self._audience = audience
        self._templates = environment
        self._readable: ReadableArticles | None = None
        self._process = secrets.token_hex(8)  # another process may be another version, whose pages differ

    async def everything(self, request: Request, q: str = "") -> Response:
        """All articles by category; with `q`, those that a search finds."""
        readable = self._current()
        tag = self._tag(readable)
        if names(request, tag):
            return _unchanged(tag)
        query = " ".join(q[:MAX_QUERY_CHARS].split())
        if query:
            return await self._results(readable, query, tag)
        return self._page("everything.html", tag, shelves=readable.shelves(), total=len(readable.articles))

    async def article(self, request: Request, article_id: str) -> Response:
        """One article; one that may not be read is answered exactly like one that does not exist."""
        readable = self._current()
        article = readable.articles.get(article_id)
        if article is None:
            return self._answer("missing.html", 404, {})
        tag = self._tag(readable)
        if names(request, tag):
            return _unchanged(tag)
        body = await run_in_threadpool(render, article, lambda href: readable.resolve(href, article))
        return self._page(
            "article.html",
            tag,
            article=article,
            body=body,
            shelf=readable.shelf_of(article),
            updated=_day(article.updated),
            related=await self._related(readable, article),
        )

    def _current(self) -> ReadableArticles:
        snapshot = self._snapshot()
        if self._readable is None or self._readable.snapshot is not snapshot:
            self._readable = ReadableArticles.of(snapshot, self._audience)
        return self._readable

    async def _search(self, readable: ReadableArticles, query: str, limit: int) -> list[Hit]:
        result = await retrieve_passages(query, (), readable.audience, readable.snapshot, self._encode, limit=limit)
        return readable.relevant(result.hits)

    async def _results(self, readable: ReadableArticles, query: str, tag: str) -> Response:
        try:
            hits = await self._search(readable, query, SHOWN_RESULTS)
        except EncoderBusy:
            return self._answer("busy.html", 503, {"Retry-After": str(RETRY_S)}, query=query)
        closest = await run_in_threadpool(closest_match, hits, query, readable)
        return self._page("results.html", tag, query=query, closest=closest, others=readable.results(hits)[1:])

    async def _related(self, readable: ReadableArticles, article: Article) -> list[HelpResult]:
        """The articles that a search for this one's title finds besides it."""
        try:
            hits = await self._search(readable, article.title, RELATED + 1)
        except EncoderBusy:
            return []  # the article is what the reader came for
        return [other for other in readable.results(hits) if other.article.article_id != article.article_id][:RELATED]

    def _page(self, template: str, tag: str, **shown: object) -> Response:
        return self._answer(template, 200, {"ETag": tag}, **shown)

    def _answer(self, template: str, status_code: int, headers: Mapping[str, str], **shown: object) -> Response:
        content = self._templates.get_template(template).render(shown)
        return HTMLResponse(content, status_code, SECURITY | dict(headers))

    def _tag(self, readable: ReadableArticles) -> str:
        state = f"{self._process} {readable.snapshot.kb_version}"
        return f'"{hashlib.sha256(state.encode()).hexdigest()[:32]}"'


def _unchanged(tag: str) -> Response:
    return Response(status_code=304, headers=SECURITY | {"ETag": tag})


def _day(updated: str | None) -> str | None:
    """`31 January 2026`."""
    if updated is None:
        return None
    day = datetime.fromisoformat(updated)
    return f"{day.day} {day:%B %Y}"
