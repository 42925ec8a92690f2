"""The day the server dies: short forms of bench/fault_injection.py and bench/claims.py, on real processes and sockets."""

import asyncio
from collections import Counter
from contextlib import ExitStack

import pytest

from bench import claims, fault_injection
from bench.consistency_audit import Book, books, compare
from tests.harness.deployment import prepare

pytestmark = pytest.mark.slow

WITHIN_S = 120


@pytest.mark.parametrize(
    ("fault", "on", "servers", "workers", "times"),
    [
        ("kill", "sqlite", 2, 1, 3),
        ("kill", "postgres", 2, 1, 3),
        ("kill", "sqlite", 1, 2, 3),
        ("cut", "sqlite", 2, 1, 30),
        ("redis", "postgres", 2, 1, 2),
        ("rolling", "postgres", 2, 1, 1),
    ],
)
def test_nothing_is_lost_doubled_or_answered_twice(
    tmp_path, exported_model, small_kb, fault, on, servers, workers, times
):
    with ExitStack() as stack:
        site = prepare(stack, tmp_path, small_kb, on, exported_model, workers=workers)
        site.open(servers)
        kept = books(20, 3, think_s=2.0)
        report = asyncio.run(fault_injection.play(site, fault, kept, times=times, pause_s=1.0, within_s=WITHIN_S))
    assert report.faults == []
    assert (
        len(report.waited_s) + len(report.waited_for_person_s) == 20 * 3 + 2
    )  # every tenth visitor asks for a person in the end


def said(seq, client_id):
    return {"seq": seq, "event_id": f"e{seq}", "kind": "visitor_said", "client_id": client_id}


def answered(seq, *answers):
    return {"seq": seq, "event_id": f"e{seq}", "kind": "bot_said", "answers": list(answers)}


OPENED = {"seq": 1, "event_id": "e1", "kind": "opened"}
WHOLE = [OPENED, said(2, "a"), answered(3, 2)]


def heard(*events):
    book = Book([("a", "Hello!")])
    for event in events:
        book.note(event)
    return book


@pytest.mark.parametrize(
    ("stored", "fault"),
    [
        ([OPENED, said(2, "a"), said(3, "a"), answered(4, 2, 3)], "stored 2 times"),
        ([OPENED, answered(2)], "stored 0 times"),
        ([OPENED, said(2, "a"), answered(3, 2), answered(4, 2)], "answered 2 times"),
        ([OPENED, said(2, "a"), answered(4, 2)], "gaps"),
        ([OPENED, said(2, "a"), answered(3, 2), said(4, "b"), answered(5, 4)], "heard something else"),
    ],
)
def test_the_audit_sees_what_is_lost_doubled_or_out_of_order(stored, fault):
    assert any(fault in found for found in compare(heard(*WHOLE), stored))
    assert compare(heard(*WHOLE), WHOLE) == []


def test_a_visitor_notes_what_comes_out_of_order_or_twice_under_one_name():
    assert heard(OPENED, answered(3)).faults == ["number 3 came after 1"]
    assert heard(OPENED, said(2, "a"), said(3, "a")).faults == ["client_id a stands at (2, 'e2') and at (3, 'e3')"]
    assert heard(OPENED, said(2, "a"), said(2, "a") | {"again": True}).faults == []


@pytest.mark.parametrize("servers", [1, 2])
def test_one_of_many_agents_wins_a_chat_and_the_others_learn_who(data_dir, small_kb, servers):
    outcomes = claims.run(data_dir, kb=small_kb, agents=12, servers=servers, chats=2)
    assert outcomes == Counter({"refused and told the owner": 22, "won": 2})
