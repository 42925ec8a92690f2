"""Time that tests and evaluation turn by hand."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from conversation.clock import ManualClock, SystemClock, from_micros, micros

START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


async def test_sleepers_wake_when_their_time_has_come_and_in_order():
    clock, woken = ManualClock(START), []

    async def sleeper(seconds):
        await clock.sleep(seconds)
        woken.append(seconds)

    async with asyncio.TaskGroup() as group:
        for seconds in (3, 1, 2):
            group.create_task(sleeper(seconds))
        await asyncio.sleep(0)
        clock.advance(0.5)
        await asyncio.sleep(0)
        assert woken == []
        clock.advance(1.5)
        await asyncio.sleep(0)
        assert woken == [1, 2]
        clock.advance(10)
    assert woken == [1, 2, 3]
    assert (clock.now(), clock.monotonic()) == (START + timedelta(seconds=12), 12)


async def test_a_sleeper_who_was_cancelled_is_not_woken():
    clock = ManualClock(START)
    task = asyncio.ensure_future(clock.sleep(1))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    clock.advance(2)


async def test_no_time_at_all_only_lets_others_run():
    await asyncio.wait_for(ManualClock(START).sleep(0), timeout=5)


async def test_the_system_clock_is_aware_and_grows():
    clock = SystemClock()
    before, since = clock.now(), clock.monotonic()
    await clock.sleep(0.001)
    assert clock.now() > before
    assert clock.monotonic() - since >= 0.001
    assert before.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "at", [START, START.replace(microsecond=1), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]
)
def test_moments_survive_as_microseconds(at):
    assert from_micros(micros(at)) == at
