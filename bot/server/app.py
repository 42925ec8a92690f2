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


def create_app(application: Application, draining: Draining) -> ASGIApp:
    """The application around running parts; it starts and stops nothing itself."""
    return WebSocketEndpoint(application, draining, _pages(application, draining))


def _pages(application: Application, draining: Draining) -> FastAPI:
    app = FastAPI(title="Handrail", docs_url=None, redoc_url=None, openapi_url=None)
    install_problem_handlers(app)
    app.middleware("http")(_harden)
    app.include_router(_widget_routes(bundle()))
    app.include_router(_probe_routes(application, draining))
    suggest = suggester(application.publisher.store, application.responder.deps)
    app.include_router(agent_routes(application.desk, application.accounts, suggest, application.services.limits.count))
    app.include_router(application.console.routes)
    app.include_router(help_routes(lambda: application.knowledge.snapshot, application.batcher.encode))
    app.include_router(static_routes(application.console.files))
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


def _probe_routes(application: Application, draining: Draining) -> APIRouter:
    routes = APIRouter()

    @routes.get("/")
    async def root() -> Response:
        return RedirectResponse("/help")

    @routes.get("/healthz")
    async def healthy() -> Response:
        return PlainTextResponse("ok\n")

    @routes.get("/readyz")
    async def ready() -> Response:
        if draining.open and await is_ready(application):
            return JSONResponse({"ready": True, "kb_version": application.knowledge.snapshot.kb_version})
        return JSONResponse({"ready": False}, status_code=503)

    @routes.get("/metrics")
    async def metrics(request: Request) -> Response:
        token = application.settings.metrics_token
        sent_token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token is None or not compare_digest(sent_token.encode(), token.get_secret_value().encode()):
            return Response(status_code=404)
        application.metrics.articles.set(len(application.knowledge.snapshot.articles))
        return Response(application.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return routes
