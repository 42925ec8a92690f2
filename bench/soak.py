"""Soak test: many chats that go on for minutes: whether all that was sent is there, and whether memory stays flat.

    python -m bench.soak --chats 500 --rate 300 --minutes 5

Visitors send at a steady rate whether or not they were answered; the bot answers what has come in meanwhile with one
reply. Every ten seconds a line says what was sent, acknowledged and answered until then, and the server's memory. In the
end the visitors' books are compared with what is stored. Client and server share the machine.
"""

import argparse
import asyncio
import random
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import httpx

from bench.consistency_audit import QUESTIONS, REQUEST_S, Book, catch_up, compare, line, read_stored
from tests.harness.running import ROOT, admin_token, borrow_model, start

TOLD_EVERY_S = 10.0
ANSWERED_WITHIN_S = 120.0  # after the last message


async def _chat(book: Book, url: str, every_s: float) -> None:
    """Send one message after the other, at its time, over one socket."""
    async with line(book, lambda: [url]) as visitor:

        async def listen() -> None:
            while True:
                frame = await visitor.hear()
                if frame["type"] == "event":
                    book.note(dict(frame))
                elif frame["type"] == "error":
                    book.faults.append(f"refused: {frame}")

        async with asyncio.TaskGroup() as both:
            listening = both.create_task(listen())
            due = time.perf_counter() + random.uniform(0, every_s)
            for client_id, text in book.to_say:
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                await visitor.send("say", client_id=client_id, text=text)
                due += every_s
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                while not all(book.is_answered(client_id) for client_id, _ in book.to_say):  # noqa: ASYNC110 - looked at twice a second, while others work
                    await asyncio.sleep(0.5)
            listening.cancel()


async def run(url: str, kept: Sequence[Book], every_s: float, token: str, tell: "asyncio.Future[None]") -> list[str]:
    """The faults found."""
    try:
        await asyncio.gather(*(_chat(book, url, every_s) for book in kept))
    finally:
        tell.cancel()
    faults = []
    async with httpx.AsyncClient(timeout=REQUEST_S, headers={"Authorization": f"Bearer {token}"}) as client:
        for book in kept:
            await catch_up(book, lambda: [url])
            stored = await read_stored(client, url, str(book.conversation_id))
            faults += [*book.faults, *compare(book, stored)]
    return faults


def main() -> None:
    """Start a server, and let visitors write to it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kb", type=Path, default=Path("kb_articles"))
    parser.add_argument("--data", type=Path, default=ROOT / "var", help="where the exported model lies, or is put")
    parser.add_argument("--chats", type=int, default=500)
    parser.add_argument("--rate", type=float, default=300, help="messages a second, of all visitors together")
    parser.add_argument("--minutes", type=float, default=5)
    args = parser.parse_args()
    every_s = args.chats / args.rate
    says = round(args.minutes * 60 / every_s)
    kept = [Book([(str(uuid.uuid4()), random.choice(QUESTIONS)) for _ in range(says)]) for _ in range(args.chats)]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        borrow_model(data, args.data)
        server = start(data, kb=args.kb.resolve())

        async def tell() -> None:
            began = time.perf_counter()
            while True:
                await asyncio.sleep(TOLD_EVERY_S)
                acknowledged = sum(len(book.acknowledged) for book in kept)
                replies = sum("answers" in event for book in kept for event in book.heard.values())
                print(
                    f"{time.perf_counter() - began:5.0f} s  {acknowledged:7} acknowledged  {replies:7} replies"
                    f"  {server.rss_mib():5.0f} MiB",
                    flush=True,
                )

        async def everything(token: str) -> list[str]:
            return await run(server.url, kept, every_s, token, asyncio.ensure_future(tell()))

        try:
            faults = asyncio.run(everything(admin_token(data)))
        finally:
            server.stop()
    print("\n".join(faults[:20]) or f"no fault: {args.chats * says} messages are stored once and answered once")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
