"""Limits in this process, and counted together over a real Redis that comes and goes."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from bot.visitor import limits as rooms
from bot.visitor import redis_limits
from bot.visitor.limits import COMMANDS, HELLOS, SAYS, Limits
from bot.visitor.protocol import Hangup
from bot.visitor.redis_limits import RedisLimits
from conversation.clock import ManualClock
from conversation.rate_limit import RateLimit


async def hits(limits, count, limit=SAYS, name="say", key="ada"):
    return [await limits.hit(limit, name, key) for _ in range(count)]


async def test_the_one_too_many_is_told_when_to_try_again():
    limits = Limits()
    assert await hits(limits, 20) == [None] * 20
    retry_after_s = await limits.hit(SAYS, "say", "ada")
    assert retry_after_s is not None
    assert 1.0 <= retry_after_s <= 60.0


@pytest.mark.parametrize("elapsed_s", [0.0, 0.04, 12.34, 59.97])
async def test_who_waits_as_told_may_pass(elapsed_s):
    clock = ManualClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
    limits = Limits(monotonic=clock.monotonic)
    await hits(limits, 20)
    clock.advance(elapsed_s)
    retry_after_s = await limits.hit(SAYS, "say", "ada")
    assert retry_after_s == pytest.approx(max(1.0, 60.0 - elapsed_s), abs=0.1)
    clock.advance(retry_after_s)
    assert await limits.hit(SAYS, "say", "ada") is None


async def test_each_key_and_each_name_is_counted_for_itself():
    limits = Limits()
    await hits(limits, 21)
    assert await limits.hit(SAYS, "say", "bob") is None
    assert await limits.hit(COMMANDS, "rate", "ada") is None
    assert await limits.hit(HELLOS, "hello", "ada") is None


async def test_a_flood_of_one_kind_makes_no_other_limit_forget():
    limits = Limits()
    await hits(limits, 20)
    small = limits._window(HELLOS)
    small._max_keys = 10
    for number in range(100):
        await limits.hit(HELLOS, "hello", str(number))
    assert len(small) == 10
    assert await limits.hit(SAYS, "say", "ada") is not None


async def test_each_house_counts_for_itself():
    busy, idle = Limits(), Limits()
    await hits(busy, 21)
    assert await idle.hit(SAYS, "say", "ada") is None


async def test_without_limits_everything_passes():
    assert set(await hits(Limits(enabled=False), 1_000)) == {None}


async def test_guessing_passwords_is_limited_even_where_limits_are_off():
    limits, guesses = Limits(enabled=False), RateLimit(10, window_s=300)
    assert [await limits.count(guesses, "email", "ada@example.com") for _ in range(10)] == [None] * 10
    assert await limits.count(guesses, "email", "ada@example.com") is not None


def test_counting_in_this_process_alone_loads_no_redis_and_not_the_package_for_it():
    script = "import sys, bot.visitor.limits; print(sorted({'redis', 'limits'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


# Admission


def test_one_handshake_more_than_fit_is_told_to_come_back_and_a_place_is_given_back(monkeypatch):
    monkeypatch.setattr(rooms, "AT_ONCE", 2)
    limits = Limits(enabled=False)
    with limits.admission():
        with limits.admission(), pytest.raises(Hangup) as refused, limits.admission():
            pass
        assert refused.value.code == 1013
        with limits.admission():
            assert limits.handshakes == 2


def test_a_handshake_that_fails_gives_its_place_back():
    limits = Limits()
    with pytest.raises(ValueError, match="bad hello"), limits.admission():
        raise ValueError("bad hello")
    assert limits.handshakes == 0


# Over Redis


@pytest.fixture
async def workers(redis_server):
    """The limits of two processes that share a Redis."""
    made = [Limits(shared=RedisLimits(redis_server.url)) for _ in range(2)]
    yield made
    for limits in made:
        await limits.close()


async def test_processes_that_share_a_redis_count_together(workers):
    first, second = workers
    assert await hits(first, 12) + await hits(second, 8) == [None] * 20
    for limits in workers:
        assert 1.0 <= await limits.hit(SAYS, "say", "ada") <= 60.0
        assert await limits.hit(SAYS, "say", "bob") is None


async def test_while_redis_is_away_each_process_counts_for_itself_and_then_together_again(
    workers, redis_server, monkeypatch
):
    monkeypatch.setattr(redis_limits, "LEAVE_S", 0.0)
    monkeypatch.setattr(redis_limits, "ASK_S", 5.0)  # a busy machine is not an absent Redis
    first, second = workers
    assert await hits(first, 20) == [None] * 20
    redis_server.kill()
    monkeypatch.setattr(redis_limits, "ASK_S", 0.05)
    with capture_logs() as logs:
        for limits in workers:
            assert await hits(limits, 20) == [None] * 20
            assert await limits.hit(SAYS, "say", "ada") is not None
        redis_server.start()
        monkeypatch.setattr(redis_limits, "ASK_S", 5.0)
        assert await hits(first, 15, key="bob") + await hits(second, 5, key="bob") == [None] * 20
        assert await first.hit(SAYS, "say", "bob") is not None
    assert [line["event"] for line in logs] == ["limits.redis_away"] * 2 + ["limits.redis_back"] * 2


async def test_a_redis_that_did_not_answer_is_left_alone_for_a_while(workers, redis_server):
    first, _ = workers
    redis_server.kill()
    await first.hit(SAYS, "say", "ada")
    asked = []
    first._shared._limiter.hit = asked.append
    assert await hits(first, 5, key="bob") == [None] * 5
    assert asked == []
