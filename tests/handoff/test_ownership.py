"""The whole ownership machine against a reference model: who holds a chat, who is refused and why, who is full.

Visitors, agents and two server processes do whatever they can think of, also at once. After every step each chat stands
as the model says, is the fold of its events, and has kept the laws of DESIGN.md: one holder, `hold` counts up, numbers
without gaps, nobody above their capacity, no word of the bot while a person has the chat, one answer a message.
HANDRAIL_TEST_MORE=10 tries ten times as many examples as are tried by default.
"""

import asyncio
import os
import uuid
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from conversation.bus import LocalBus
from conversation.clock import ManualClock
from conversation.errors import AlreadyClaimed, IllegalTransition, LeaseLost, NotFound, NotHolder, OverCapacity, Refused
from conversation.events import (
    BOT,
    Author,
    BotSaid,
    Closed,
    HandoffRequested,
    Opened,
    Reopened,
    ReturnedToBot,
    VisitorSaid,
)
from conversation.memory import MemoryStore
from conversation.publisher import Publisher
from conversation.sql.postgres import PostgresStore
from conversation.sql.sqlite import SqliteStore
from conversation.state import fold
from conversation.values import Agent, Draft
from handoff.assignment import ANSWER_WITHIN_S, VANISHED_S, AssignmentLoop
from handoff.desk import Desk
from handoff.presence import Attendance
from tests.handoff.conftest import NOON

EXAMPLES = {"memory": 120, "sqlite": 20, "postgres": 6}  # some 8 s each
MORE = int(os.environ.get("HANDRAIL_TEST_MORE", "1"))
STEPS = 40
TICK_S = 30.0
HUMAN, QUEUE = ("agent",), ("queued",)


@dataclass
class Chat:
    """What the model knows of a chat."""

    visitor: Author
    conversation_id: str
    state: str = "none"
    holder: str | None = None
    hold: int = 0
    pending: list = field(default_factory=list)
    said: int = 0
    held_since: float = 0.0
    assigned: bool = False
    let_go: list = field(default_factory=list)
    turn: tuple | None = None  # the lease that may answer, of which process, and what was said when it began

    def pass_to(self, state, holder, at):
        if self.state == "agent" and state in ("queued", "agent"):
            self.let_go = [agent for agent in self.let_go if agent != self.holder] + [self.holder]
        elif state in ("bot", "closed"):
            self.let_go = []
        self.hold += self.state != "none"
        self.state, self.holder, self.held_since = state, holder, at
        self.pending, self.turn, self.assigned = [], None, False


class Ownership(RuleBasedStateMachine):
    """Each example has its own visitors and agents in a store that all share."""

    def __init__(self, run, stores, clock):
        super().__init__()
        self.run, self.stores, self.clock = run, stores, clock
        clock.advance(3600)  # who was there in the example before is not there any more
        self.publishers = [Publisher(store, LocalBus(), clock) for store in stores]
        self.desks = [Desk(publisher, Attendance(publisher.store, clock)) for publisher in self.publishers]
        self.loops = [AssignmentLoop(desk) for desk in self.desks]
        self.assigning = [AssignmentLoop(desk, assign=True) for desk in self.desks]
        names = {"Ana": 1, "Ben": 2, "Cy": 1}
        self.agents = {
            name: Agent(uuid.uuid4().hex, f"{uuid.uuid4().hex}@example.com", name, capacity=capacity)
            for name, capacity in names.items()
        }
        self.chats = [Chat(Author("visitor", None, uuid.uuid4().hex), uuid.uuid4().hex) for _ in range(3)]
        self.seen, self.lost_turns = {}, []

    @initialize(waiting=st.sets(st.integers(0, 2)))
    def come_to_work(self, waiting):
        for agent in self.agents.values():
            self.run(self.stores[0].add_agent(agent, None))
        self.tick(3)
        for n in waiting:
            self.visitor_says(n, 0)
            self.visitor_asks_for_a_person(n, 0)

    def teardown(self):
        for chat in self.chats:
            if chat.state not in ("none", "closed"):
                self.append(chat, 0, chat.visitor, Closed("over"))

    # --- what the world does

    def now_s(self):
        return self.clock.monotonic()

    def append(self, chat, process, by, *payloads, turn=None):
        drafts = [Draft(by, payload) for payload in payloads]
        return self.run(self.publishers[process].append(chat.conversation_id, lambda _: drafts, turn=turn))

    def expect(self, refusal, doing):
        """What `doing` comes to; where the model expects a refusal, that one with its facts."""
        if refusal is None:
            return self.run(doing)
        kind, facts = refusal
        with pytest.raises(Refused) as refused:
            self.run(doing)
        assert type(refused.value) is kind
        assert {name: getattr(refused.value, name) for name in facts} == facts
        return None

    def moved(self, chat, state, holder=None):
        chat.pass_to(state, holder, self.now_s())

    def holds(self, name):
        return sum(chat.holder == name for chat in self.chats)

    def full(self, name):
        held, capacity = self.holds(name), self.agents[name].capacity
        return (OverCapacity, {"held": held, "capacity": capacity}) if held >= capacity else None

    def unless_holder(self, chat, name, kind):
        if chat.state == "none":
            return NotFound, {}
        if chat.state == "closed":
            return IllegalTransition, {"kind": kind, "state": "closed"}
        if chat.holder != name:
            return NotHolder, {"holder": chat.holder or {"bot": "bot", "queued": "queue"}[chat.state]}
        return None

    chosen = st.integers(0, 2)
    process = st.integers(0, 1)
    name = st.sampled_from(["Ana", "Ben", "Cy"])
    gone = st.sampled_from([set(), {"Ana"}, {"Ben"}, {"Cy"}, {"Ana", "Ben"}, {"Ana", "Ben", "Cy"}])

    # --- visitors

    @rule(n=chosen, process=process)
    def visitor_says(self, n, process):
        chat = self.chats[n]
        before = {"none": [Opened()], "closed": [Reopened()]}.get(chat.state, [])
        appended = self.append(chat, process, chat.visitor, *before, VisitorSaid("hello"))
        if before:
            self.moved(chat, "bot")
        chat.said += 1
        if chat.state == "bot":
            chat.pending.append(appended.events[-1].seq)
        assert (appended.lease is not None) == (chat.state == "bot" and chat.turn is None)
        if appended.lease is not None:
            chat.turn = (appended.lease, process, tuple(chat.pending))

    @rule(n=chosen, process=process)
    def visitor_asks_for_a_person(self, n, process):
        chat = self.chats[n]
        if chat.state in ("none", "closed"):
            self.visitor_says(n, process)
        refusal = None if chat.state == "bot" else (IllegalTransition, {"state": chat.state})
        drafts = [Draft(chat.visitor, HandoffRequested("visitor_asked"))]
        self.expect(refusal, self.publishers[process].append(chat.conversation_id, lambda _: drafts))
        if refusal is None:
            self.lose_turn(chat)
            self.moved(chat, "queued")

    @rule(n=chosen, process=process)
    def visitor_cancels(self, n, process):
        chat = self.chats[n]
        if chat.state == "none":
            return
        refusal = None if chat.state == "queued" else (IllegalTransition, {"state": chat.state})
        drafts = [Draft(chat.visitor, ReturnedToBot())]
        self.expect(refusal, self.publishers[process].append(chat.conversation_id, lambda _: drafts))
        if refusal is None:
            self.moved(chat, "bot")

    @rule(n=chosen, process=process)
    def visitor_closes(self, n, process):
        chat = self.chats[n]
        if chat.state in ("none", "closed"):
            return
        self.append(chat, process, chat.visitor, Closed("visitor"))
        self.lose_turn(chat)
        self.moved(chat, "closed")

    # --- agents

    def refusal_of_claim(self, chat, name):
        if chat.state == "none":
            return NotFound, {}
        if chat.state == "closed":
            return IllegalTransition, {"kind": "claimed", "state": "closed"}
        if chat.state == "agent":
            return AlreadyClaimed, {"claimed_by": chat.holder, "agent_id": self.agents[chat.holder].agent_id}
        return self.full(name)

    @rule(n=chosen, process=process, name=name)
    def agent_claims(self, n, process, name):
        chat = self.chats[n]
        again = chat.holder == name
        refusal = None if again else self.refusal_of_claim(chat, name)
        event = self.expect(refusal, self.desks[process].claim(chat.conversation_id, self.agents[name]))
        if refusal is None and not again:
            self.lose_turn(chat)
            self.moved(chat, "agent", name)
        if refusal is None:
            assert (event.standing.hold, event.standing.holder.name) == (chat.hold, name)

    @rule(n=chosen)
    def all_claim_at_once(self, n):
        """The first one to come wins; the others hear of whoever did, or that they are full."""
        chat = self.chats[n]
        if chat.state not in ("bot", "queued"):
            return
        able = {name for name in self.agents if self.full(name) is None}
        claims = [
            self.desks[at % 2].claim(chat.conversation_id, self.agents[name]) for at, name in enumerate(self.agents)
        ]
        outcomes = dict(zip(self.agents, self.run(_gathered(claims)), strict=True))
        won = [name for name, outcome in outcomes.items() if not isinstance(outcome, Exception)]
        assert len(won) == (1 if able else 0)
        assert set(won) <= able
        for name in set(outcomes) - set(won):
            lost = outcomes[name]
            names_winner = isinstance(lost, AlreadyClaimed) and [lost.claimed_by] == won
            assert names_winner or (name not in able and isinstance(lost, OverCapacity)), (name, lost)
        if won:
            self.lose_turn(chat)
            self.moved(chat, "agent", won[0])

    @rule(process=process, name=name)
    def agent_claims_all_at_once(self, process, name):
        free = [chat for chat in self.chats if chat.state in ("bot", "queued")]
        claims = [
            self.desks[(process + n) % 2].claim(chat.conversation_id, self.agents[name]) for n, chat in enumerate(free)
        ]
        outcomes = self.run(_gathered(claims))
        places = self.agents[name].capacity - self.holds(name)
        won = [chat for chat, outcome in zip(free, outcomes, strict=True) if not isinstance(outcome, Exception)]
        assert len(won) == min(places, len(free))
        assert all(isinstance(outcome, OverCapacity) for outcome in outcomes if isinstance(outcome, Exception))
        for chat in won:
            self.lose_turn(chat)
            self.moved(chat, "agent", name)

    @rule(n=chosen, process=process, name=name, how=st.sampled_from(["release", "return_to_bot", "close"]))
    def agent_lets_go(self, n, process, name, how):
        chat, (kind, state) = self.chats[n], LETS_GO[how]
        refusal = self.unless_holder(chat, name, kind)
        self.expect(refusal, getattr(self.desks[process], how)(chat.conversation_id, self.agents[name]))
        if refusal is None:
            self.moved(chat, state)

    @rule(n=chosen, process=process, name=name, heir=name)
    def agent_transfers(self, n, process, name, heir):
        if name == heir:
            return
        chat = self.chats[n]
        refusal = self.unless_holder(chat, name, "transferred") or self.full(heir)
        to = self.agents[heir].agent_id
        self.expect(refusal, self.desks[process].transfer(chat.conversation_id, self.agents[name], to=to))
        if refusal is None:
            self.moved(chat, "agent", heir)

    @rule(n=chosen, process=process, name=name, how=st.sampled_from(["say", "note"]))
    def agent_writes(self, n, process, name, how):
        chat = self.chats[n]
        refusal = self.unless_holder(chat, name, "agent_said") if how == "say" else None
        if chat.state == "none":
            refusal = NotFound, {}
        self.expect(refusal, getattr(self.desks[process], how)(chat.conversation_id, self.agents[name], text="hi"))
        if refusal is None and chat.holder == name:
            chat.assigned = False

    # --- presence, silence, assignment

    @rule(ticks=st.integers(1, 5), gone=gone)
    def time_passes(self, ticks, gone):
        self.tick(ticks, gone)

    def tick(self, ticks, gone=()):
        """Both processes make their rounds at once, each time; who has not gone is heard before."""
        for _ in range(ticks):
            self.clock.advance(TICK_S)
            self.hear(gone)
            self.run(_gathered([loop.look() for loop in self.loops]))
            for chat in self.chats:
                if chat.state == "agent" and self.is_taken_back(chat):
                    self.moved(chat, "queued")

    def hear(self, gone):
        for name in sorted(self.agents.keys() - gone):
            self.run(self.desks[0].attendance.announce(self.agents[name], "online"))
            self.seen[name] = self.now_s()

    def is_taken_back(self, chat):
        unseen_s = self.now_s() - max(self.seen.get(chat.holder, 0.0), chat.held_since)
        unanswered = chat.assigned and self.now_s() - chat.held_since >= ANSWER_WITHIN_S
        return unanswered or unseen_s >= VANISHED_S

    @rule(gone=gone)
    def waiting_chats_are_assigned(self, gone):
        self.hear(gone)
        before = {id(chat) for chat in self.chats if chat.state == "queued"}
        self.run(_gathered([rounds.look() for rounds in self.assigning]))
        present = {name for name, seen in self.seen.items() if self.now_s() - seen <= 45}
        for chat in self.chats:
            row = self.run(self.stores[1].conversation(chat.conversation_id))
            if id(chat) in before and row.state == "agent":
                assert row.holder.name in present
                assert row.holder.name not in chat.let_go or self.now_s() - chat.held_since >= ANSWER_WITHIN_S
                self.moved(chat, "agent", row.holder.name)
                chat.assigned = True
        free = {name for name in present if self.full(name) is None}
        assert not any(free - set(chat.let_go) for chat in self.chats if chat.state == "queued")

    # --- the bot

    def lose_turn(self, chat):
        if chat.turn is not None:
            self.lost_turns.append((chat, *chat.turn))

    @rule(process=process)
    def process_takes_over_the_turns(self, process):
        """Leases last no time here: all of them have run out."""
        taken = {lease.conversation_id: lease for lease in self.run(self.stores[process].take_turns(1000))}
        owed = {chat.conversation_id for chat in self.chats if chat.pending}
        assert set(taken) == owed
        for chat in self.chats:
            if chat.pending:
                self.lose_turn(chat)
                chat.turn = (taken[chat.conversation_id], process, tuple(chat.pending))

    @rule(n=chosen, hands_over=st.booleans())
    def bot_answers(self, n, hands_over):
        chat = self.chats[n]
        if chat.turn is None:
            return
        lease, process, answers = chat.turn
        call = [HandoffRequested("frustrated")] if hands_over else []
        appended = self.append(chat, process, BOT, BotSaid("Here is how.", "answer", answers), *call, turn=lease)
        chat.pending = [seq for seq in chat.pending if seq not in answers]
        self.lose_turn(chat)
        chat.turn = None
        if hands_over:
            self.moved(chat, "queued")
        assert (appended.lease is not None) == bool(chat.pending)
        if appended.lease is not None:
            chat.turn = (appended.lease, process, tuple(chat.pending))

    @rule(which=st.integers(0, 50))
    def late_answer_is_dropped(self, which):
        if self.lost_turns:
            chat, lease, process, answers = self.lost_turns[which % len(self.lost_turns)]
            with pytest.raises(LeaseLost):
                self.append(chat, process, BOT, BotSaid("Too late.", "answer", answers), turn=lease)

    # --- what always holds

    @invariant()
    def every_chat_stands_as_the_model_says(self):
        for chat in self.chats:
            row = self.run(self.stores[1].conversation(chat.conversation_id))
            if chat.state == "none":
                assert row is None
                continue
            known = (row.state, row.holder.name, row.hold, list(row.pending), row.assigned)
            assert known == (chat.state, chat.holder, chat.hold, chat.pending, chat.assigned)
            names = {agent.agent_id: name for name, agent in self.agents.items()}
            assert [names[agent_id] for agent_id in row.let_go] == chat.let_go
            events = self.run(self.stores[0].events(chat.conversation_id))
            assert fold(events) == row
            _keeps_the_laws(events)

    @invariant()
    def nobody_holds_more_than_they_take(self):
        for agent in self.agents.values():
            held = self.run(self.stores[0].conversations(holder_id=agent.agent_id)).items
            assert len(held) <= agent.capacity


LETS_GO = {
    "release": ("released", "queued"),
    "return_to_bot": ("returned_to_bot", "bot"),
    "close": ("closed", "closed"),
}


async def _gathered(doings):
    return await asyncio.gather(*doings, return_exceptions=True)


def _keeps_the_laws(events):
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    holds = [event.standing.hold for event in events if event.standing is not None]
    assert holds == list(range(len(holds)))
    said = [event.seq for event in events if isinstance(event.payload, VisitorSaid)]
    answered = [seq for event in events if isinstance(event.payload, BotSaid) for seq in event.payload.answers]
    assert len(answered) == len(set(answered))
    assert set(answered) <= set(said)
    state = "bot"
    for event in events:
        assert state == "bot" or not isinstance(event.payload, BotSaid)
        state = state if event.standing is None else event.standing.state


async def _open(kind, request, clock):
    """The same store as two processes see it; leases run out at once."""
    if kind == "memory":
        store = MemoryStore(worker="one", clock=clock, lease_s=0)
        return store, store.shared_with("two")
    if kind == "sqlite":
        path = request.getfixturevalue("tmp_path") / "handrail.db"
        return [await SqliteStore.open(path, worker=worker, lease_s=0) for worker in ("one", "two")]
    url = request.getfixturevalue("new_postgres")
    return [await PostgresStore.open(url, worker=worker, lease_s=0) for worker in ("one", "two")]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgres"])
def test_ownership_is_what_the_model_says(kind, request):
    clock = ManualClock(NOON)
    with asyncio.Runner() as runner:
        stores = runner.run(_open(kind, request, clock))
        run_state_machine_as_test(
            lambda: Ownership(runner.run, stores, clock),
            settings=settings(
                max_examples=EXAMPLES[kind] * MORE,
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        for store in stores:
            runner.run(store.close())
