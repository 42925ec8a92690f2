"""The web application: sockets, pages and probes, composed from the houses' own routes."""

from collections.abc import Awaitable, Callable
from secrets import compare_digest

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp

from bot.assembly.compose import Application, is_ready
from bot.help import routes as help_routes
from bot.server.websocket import Draining, WebSocketEndpoint
from bot.static import StaticFile, static_routes
from bot.suggestions import suggester
from handoff.api import install_problem_handlers
from handoff.api import router as agent_routes
from widget import DEMO_CSP, Bundle, bundle, demo_css, demo_page

A_MINUTE = "public, max-age=60"  # so long a page may go on with yesterday's script
ANYWHERE = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


def create_app(house: Application, doors: Draining) -> ASGIApp:
    """The application around running parts; it starts and stops nothing itself."""
    return WebSocketEndpoint(house, doors, _pages(house, doors))


def _pages(house: Application, doors: Draining) -> FastAPI:
    app = FastAPI(title="Handrail", docs_url=None, redoc_url=None, openapi_url=None)
    install_problem_handlers(app)
    app.middleware("http")(_harden)
    app.include_router(_widget_routes(bundle()))
    app.include_router(_probe_routes(house, doors))
    suggest = suggester(house.publisher.store, house.responder.knows)
    app.include_router(agent_routes(house.desk, house.accounts, suggest, house.counter.limits.count))
    app.include_router(house.console.routes)
    app.include_router(help_routes(lambda: house.knowledge.snapshot, house.batcher.encode))
    app.include_router(static_routes(house.console.files))
    return app


async def _harden(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """What every answer carries; pages add their own Content-Security-Policy."""
    response = await call_next(request)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


def _widget_routes(script: Bundle) -> APIRouter:
    """The script may be embedded anywhere: it holds no secret, and its socket checks the origin."""
    routes = static_routes({script.path: script.source}, ANYWHERE)
    newest_file = StaticFile.of("/widget.js", script.source, ANYWHERE)

    @routes.get("/widget.js")
    async def newest(request: Request) -> Response:
        return newest_file.response(request, A_MINUTE)

    @routes.get("/demo")
    async def demo() -> Response:
        return HTMLResponse(demo_page(), headers={"Content-Security-Policy": DEMO_CSP, "Cache-Control": "no-cache"})

    @routes.get("/demo.css")
    async def demo_style() -> Response:
        return Response(demo_css(), media_type="text/css; charset=utf-8", headers={"Cache-Control": "no-cache"})

    return routes


def _probe_routes(house: Application, doors: Draining) -> APIRouter:
    routes = APIRouter()

    @routes.get("/")
    async def root() -> Response:
        return RedirectResponse("/help")

    @routes.get("/healthz")
    async def healthy() -> Response:
        return PlainTextResponse("ok\n")

    @routes.get("/readyz")
    async def ready() -> Response:
        if doors.open and await is_ready(house):
            return JSONResponse({"ready": True, "kb_version": house.knowledge.snapshot.kb_version})
        return JSONResponse({"ready": False}, status_code=503)

    @routes.get("/metrics")
    async def metrics(request: Request) -> Response:
        token = house.settings.metrics_token
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token is None or not compare_digest(given.encode(), token.get_secret_value().encode()):
            return Response(status_code=404)
        house.metrics.articles.set(len(house.knowledge.snapshot.articles))
        return Response(house.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return routes
