"""The day the server dies: short forms of bench/crash.py and bench/claims.py, on real processes and sockets."""

from collections import Counter

import pytest

from bench import claims, crash

pytestmark = pytest.mark.slow


def test_kill_9_amid_chats_loses_nothing_and_answers_every_turn_once(data_dir, small_kb):
    assert crash.run(data_dir, kb=small_kb, chats=30, says=4, kills=2, after_s=0.3) == []


@pytest.mark.parametrize("servers", [1, 2])
def test_one_of_many_agents_wins_a_chat_and_the_others_learn_who(data_dir, small_kb, servers):
    outcomes = claims.run(data_dir, kb=small_kb, agents=12, servers=servers, chats=2)
    assert outcomes == Counter({"refused and told the owner": 22, "won": 2})
