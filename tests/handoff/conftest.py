"""A desk over the memory store, with a real FastAPI app around it."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from bot.static import static_routes
from bot.visitor.limits import Limits
from conversation.bus import LocalBus
from conversation.clock import ManualClock
from conversation.events import Author, BotSaid, Event, HandoffRequested, Opened, Payload, VisitorSaid
from conversation.memory import MemoryStore
from conversation.publisher import Publisher
from conversation.values import Agent, Draft, Role, Visitor
from handoff.accounts.accounts import Accounts
from handoff.api import endpoints
from handoff.api.problems import install_problem_handlers
from handoff.console import Console
from handoff.desk import Desk
from handoff.presence import Attendance
from widget.delivery import modules

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"


@dataclass
class Office:
    """Everything behind the door, and visitors to fill it."""

    clock: ManualClock
    store: MemoryStore
    bus: LocalBus
    publisher: Publisher
    accounts: Accounts
    desk: Desk
    suggestions: list[endpoints.Suggestion]

    async def agent(self, name: str = "Ana", role: Role = "agent", capacity: int = 5) -> Agent:
        added = await self.accounts.add(email=f"{name.lower()}@example.com", name=name, role=role)
        return await self.accounts.set_capacity(added, capacity)

    async def token(self, agent: Agent) -> dict[str, str]:
        return {"Authorization": f"Bearer {await self.accounts.bearer_token(agent.email)}"}

    async def open(self, *said: str, visitor_id: str | None = None, waiting: bool = False) -> str:
        """A conversation in which the visitor said so, waiting for a person or with the bot."""
        conversation_id = uuid.uuid4().hex
        visitor_id = visitor_id or uuid.uuid4().hex
        who = Author("visitor", None, visitor_id)
        await self.append(conversation_id, (who, Opened()), *((who, VisitorSaid(text)) for text in said))
        if waiting:
            await self.append(conversation_id, (Author("bot"), HandoffRequested("visitor_asked", "a person, please")))
        return conversation_id

    async def append(self, conversation_id: str, *parts: tuple[Author, Payload]) -> tuple[Event, ...]:
        visitor_id = next((by.id for by, _ in parts if by.kind == "visitor"), "") or ""
        visitor = Visitor(visitor_id, "default", visitor_id.encode(), NOON + timedelta(days=90))
        drafts = tuple(Draft(by, payload) for by, payload in parts)
        appended = await self.publisher.append(conversation_id, lambda _: drafts, visitor=visitor)
        return appended.events

    async def bot_says(self, conversation_id: str, text: str, answers: tuple[int, ...] = ()) -> None:
        await self.append(conversation_id, (Author("bot"), BotSaid(text, "answer", answers)))

    async def suggest(self, conversation_id: str) -> Sequence[endpoints.Suggestion]:
        return self.suggestions


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords that cost microseconds, for tests of everything around them."""
    monkeypatch.setattr("handoff.accounts.passwords.MEMORY_KIB", 64)
    monkeypatch.setattr("handoff.accounts.passwords.PASSES", 1)


@pytest.fixture
def office(cheap_hashes: None) -> Office:
    clock = ManualClock(NOON)
    store = MemoryStore(clock=clock)
    publisher = Publisher(store, LocalBus(), clock)
    accounts = Accounts(store, clock)
    desk = Desk(publisher, Attendance(store, clock))
    return Office(clock, store, publisher.bus, publisher, accounts, desk, [])


@pytest.fixture
def app(office: Office, console: Console) -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)
    app.include_router(
        endpoints.router(office.desk, office.accounts, office.suggest, Limits(monotonic=office.clock.monotonic).count)
    )
    app.include_router(console.routes)
    app.include_router(static_routes(console.files))
    return app


@pytest.fixture
def console(office: Office) -> Console:
    return Console(office.desk, office.accounts, modules("dom.js", "markdown.js"))


class AnnouncedServer(uvicorn.Server):
    """A server that says when it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@pytest.fixture
async def server(app: FastAPI) -> AsyncIterator[str]:
    """The app behind a real uvicorn on loopback; the address without a scheme."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, ws="websockets-sansio", ws_max_size=64 * 1024, log_level="error", lifespan="off")
    serving = AnnouncedServer(config)
    task = asyncio.create_task(serving.serve(sockets=[listening]))
    await serving.ready.wait()
    yield f"127.0.0.1:{listening.getsockname()[1]}"
    serving.should_exit = True
    await task


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as client:
        yield client


@pytest.fixture
def at_once():
    return asyncio.gather
