"""Agent console (inbox): its pages, its files and its socket."""

from collections.abc import Mapping

from fastapi import APIRouter, WebSocket

from handoff.accounts import Accounts, RequestAuthentication
from handoff.console.pages import add_pages, read_files
from handoff.console.socket import DeskSockets
from handoff.desk import Desk

__all__ = ["Console"]


class Console:
    """The console as the app includes it (`routes`), serves (`files`, by path) and asks before it stops (`drain`)."""

    def __init__(self, desk: Desk, accounts: Accounts, drawing: Mapping[str, bytes]) -> None:
        """`drawing`: the ES modules, by file name, that draw a bot's reply in the visitor's window."""
        authentication = RequestAuthentication(accounts, desk.attendance)
        self._sockets = DeskSockets(desk, authentication)
        self.routes = APIRouter()
        self.routes.add_api_websocket_route("/v1/desk", self._serve)
        files = read_files(drawing)
        self.files = files.by_path
        add_pages(self.routes, authentication, files, raise_every_s=desk.raise_every_s)

    async def _serve(self, websocket: WebSocket) -> None:
        await self._sockets.serve(websocket)

    async def drain(self, *, within_s: float) -> None:
        """Ask every console to connect anew (1012), spread over `within_s`."""
        await self._sockets.drain(within_s=within_s)
