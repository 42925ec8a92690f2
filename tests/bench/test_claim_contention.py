"""The short form of `python -m bench.claim_contention`: processes claim the same chats at once, and the log is checked."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from bench import claim_contention
from conversation.events import AgentSaid, Author, Claimed, Closed, Event, HandoffRequested, Opened

CALL = HandoffRequested("visitor_asked")
WHOLE = (Opened(), CALL, Claimed(), AgentSaid("hi"), Closed())
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_each_chat_has_one_winner_and_nobody_more_than_they_take(kind, request, tmp_path):
    where = request.getfixturevalue("new_postgres") if kind == "postgres" else str(tmp_path / "handrail.db")
    verdict = claim_contention.contend(
        claim_contention.ContentionSetup(where, processes=2, chats=60, agents=4, capacity=2)
    )
    assert verdict.faults == []
    assert verdict.outcomes["won"] == 60
    assert verdict.most_held == 2
    assert verdict.outcomes["lost, told to whom"] + verdict.outcomes["full"] > 0


def log(chat, agent, *moments, kinds=WHOLE):
    by = Author("agent", agent, agent)
    return [
        Event(chat, seq, f"{chat}-{seq}", AT + timedelta(seconds=second), by, payload)
        for seq, (second, payload) in enumerate(zip(moments, kinds, strict=True), start=1)
    ]


def test_a_place_that_was_taken_twice_at_a_time_is_found():
    moves_of = defaultdict(list)
    for chat in (log("c1", "Ana", 0, 1, 2, 3, 9), log("c2", "Ana", 0, 1, 4, 5, 7), log("c3", "Ben", 0, 1, 2, 3, 4)):
        assert list(claim_contention._look(chat, {}, moves_of)) == []
    assert {agent: claim_contention._most_at_a_time(moves) for agent, moves in moves_of.items()} == {"Ana": 2, "Ben": 1}


def test_a_chat_that_was_claimed_twice_is_found():
    twice = (Opened(), CALL, Claimed(), Claimed(), Closed())
    [fault] = claim_contention._look(log("c1", "Ana", 0, 1, 2, 3, 4, kinds=twice), {}, defaultdict(list))
    assert fault == "c1 went opened, handoff_requested, claimed, claimed, closed"
