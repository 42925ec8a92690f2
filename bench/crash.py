"""kill -9 in the middle of many chats: what was acknowledged is there once, in order, and every turn is answered once.

    python -m bench.crash --chats 100 --says 5 --kills 1

Every visitor keeps a book of what was sent, acknowledged and heard, reconnects with resume and sends again what was not
acknowledged. At the end the books are compared with the stored conversations, read over the agents' API.
"""

import argparse
import asyncio
import random
import tempfile
import time
import urllib.request
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from websockets.exceptions import ConnectionClosed, InvalidMessage

from bench.running import Running, handrail, start
from bench.visitor import visit
from bot.protocol import BAD_TOKEN

RECONNECT_S = 0.2
GIVE_UP_S = 120

Heard = dict[str, Any]  # an event frame as JSON

QUESTIONS = ("How do I embed the widget?", "What is front matter?", "how do I back up", "take over a chat", "Hello!")


@dataclass(slots=True)
class Book:
    """One visitor's own record. `heard` is every event by number; `acknowledged` maps client_id to (seq, event_id)."""

    to_say: list[tuple[str, str]]
    token: str | None = None
    conversation_id: str | None = None
    heard: dict[int, Heard] = field(default_factory=dict)
    acknowledged: dict[str, tuple[int, str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def cursor(self) -> int:
        """The last number heard."""
        return max(self.heard, default=0)

    @property
    def done(self) -> bool:
        """Everything said, acknowledged and answered."""
        answered = {seq for event in self.heard.values() for seq in event.get("answers", ())}
        return all(i in self.acknowledged and self.acknowledged[i][0] in answered for i, _ in self.to_say)

    def note(self, event: Heard) -> None:
        """Write an event down; a repetition must be the same event and a live one the next in number."""
        seq, event_id = int(str(event["seq"])), str(event["event_id"])
        if "client_id" in event:
            earlier = self.acknowledged.setdefault(str(event["client_id"]), (seq, event_id))
            if earlier != (seq, event_id):
                self.faults.append(f"client_id {event['client_id']} stands at {earlier} and at {(seq, event_id)}")
        if event.get("again"):
            return
        if seq != self.cursor + 1:
            self.faults.append(f"number {seq} came after {self.cursor}")
        self.heard[seq] = event


async def _talk(book: Book, place: "Place") -> None:
    """Say everything in the book, over as many sockets as it takes."""
    while not book.done:
        try:
            await _one_line(book, place.chat_url)
        except (ConnectionClosed, OSError, InvalidMessage, TimeoutError) as lost:
            if isinstance(lost, ConnectionClosed) and lost.rcvd is not None and lost.rcvd.code == BAD_TOKEN:
                book.token = None  # nothing of this visitor was stored
            await asyncio.sleep(RECONNECT_S * random.uniform(0.5, 1.5))


async def _one_line(book: Book, chat_url: str) -> None:
    hello: dict[str, object] = {"after": book.cursor}
    if book.token is not None:
        hello |= {"token": book.token, "conversation_id": book.conversation_id}
    async with visit(chat_url, **hello) as visitor:
        book.token = str(visitor.welcome["token"])
        book.conversation_id = str(visitor.welcome["conversation_id"])
        for client_id, text in book.to_say:
            if client_id not in book.acknowledged:
                await visitor.send("say", client_id=client_id, text=text)
            while not _answered(book, client_id):
                async with asyncio.timeout(GIVE_UP_S):
                    frame = await visitor.hear()
                if frame["type"] == "event":
                    book.note(dict(frame))


def _answered(book: Book, client_id: str) -> bool:
    if client_id not in book.acknowledged:
        return False
    seq = book.acknowledged[client_id][0]
    return any(seq in event.get("answers", ()) for event in book.heard.values())


@dataclass(slots=True)
class Place:
    """Where the server is now; it keeps its port over a restart."""

    server: Running

    @property
    def chat_url(self) -> str:
        """Where visitors' sockets go."""
        return self.server.chat_url


async def _kill_and_restart(place: Place, data: Path, kb: Path, kills: int, after_s: float) -> list[float]:
    """Seconds from each kill until the next server served."""
    port = int(place.server.url.rsplit(":", 1)[1])
    away_s: list[float] = []
    for _ in range(kills):
        await asyncio.sleep(after_s)
        began = time.perf_counter()
        await asyncio.to_thread(place.server.kill)
        place.server = await asyncio.to_thread(start, data, kb=kb, port=port)
        away_s.append(time.perf_counter() - began)
    return away_s


def run(data: Path, *, kb: Path, chats: int, says: int, kills: int, after_s: float = 0.5) -> list[str]:
    """The faults found; an empty list is what must come out."""
    place = Place(start(data, kb=kb))
    books = [Book([(str(uuid.uuid4()), random.choice(QUESTIONS)) for _ in range(says)]) for _ in range(chats)]

    async def everything() -> list[float]:
        killing = asyncio.create_task(_kill_and_restart(place, data, kb, kills, after_s))
        async with asyncio.timeout(GIVE_UP_S):
            await asyncio.gather(*(_talk(book, place) for book in books))
        return await killing

    try:
        away_s = asyncio.run(everything())
        handrail("agent", "add", "bench@example.com", "--name", "Bench", "--role", "admin", data=data)
        token = handrail("agent", "token", "bench@example.com", data=data)
        faults = [fault for book in books for fault in [*book.faults, *_compare(book, place.server.url, token)]]
    finally:
        place.server.stop()
    print(f"{chats} chats, {chats * says} messages, {kills} kills, away {', '.join(f'{s:.1f} s' for s in away_s)}")
    return faults


def _compare(book: Book, url: str, token: str) -> list[str]:
    """What the stored conversation and the visitor's book disagree on."""
    stored = _stored(url, token, str(book.conversation_id))
    faults = []
    if [event["seq"] for event in stored] != list(range(1, len(stored) + 1)):
        faults.append(f"{book.conversation_id}: numbers have gaps")
    by_client_id = Counter(event["client_id"] for event in stored if "client_id" in event)
    for client_id, (seq, event_id) in book.acknowledged.items():
        if by_client_id[client_id] != 1 or stored[seq - 1]["event_id"] != event_id:
            faults.append(f"{book.conversation_id}: acknowledged {client_id} is stored {by_client_id[client_id]} times")
    said = [event["seq"] for event in stored if event["kind"] == "visitor_said"]
    answers = Counter(seq for event in stored if event["kind"] == "bot_said" for seq in event["answers"])
    faults += [f"{book.conversation_id}: {seq} is answered {answers[seq]} times" for seq in said if answers[seq] != 1]
    if [event["event_id"] for event in stored] != [book.heard[n]["event_id"] for n in sorted(book.heard)]:
        faults.append(f"{book.conversation_id}: the visitor heard something else than was stored")
    return faults


def _stored(url: str, token: str, conversation_id: str) -> list[Heard]:
    events: list[Heard] = []
    while True:
        address = f"{url}/v1/conversations/{conversation_id}/events?after={len(events)}"
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request) as response:
            page = orjson.loads(response.read())
        events += page["events"]
        if not page["events"] or len(events) >= page["seq"]:
            return events


def main() -> None:
    """Run it and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kb", type=Path, default=Path("kb_articles"))
    parser.add_argument("--chats", type=int, default=100)
    parser.add_argument("--says", type=int, default=5, help="messages of each visitor")
    parser.add_argument("--kills", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        start(Path(data), kb=args.kb.resolve()).stop()
        faults = run(Path(data), kb=args.kb.resolve(), chats=args.chats, says=args.says, kills=args.kills)
    print("\n".join(faults) or "every acknowledged message is there once, in order; every turn is answered once")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
