"""Consistency audit: visitors and agents who keep their own books, and an audit that compares these with what is stored.

    python -m bench.consistency_audit --url http://127.0.0.1:8000 --token TOKEN --chats 100 --says 5

runs against any servers (`--url` may be repeated; they share a database), with the bearer token of an agent
(`handrail agent token EMAIL`). Every visitor notes what was sent, acknowledged and heard, reconnects with resume and
sends again what was not acknowledged; every tenth asks for a person in the end. Agents claim, reply and close, and note
what was acknowledged to them. Faults are whatever the books and the stored conversations disagree on.
"""

import argparse
import asyncio
import random
import statistics
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from bot.visitor.protocol import BAD_TOKEN
from eval.metrics.printing import percentile
from tests.harness.visitor import SocketVisitor, visit

RECONNECT_S = 0.2
PATIENCE_S = 30.0  # a line on which nothing comes for so long is given up, as the widget does
REQUEST_S = 10.0
AGENTS_LOOK_EVERY_S = 0.2
SERVED_AT_ONCE = 10
CALLS_EVERY = 10  # visitors, one of whom ends with a person
LOST = (ConnectionClosed, InvalidHandshake, InvalidMessage, OSError, TimeoutError, EOFError)

EventJson = dict[str, Any]  # an event as JSON
Addresses = Callable[[], Sequence[str]]  # where servers are now, such as http://127.0.0.1:8000

QUESTIONS = ("How do I embed the widget?", "What is front matter?", "how do I back up", "take over a chat", "Hello!")


@dataclass(slots=True)
class Book:
    """One visitor's own record.

    `heard` is every event by number, `answered` the numbers that replies of the bot name, `acknowledged` maps client_id
    to (seq, event_id).
    """

    to_say: Sequence[tuple[str, str]]
    calls: bool = False
    think_s: float = 0.0
    token: str | None = None
    conversation_id: str | None = None
    heard: dict[int, EventJson] = field(default_factory=dict)
    acknowledged: dict[str, tuple[int, str]] = field(default_factory=dict)
    answered: set[int] = field(default_factory=set)
    began: dict[str, float] = field(default_factory=dict)
    waited_s: list[float] = field(default_factory=list)  # for replies of the bot
    waited_for_person_s: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def cursor(self) -> int:
        """The last number heard."""
        return max(self.heard, default=0)

    @property
    def is_done(self) -> bool:
        """Whether everything was said and settled, and a person who was called for has come and gone."""
        return all(self.settled(client_id) for client_id, _ in self.to_say) and (not self.calls or _is_closed(self))

    def settled(self, client_id: str) -> bool:
        """Whether what was said is acknowledged, and answered by the bot or in a person's hands."""
        if client_id not in self.acknowledged:
            return False
        seq = self.acknowledged[client_id][0]
        later = (event for event in self.heard.values() if event["seq"] > seq)
        return self.is_answered(client_id) or any(event["kind"] == "closed" for event in later)

    def is_answered(self, client_id: str) -> bool:
        """Whether the bot has answered what was said."""
        return client_id in self.acknowledged and self.acknowledged[client_id][0] in self.answered

    def note(self, event: EventJson) -> None:
        """Write an event down; a repetition must be the same event and a live one the next in number."""
        seq, event_id = int(event["seq"]), str(event["event_id"])
        if "client_id" in event:
            earlier = self.acknowledged.setdefault(str(event["client_id"]), (seq, event_id))
            if earlier != (seq, event_id):
                self.faults.append(f"client_id {event['client_id']} stands at {earlier} and at {(seq, event_id)}")
        if event.get("again"):
            return
        if seq != self.cursor + 1:
            self.faults.append(f"number {seq} came after {self.cursor}")
        self.heard[seq] = event
        self.answered.update(event.get("answers", ()))


def books(chats: int, says: int, think_s: float = 0.0) -> list[Book]:
    """A book for every visitor: so many things to say, and every tenth wants a person in the end.

    `think_s` is how long they think before each of them, on average.
    """
    return [
        Book([(str(uuid.uuid4()), random.choice(QUESTIONS)) for _ in range(says)], number % CALLS_EVERY == 0, think_s)
        for number in range(chats)
    ]


async def talk(book: Book, addresses: Addresses) -> None:
    """Say everything in the book, one thing after the other, over as many sockets as it takes."""
    call = str(uuid.uuid4())
    await _until_done(book, lambda: _say_all(book, addresses, call))


async def catch_up(book: Book, addresses: Addresses) -> None:
    """Come back once more and hear what came after one had left."""
    await _until_done(book, lambda: _hear_all(book, addresses))


async def _until_done(book: Book, attempt: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await attempt()
        except LOST as lost:
            if isinstance(lost, ConnectionClosed) and lost.rcvd is not None and lost.rcvd.code == BAD_TOKEN:
                book.token = None  # nothing of this visitor was stored
            await asyncio.sleep(RECONNECT_S * random.uniform(0.5, 1.5))
        else:
            return


@asynccontextmanager
async def line(book: Book, addresses: Addresses) -> AsyncIterator[SocketVisitor]:
    """A socket of the visitor, resumed where they were."""
    hello: dict[str, object] = {"after": book.cursor}
    if book.token is not None:
        hello |= {"token": book.token, "conversation_id": book.conversation_id}
    url = random.choice(addresses())
    async with visit(url.replace("http", "ws", 1) + "/v1/chat", **hello) as visitor:
        book.token = str(visitor.welcome["token"])
        book.conversation_id = str(visitor.welcome["conversation_id"])
        yield visitor


async def _hear_all(book: Book, addresses: Addresses) -> None:
    async with line(book, addresses) as visitor:
        while book.cursor < int(str(visitor.welcome["seq"])):
            async with asyncio.timeout(PATIENCE_S):
                frame = await visitor.hear()
            if frame["type"] == "event":
                book.note(dict(frame))


async def _say_all(book: Book, addresses: Addresses, call: str) -> None:
    async with line(book, addresses) as visitor:

        async def until(settled: Callable[[], bool], kind: str, **fields: object) -> None:
            began = book.began.setdefault(str(fields["client_id"]), time.perf_counter())
            if not settled():
                await visitor.send(kind, **fields)
            while not settled():
                async with asyncio.timeout(PATIENCE_S):
                    frame = await visitor.hear()
                if frame["type"] == "event":
                    book.note(dict(frame))
                elif frame["type"] == "error":
                    await asyncio.sleep(float(str(frame.get("retry_after_s") or RECONNECT_S)))
                    await visitor.send(kind, **fields)
            by_bot = book.is_answered(str(fields["client_id"]))
            (book.waited_s if by_bot else book.waited_for_person_s).append(time.perf_counter() - began)

        for client_id, text in book.to_say:
            if not book.settled(client_id):
                if client_id not in book.began:
                    await asyncio.sleep(random.uniform(0, 2 * book.think_s))
                await until(lambda said=client_id: book.settled(said), "say", client_id=client_id, text=text)  # type: ignore[misc]
        if book.calls:
            await until(lambda: _is_closed(book), "call_human", client_id=call)


def _is_closed(book: Book) -> bool:
    return any(event["kind"] == "closed" for event in book.heard.values())


@dataclass(slots=True)
class AuditAgent:
    """An agent who claims whatever waits, replies once and closes.

    `said` maps the client_id of each message to the conversation and event it was acknowledged with; `serving` has the
    client_ids of what is being done, which stay the same at every try, so that one that came through is not repeated.
    """

    token: str
    said: dict[str, tuple[str, str]] = field(default_factory=dict)
    serving: dict[str, dict[str, str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    busy: bool = True  # whether the last look found anybody who waits or is served

    async def work(self, addresses: Addresses) -> None:
        """Until cancelled."""
        async with httpx.AsyncClient(timeout=REQUEST_S, headers={"Authorization": f"Bearer {self.token}"}) as client:
            while True:
                try:
                    await self._round(client, random.choice(addresses()))
                except (httpx.HTTPError, OSError):
                    await asyncio.sleep(RECONNECT_S)
                await asyncio.sleep(AGENTS_LOOK_EVERY_S)

    async def _round(self, client: httpx.AsyncClient, url: str) -> None:
        await client.put(f"{url}/v1/presence", json={"status": "online", "capacity": 100})
        conversation_ids = []
        for state in ("queued", "agent"):
            listed = await client.get(f"{url}/v1/conversations", params={"state": state})
            listed.raise_for_status()
            conversation_ids += [item["conversation_id"] for item in listed.json()["items"]]
        self.busy = bool(conversation_ids)
        places = asyncio.Semaphore(SERVED_AT_ONCE)

        async def serve(conversation_id: str) -> None:
            async with places:
                await self._serve(client, f"{url}/v1/conversations/{conversation_id}", conversation_id)

        await asyncio.gather(*map(serve, conversation_ids))

    async def _serve(self, client: httpx.AsyncClient, address: str, conversation_id: str) -> None:
        steps = self.serving.setdefault(
            conversation_id, {step: str(uuid.uuid4()) for step in ("claim", "say", "close")}
        )
        for step, client_id in steps.items():
            body = {"client_id": client_id} | ({"text": "A person is here."} if step == "say" else {})
            answer = await client.post(f"{address}/{step}", json=body)
            if answer.status_code == httpx.codes.CONFLICT:
                break  # somebody else has it, or it is closed
            answer.raise_for_status()
            if step == "say":
                stands = conversation_id, str(answer.json()["event_id"])
                if self.said.setdefault(client_id, stands) != stands:
                    self.faults.append(f"{conversation_id}: the agent's message was stored twice")
        del self.serving[conversation_id]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The audit of a run: faults, and how long visitors waited for each reply and for a person, in seconds."""

    faults: Sequence[str]
    waited_s: Sequence[float]
    waited_for_person_s: Sequence[float]

    def __str__(self) -> str:
        verdict = (
            "\n".join(self.faults[:20]) or "no fault: all is stored once, numbered, answered once, and seen by all"
        )
        lines = [_times("replies of the bot", self.waited_s), _times("persons", self.waited_for_person_s)]
        return "\n".join([*lines, f"{len(self.faults)} faults", verdict])


def _times(what: str, waited_s: Sequence[float]) -> str:
    took_s = waited_s or [0.0]
    median, p99, longest = statistics.median(took_s), percentile(took_s, 0.99), max(took_s)
    return f"{len(waited_s)} {what}: median {median:.2f} s, p99 {p99:.2f} s, longest {longest:.2f} s"


async def run(
    kept: Sequence[Book],
    addresses: Addresses,
    token: str,
    *,
    within_s: float,
    meanwhile: "asyncio.Future[None] | None" = None,
) -> AuditReport:
    """Let the visitors talk while `meanwhile` happens, and compare once both have ended.

    Raises TimeoutError where they are not done in time.
    """
    agent = AuditAgent(token)
    working = asyncio.create_task(agent.work(addresses))
    try:
        async with asyncio.timeout(within_s):
            await asyncio.gather(*(talk(book, addresses) for book in kept), *filter(None, [meanwhile]))
            agent.busy = True
            while agent.busy:  # noqa: ASYNC110 - until a look finds nobody
                await asyncio.sleep(AGENTS_LOOK_EVERY_S)
    finally:
        working.cancel()
    await asyncio.wait([working])
    async with httpx.AsyncClient(timeout=REQUEST_S, headers={"Authorization": f"Bearer {token}"}) as client:
        await asyncio.gather(*(catch_up(book, addresses) for book in kept))
        faults = [*agent.faults]
        for book in kept:
            stored = await read_stored(client, random.choice(addresses()), str(book.conversation_id))
            acknowledged = [
                event for conversation_id, event in agent.said.values() if conversation_id == book.conversation_id
            ]
            faults += [*book.faults, *compare(book, stored, acknowledged)]
    waited = [waited for book in kept for waited in book.waited_s]
    return AuditReport(faults, waited, [waited for book in kept for waited in book.waited_for_person_s])


async def read_stored(client: httpx.AsyncClient, url: str, conversation_id: str) -> list[EventJson]:
    """The conversation as agents see it."""
    events: list[EventJson] = []
    while True:
        answer = await client.get(f"{url}/v1/conversations/{conversation_id}/events", params={"after": len(events)})
        answer.raise_for_status()
        page = answer.json()
        events += page["events"]
        if not page["events"] or len(events) >= page["seq"]:
            return events


def compare(book: Book, stored: Sequence[EventJson], agent_said: Sequence[str] = ()) -> list[str]:
    """What a visitor's book and the stored conversation disagree on; `agent_said` are the agent's acknowledged events."""
    return [f"{book.conversation_id}: {fault}" for fault in _faults(book, stored, agent_said)]


def _faults(book: Book, stored: Sequence[EventJson], agent_said: Sequence[str]) -> Iterable[str]:
    if [event["seq"] for event in stored] != list(range(1, len(stored) + 1)):
        yield "numbers have gaps"
    by_client_id = Counter(event["client_id"] for event in stored if "client_id" in event)
    ids = [event["event_id"] for event in stored]
    for client_id, (seq, event_id) in book.acknowledged.items():
        if by_client_id[client_id] != 1 or seq > len(ids) or ids[seq - 1] != event_id:
            yield f"acknowledged {client_id} is stored {by_client_id[client_id]} times"
    answers = Counter(seq for event in stored if event["kind"] == "bot_said" for seq in event["answers"])
    for seq in (event["seq"] for event in stored if event["kind"] == "visitor_said"):
        if answers[seq] > 1 or (answers[seq] == 0 and not _had_person(stored, seq)):
            yield f"{seq} is answered {answers[seq]} times"
    if [event["event_id"] for event in stored] != [book.heard[n]["event_id"] for n in sorted(book.heard)]:
        yield "the visitor heard something else than was stored"
    if sorted(agent_said) != sorted(event["event_id"] for event in stored if event["kind"] == "agent_said"):
        yield "the agent was acknowledged something else than was stored"


def _had_person(stored: Sequence[EventJson], seq: int) -> bool:
    """Whether a person had the conversation when that was said, or took it before the bot had answered."""
    states = [event["state"] for event in stored if "state" in event and event["seq"] < seq]
    later = [event["state"] for event in stored if "state" in event and event["seq"] > seq]
    return (states[-1:] or ["bot"]) != ["bot"] or (later[:1] or ["bot"]) != ["bot"]


def main() -> None:
    """Run against servers and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", action="append", required=True, help="a server; repeat for several on one database")
    parser.add_argument("--token", required=True, help="bearer token of an agent")
    parser.add_argument("--chats", type=int, default=100)
    parser.add_argument("--says", type=int, default=5, help="messages of each visitor")
    parser.add_argument("--think", type=float, default=0, metavar="S", help="seconds before each, on average")
    parser.add_argument("--within", type=float, default=600, metavar="S", help="seconds in which all must be done")
    args = parser.parse_args()
    report = asyncio.run(
        run(books(args.chats, args.says, args.think), lambda: args.url, args.token, within_s=args.within)
    )
    print(report)
    raise SystemExit(bool(report.faults))


if __name__ == "__main__":
    main()
