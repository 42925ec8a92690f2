"""What holds for every sequence of commands: the row is the fold of the events, however they were read."""

import uuid
from functools import reduce

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversation.errors import Refused
from conversation.events import (
    BOT,
    SYSTEM,
    AgentSaid,
    Author,
    BotSaid,
    Claimed,
    Closed,
    ContactLeft,
    HandoffRequested,
    NoteAdded,
    Opened,
    PrioritySet,
    Rated,
    Released,
    Reopened,
    ReturnedToBot,
    Tagged,
    Transferred,
    VisitorSaid,
)
from conversation.reducer import owes_answer
from conversation.state import apply, fold
from conversation.values import Append, Draft

ANNA = Author("agent", "Anna", "anna-id")
BEN = Author("agent", "Ben", "ben-id")
VISITOR = Author("visitor", None, "?")  # each example has its own

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
OUTCOMES = st.sampled_from(["answer", "suggest", "clarify", "small_talk", "no_answer", "handoff"])


def by(author, payload):
    return st.tuples(st.just(author), payload)


COMMANDS = st.one_of(
    by(VISITOR, st.builds(VisitorSaid, TEXTS)),
    by(VISITOR, st.builds(VisitorSaid, TEXTS)),
    by(
        BOT,
        st.builds(BotSaid, TEXTS, OUTCOMES, st.lists(st.integers(1, 12), max_size=3).map(tuple), failed=st.booleans()),
    ),
    by(VISITOR, st.builds(HandoffRequested, st.sampled_from(["visitor_asked", "policy"]), TEXTS)),
    st.tuples(st.sampled_from([ANNA, BEN, SYSTEM]), st.just(Claimed("ben-id", "Ben"))),
    st.tuples(st.sampled_from([ANNA, BEN]), st.builds(AgentSaid, TEXTS)),
    st.tuples(st.sampled_from([ANNA, SYSTEM]), st.builds(Released, TEXTS)),
    by(ANNA, st.just(Transferred("ben-id", "Ben"))),
    st.tuples(st.sampled_from([VISITOR, ANNA, SYSTEM]), st.just(ReturnedToBot())),
    st.tuples(st.sampled_from([VISITOR, ANNA, BEN, SYSTEM]), st.just(Closed())),
    by(VISITOR, st.just(Reopened())),
    by(VISITOR, st.builds(ContactLeft, st.just("ada@example.org"), st.none() | TEXTS)),
    by(VISITOR, st.builds(Rated, st.integers(1, 9), helpful=st.booleans(), comment=st.none() | TEXTS)),
    by(ANNA, st.builds(Tagged, st.lists(TEXTS, max_size=2).map(tuple))),
    by(BEN, st.builds(PrioritySet, st.sampled_from(["low", "normal", "high", "urgent"]))),
    by(BEN, st.builds(NoteAdded, TEXTS)),
)

# the cluster is shared by the examples: each has its own conversation and visitor in it
laws = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def carry_out(cluster, commands):
    """A new conversation after `commands` in turn, those that are refused left out."""
    conversation_id, visitor = uuid.uuid4().hex, Author("visitor", "Ada", uuid.uuid4().hex)
    for author, payload in [(VISITOR, Opened("default", "en")), *commands]:
        cluster.clock.advance(0.25)
        drafts = [Draft(visitor if author is VISITOR else author, payload)]
        try:
            await cluster.store.append(Append(conversation_id, cluster.clock.now(), lambda now, drafts=drafts: drafts))
        except Refused:
            continue
    return conversation_id


@laws
@given(commands=st.lists(COMMANDS, max_size=14))
async def test_the_row_is_the_fold_of_the_events(cluster, commands):
    conversation_id = await carry_out(cluster, commands)
    events = await cluster.other.events(conversation_id)
    assert fold(events) == await cluster.other.conversation(conversation_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


@laws
@given(commands=st.lists(COMMANDS, max_size=10), cut=st.integers(1, 10))
async def test_a_snapshot_and_the_events_after_it_are_a_fresh_snapshot(cluster, commands, cut):
    conversation_id = await carry_out(cluster, commands)
    earlier = fold(await cluster.store.events(conversation_id, limit=cut))
    later = await cluster.store.events(conversation_id, after=earlier.seq)
    assert reduce(apply, later, earlier) == await cluster.store.conversation(conversation_id)


@laws
@given(commands=st.lists(COMMANDS, max_size=10))
async def test_a_turn_exists_exactly_where_an_answer_is_owed(cluster, commands):
    conversation_id = await carry_out(cluster, commands)
    await cluster.expire_leases()
    taken = [lease.conversation_id for lease in await cluster.other.take_turns(10_000)]
    assert (conversation_id in taken) == owes_answer(await cluster.store.conversation(conversation_id))


@laws
@given(commands=st.lists(COMMANDS, max_size=10))
async def test_every_change_of_holder_raises_hold_by_one(cluster, commands):
    conversation_id = await carry_out(cluster, commands)
    holds = [event.standing.hold for event in await cluster.store.events(conversation_id) if event.standing]
    assert holds == list(range(len(holds)))


@pytest.fixture(autouse=True)
async def _agents(cluster, anna, ben):
    for agent in (anna, ben):
        await cluster.store.save_agent(type(agent)(agent.agent_id, agent.email, agent.name, capacity=1_000_000))
