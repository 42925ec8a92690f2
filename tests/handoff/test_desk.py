from datetime import UTC, datetime, timedelta

import pytest
import structlog.testing

from conversation.errors import AlreadyClaimed
from conversation.state import Conversation
from handoff.desk import Place
from handoff.routing import queue_order

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def test_place_in_the_queue_is_by_priority_then_waiting_time(office):
    first = await office.open("one", waiting=True)
    office.clock.advance(1)
    second = await office.open("two", waiting=True)
    assert await office.desk.queue_place(first) == Place(1, None)
    assert await office.desk.queue_place(second) == Place(2, None)
    await office.desk.prioritise(second, await office.agent(), priority="urgent")
    assert await office.desk.queue_place(second) == Place(1, None)


async def test_whoever_has_waited_long_does_not_starve_behind_newer_urgent_ones(office):
    first = await office.open("one", waiting=True)
    office.clock.advance(600)
    second = await office.open("two", waiting=True)
    await office.desk.prioritise(second, await office.agent(), priority="urgent")
    assert await office.desk.queue_place(first) == Place(1, None)


def test_whoever_waits_rises_one_priority_each_time():
    def waiting(priority, waited_s):
        return Conversation(
            priority, "v", "default", AT, AT, priority=priority, waiting_since=AT - timedelta(seconds=waited_s)
        )

    queue = [waiting("low", 100), waiting("normal", 50), waiting("high", 0), waiting("urgent", 0)]
    assert [now.priority for now in queue_order(queue, AT, raise_every_s=50)] == ["urgent", "low", "normal", "high"]
    assert [now.priority for now in queue_order(queue, AT, raise_every_s=101)] == ["urgent", "high", "normal", "low"]


async def test_wait_is_the_position_times_the_median_of_what_others_waited(office):
    ana = await office.agent(capacity=10)
    for waited_s in (10, 20, 90):
        conversation_id = await office.open("hello", waiting=True)
        office.clock.advance(waited_s)
        await office.desk.claim(conversation_id, ana)
    one = await office.open("one", waiting=True)
    office.clock.advance(1)
    two = await office.open("two", waiting=True)
    assert await office.desk.queue_place(one) == Place(1, 20)
    assert await office.desk.queue_place(two) == Place(2, 40)


async def test_who_does_not_wait_has_no_place(office):
    assert await office.desk.queue_place(await office.open("hello")) is None
    assert await office.desk.queue_place("nowhere") is None


async def test_claim_from_the_bot_counts_no_waiting_time(office):
    await office.desk.claim(await office.open("hello"), await office.agent())
    waiting = await office.open("one", waiting=True)
    assert await office.desk.queue_place(waiting) == Place(1, None)


async def test_heir_of_a_transfer_who_claims_gets_the_transfer(office):
    ana, ben = await office.agent(), await office.agent("Ben")
    conversation_id = await office.open("hello", waiting=True)
    await office.desk.claim(conversation_id, ana)
    passed = await office.desk.transfer(conversation_id, ana, to=ben.agent_id, note=" yours ")
    assert await office.desk.claim(conversation_id, ben) == passed
    assert passed.payload.note == "yours"
    with pytest.raises(AlreadyClaimed) as refused:
        await office.desk.claim(conversation_id, ana)
    assert refused.value.claimed_by == "Ben"


async def test_claim_is_logged_without_what_anybody_wrote(office):
    conversation_id = await office.open("my card number is 4111", waiting=True)
    office.clock.advance(3)
    with structlog.testing.capture_logs() as logged:
        await office.desk.claim(conversation_id, await office.agent())
    assert logged == [
        {"event": "claim.won", "log_level": "info", "conversation_id": conversation_id, "seq": 4, "waited_s": 3.0}
    ]


async def test_tags_are_trimmed_and_doubles_count_once(office):
    conversation_id = await office.open("hello")
    event = await office.desk.tag(conversation_id, await office.agent(), tags=["billing ", "billing", "vip"])
    assert event.payload.tags == ("billing", "vip")
