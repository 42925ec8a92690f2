"""The console's pages and files: three templates, and ES modules under an address that changes with their content.

Whoever composes the server serves the files. Bot replies are drawn by the widget's modules, which are handed in.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from handoff.accounts import Issued, RequestAuthentication, from_own_page, give_cookie
from handoff.errors import CsrfRefused, LoginLinkSpent, NotSignedIn
from handoff.serialisers import agent_form

HERE: Final = Path(__file__).parent
SUFFIXES: Final = frozenset({".js", ".css", ".svg"})
DRAWING: Final = "widget"  # below it the console's modules find those that draw a bot's reply
MAX_TOKEN_CHARS = 200
PAGE_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    # `no-referrer` would turn the Origin of our own forms into `null`
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Files:
    """Static files by path. All stand below `address`, which has their digest, as modules import their neighbours."""

    address: str
    by_path: Mapping[str, bytes]


def read_files(drawing: Mapping[str, bytes]) -> Files:
    """The console's own files, and the modules `drawing` by name in a folder of their own. Call it once per process."""
    console_files = {
        path.name: path.read_bytes() for path in sorted((HERE / "static").iterdir()) if path.suffix in SUFFIXES
    }
    files = console_files | {f"{DRAWING}/{name}": content for name, content in sorted(drawing.items())}
    contents = b"".join(name.encode() + b"\0" + content for name, content in files.items())
    address = f"/console/static/{hashlib.sha256(contents).hexdigest()[:16]}"
    return Files(address, {f"{address}/{name}": content for name, content in files.items()})


class Templates:
    """HTML templates of the pages; every value is escaped, and one that is missing is an error."""

    def __init__(self, files: Files) -> None:
        loader = FileSystemLoader(HERE / "templates")
        self._pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
        self._pages.globals["static"] = files.address

    def page(self, name: str, status: int = 200, **values: object) -> HTMLResponse:
        """The page `name`.html with `values`."""
        return HTMLResponse(self._pages.get_template(f"{name}.html").render(values), status, headers=PAGE_HEADERS)


def add_pages(routes: APIRouter, authentication: RequestAuthentication, files: Files, *, raise_every_s: float) -> None:
    """The console at `/console`, and the one-time login link. Its queue is sorted as by `routing.queue_order`."""
    templates = Templates(files)

    @routes.get("/console", include_in_schema=False)
    async def console(request: Request) -> Response:
        """The console, or the way in."""
        try:
            who = await authentication.by_cookie(request)
        except NotSignedIn:
            return templates.page("sign_in")
        await authentication.attendance.renew(who.agent)
        agent = agent_form(who.agent)
        return templates.page("console", agent=agent, csrf=who.credential.csrf, raise_every_s=raise_every_s)

    _add_login_link(routes, authentication, templates)


def _add_login_link(routes: APIRouter, authentication: RequestAuthentication, templates: Templates) -> None:
    @routes.get("/console/login", include_in_schema=False)
    async def ask(token: str = "") -> Response:
        """Who the link signs in; only the button spends it, for mail programs open links too."""
        try:
            agent = await authentication.accounts.login_link_owner(token)
        except LoginLinkSpent:
            return templates.page("link_spent", 410)
        return templates.page("login_link", agent=agent_form(agent), token=token)

    @routes.post("/console/login", include_in_schema=False)
    async def spend(request: Request, token: Annotated[str, Form(max_length=MAX_TOKEN_CHARS)]) -> Response:
        """Sign in by link. Another site's form cannot: it would make the visitor work under a stranger's name."""
        if not from_own_page(request):
            raise CsrfRefused
        try:
            issued = await authentication.accounts.spend_login_link(token)
        except LoginLinkSpent:
            return templates.page("link_spent", 410)
        return await _welcome(request, authentication, issued)


async def _welcome(request: Request, authentication: RequestAuthentication, issued: Issued) -> Response:
    await authentication.attendance.announce(issued.agent, "online")
    response = RedirectResponse("/console", status_code=303)
    give_cookie(request, response, issued)
    return response
