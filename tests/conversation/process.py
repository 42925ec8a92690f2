"""A process of its own on a store: `process.py open|claim|write PATH NAME`. It prints what came of it."""

import asyncio
import json
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

from conversation.errors import AlreadyClaimed
from conversation.events import Author, Claimed, Opened, VisitorSaid
from conversation.sql.sqlite import SqliteStore
from conversation.values import Append, Draft, Key

AGENTS = 25
WRITERS = 20


def tell(*words):
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


async def told_to_go():
    tell("ready")
    await asyncio.to_thread(sys.stdin.readline)


async def open_only(path, name):
    await told_to_go()
    store = await SqliteStore.open(path, worker=name)
    tell("open", len(await store.queue()))
    await store.close()


async def claim(path, name):
    store = await SqliteStore.open(path, worker=name)
    await told_to_go()

    async def one(n):
        agent = Author("agent", f"{name} {n}", f"{name}-{n}")
        command = Append("c1", datetime.now(UTC), lambda now: [Draft(agent, Claimed())])
        try:
            won = await store.append(command)
        except AlreadyClaimed as lost:
            tell("lost", lost.claimed_by)
        else:
            tell("won", won.conversation.holder.name)

    await asyncio.gather(*(one(n) for n in range(AGENTS)))
    await store.close()


async def write(path, name):
    store = await SqliteStore.open(path, worker=name)
    await told_to_go()

    async def one(conversation_id):
        visitor = Author("visitor", None, conversation_id)
        for number in range(1_000_000):
            drafts = [Draft(visitor, VisitorSaid(f"message {number}"))]
            opening = [] if number else [Draft(visitor, Opened())]
            key = Key.of(visitor, uuid.uuid4().hex, {"number": number})
            done = await store.append(
                Append(conversation_id, datetime.now(UTC), lambda now, d=(*opening, *drafts): d, key)
            )
            tell(conversation_id, done.conversation.seq, key.client_id)

    await asyncio.gather(*(one(f"{name}-{n}") for n in range(WRITERS)))


if __name__ == "__main__":
    _, job, path, name = sys.argv
    asyncio.run({"open": open_only, "claim": claim, "write": write}[job](Path(path), name))
