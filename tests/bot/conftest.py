"""Visitors, a bot and a desk over a real store: everything but the network."""

import asyncio
import json
import uuid
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import pytest

from bot.answer.confidence import Calibration
from bot.answer.policy import Policy
from bot.answer.turn_input import TurnDeps
from bot.settings.settings import Site
from bot.turns import Responder
from bot.visitor.channel import LocalChannel
from bot.visitor.desk_status import DeskStatus
from bot.visitor.identity import VisitorAuthentication
from bot.visitor.limits import Limits
from bot.visitor.session import ChatServices, ChatSession
from conversation.bus import LocalBus
from conversation.clock import ManualClock
from conversation.events import Event
from conversation.memory import MemoryStore
from conversation.ports import Store
from conversation.publisher import Publisher
from conversation.sql.sqlite import SqliteStore
from conversation.values import Agent
from handoff.desk import Desk
from handoff.presence import Attendance
from retrieval.articles.article import parse
from retrieval.index.builder import build
from retrieval.index.snapshot import Snapshot
from retrieval.model.encoder import HashingEncoder

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PATIENCE_S = 5.0  # a frame that has not come by then does not come; passing tests never wait for it
SECRET = "0123456789abcdef0123456789abcdef"
SITES = {
    "default": Site(),
    "shop": Site(allowed_origins=("https://shop.example",), identity_secret=SECRET),
}
ARTICLES = {
    "refunds": "# Refunds\n\nA refund takes five days to reach your bank account.\n",
    "passwords": "# Passwords\n\nReset a forgotten password from the sign-in page.\n",
    "invoices": "# Invoices\n\nDownload every invoice as a PDF under Billing.\n",
}
KNOWN = "How many days does a refund take to reach my bank account?"
UNKNOWN = "Do zebras whistle while juggling violins at night?"
CLEANING = "How do I clean the filter with water?"


def dozen() -> dict[str, str]:
    """Twelve articles that are as likely to answer `CLEANING`, each about a device of its own."""
    names = ("amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "heath", "inlet", "jade", "kelp", "lagoon")
    texts = (
        f"# The {name}\n\nClean the filter with water. {' '.join(f'{name}{n}' for n in range(9))}.\n" for name in names
    )
    return {f"{name}.md": text for name, text in zip(names, texts, strict=True)}


@pytest.fixture(scope="session")
def snapshot() -> Snapshot:
    articles = [parse(text, path=f"{name}.md") for name, text in ARTICLES.items()]
    return build(articles, HashingEncoder())


class Mind:
    """The bot's encoder: it can be held up in the middle of a turn, and it can fail."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self.failure: Exception | None = None
        self._thinking = asyncio.Event()
        self._free = asyncio.Event()
        self._free.set()
        self._encoder = HashingEncoder()

    def hold(self) -> None:
        self._free.clear()
        self._thinking.clear()

    async def thinking(self) -> None:
        """Until a turn has got as far as being held up."""
        async with asyncio.timeout(PATIENCE_S):
            await self._thinking.wait()

    def release(self) -> None:
        self._free.set()

    async def encode(self, text: str):
        self.queries.append(text)
        self._thinking.set()
        await self._free.wait()
        if self.failure is not None:
            raise self.failure
        return self._encoder.encode([text])[0]


class Line(Protocol):
    """The visitor's end of a channel or socket."""

    async def put(self, text: str) -> None: ...

    async def get(self) -> str | None: ...

    async def hang_up(self) -> None: ...

    @property
    def closed(self) -> tuple[int, str] | None: ...


@dataclass
class LocalLine:
    """A line within the process."""

    channel: LocalChannel
    serving: asyncio.Task[None]

    async def put(self, text: str) -> None:
        self.channel.say(text)

    async def get(self) -> str | None:
        return await self.channel.heard.get()

    async def hang_up(self) -> None:
        self.channel.say(None)
        await self.serving

    @property
    def closed(self) -> tuple[int, str] | None:
        return self.channel.closed


@dataclass
class Guest:
    """A visitor: sends frames, and keeps every frame that came, in order."""

    line: Line
    heard: list[dict] = field(default_factory=list)

    async def send(self, kind: str, /, **fields) -> None:
        await self.line.put(json.dumps({"type": kind, **fields}, ensure_ascii=False))

    async def command(self, kind: str, client_id: str | None = None, **fields) -> str:
        client_id = client_id or str(uuid.uuid4())
        await self.send(kind, client_id=client_id, **fields)
        return client_id

    async def say(self, text: str, client_id: str | None = None) -> str:
        return await self.command("say", client_id, text=text)

    async def frame(self) -> dict:
        async with asyncio.timeout(PATIENCE_S):
            text = await self.line.get()
        assert text is not None, f"the line was closed: {self.line.closed}"
        self.heard.append(json.loads(text))
        return self.heard[-1]

    async def until(self, kind: str, /, **fields) -> dict:
        """The next frame of that type with those fields; what comes before it stays in `heard`."""
        wanted = {"type": kind, **fields}
        while True:
            frame = await self.frame()
            if wanted.items() <= frame.items():
                return frame

    async def hello(self, **fields) -> dict:
        await self.send("hello", protocol=1, **fields)
        return await self.until("welcome")

    async def ask(self, text: str) -> dict:
        """The bot's reply to `text`."""
        client_id = await self.say(text)
        said = await self.until("event", client_id=client_id)
        while True:
            reply = await self.until("event", kind="bot_said")
            if said["seq"] in reply["answers"]:
                return reply

    async def settled(self) -> list[dict]:
        """All that was still under way: frames, events, and the welcome of a conversation begun elsewhere."""
        before = len(self.heard)
        for _ in range(3):  # each pong comes after what was to be sent when its ping came
            await self.send("ping")
            await self.until("pong")
        return [frame for frame in self.heard[before:] if frame["type"] != "pong"]

    async def closed(self) -> int:
        """The close code, after whatever came before it."""
        async with asyncio.timeout(PATIENCE_S):
            while (text := await self.line.get()) is not None:
                self.heard.append(json.loads(text))
        assert self.line.closed is not None
        return self.line.closed[0]

    def events(self) -> list[dict]:
        """The events that moved the cursor, since the last welcome."""
        welcomed = max((n for n, frame in enumerate(self.heard) if frame["type"] == "welcome"), default=0)
        return [frame for frame in self.heard[welcomed:] if frame["type"] == "event" and not frame.get("again")]


@dataclass
class Lobby:
    """The parts of a server that visitors meet, and those who stand behind it."""

    clock: ManualClock
    store: Store
    publisher: Publisher
    desk: Desk
    mind: Mind
    responder: Responder
    services: ChatServices
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Let the bot answer; before that it would leave what it is given to whoever adopts it."""
        self.tasks.append(asyncio.create_task(self.responder.run()))
        self.tasks.append(asyncio.create_task(self.services.desk_status.run()))
        await asyncio.sleep(0)

    async def idle(self) -> None:
        """Until the bot owes nothing that it has been given."""
        async with asyncio.timeout(PATIENCE_S):
            await self.responder.idle()

    def arrive(self, *, address: str = "192.0.2.1", origin: str | None = None) -> Guest:
        channel = LocalChannel(address, origin)
        serving = asyncio.create_task(ChatSession(channel, self.services, "https://help.example").serve())
        self.tasks.append(serving)
        return Guest(LocalLine(channel, serving))

    async def agent(self, name: str = "Ana", capacity: int = 5) -> Agent:
        """An agent who is at the desk; ManualClock lets them stay."""
        agent = Agent(name.lower(), f"{name.lower()}@help.example", name, capacity=capacity)
        await self.store.add_agent(agent, None)
        await self.desk.attendance.announce(agent, "online")
        return agent

    async def log(self, conversation_id: str) -> tuple[Event, ...]:
        return await self.store.events(conversation_id)

    async def kinds(self, conversation_id: str) -> list[str]:
        return [event.kind for event in await self.log(conversation_id)]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        results = await asyncio.gather(*self.tasks, return_exceptions=True)
        crashes = [r for r in results if isinstance(r, Exception) and not isinstance(r, asyncio.CancelledError)]
        assert not crashes, crashes


def lobby_over(
    store: Store, clock: ManualClock, snapshot: Snapshot, calibration: Calibration, *, limited: bool = False
) -> Lobby:
    mind = Mind()
    publisher = Publisher(store, LocalBus(), clock)
    desk = Desk(publisher, Attendance(store, clock))
    responder = Responder(publisher, desk, lambda: TurnDeps(snapshot, mind.encode, calibration=calibration), Policy())
    authentication = VisitorAuthentication(SITES, store, clock)
    services = ChatServices(
        publisher, desk, responder, DeskStatus(desk, clock), authentication, Limits(enabled=limited), 24.0
    )
    return Lobby(clock, store, publisher, desk, mind, responder, services)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, clock):
    if request.param == "memory":
        opened: Store = MemoryStore(worker="here", clock=clock)
    else:
        opened = await SqliteStore.open(request.getfixturevalue("new_sqlite"), worker="here")
    yield opened
    await opened.close()


@pytest.fixture
async def quiet_lobby(store, clock, snapshot, hashed):
    """A lobby whose bot does not answer."""
    lobby = lobby_over(store, clock, snapshot, hashed)
    yield lobby
    await lobby.stop()


@pytest.fixture
async def lobby(quiet_lobby):
    """A lobby whose bot answers."""
    await quiet_lobby.start()
    return quiet_lobby


@pytest.fixture
async def strict_lobby(store, clock, snapshot, hashed):
    """A lobby with rate limits, whose bot does not answer."""
    lobby = lobby_over(store, clock, snapshot, hashed, limited=True)
    yield lobby
    await lobby.stop()


@pytest.fixture(scope="session")
def memory_lobby(snapshot, hashed) -> Callable[[], object]:
    """Opens a lobby over a store in memory, for tests that need many."""

    @asynccontextmanager
    async def opened():
        clock = ManualClock(NOON)
        lobby = lobby_over(MemoryStore(worker="here", clock=clock), clock, snapshot, hashed)
        await lobby.start()
        try:
            yield lobby
        finally:
            await lobby.stop()

    return opened


@pytest.fixture(scope="session")
def guest_on() -> Callable[[Line], Guest]:
    """A guest at the end of any line."""
    return Guest


@pytest.fixture
def known() -> str:
    """A question that the articles answer."""
    return KNOWN


@pytest.fixture
def unknown() -> str:
    """A question that no article answers."""
    return UNKNOWN
