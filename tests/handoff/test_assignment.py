"""Chats of silent agents go back to the front of the queue, and waiting ones to the least busy agent."""

import asyncio

import pytest
import structlog.testing

from conversation.errors import StorageUnavailable
from conversation.events import SYSTEM, Author, HandoffRequested, Tagged, VisitorSaid
from handoff.assignment import AssignmentLoop
from handoff.desk import Desk, Place
from handoff.presence import Attendance

LOOK_S = 10


@pytest.fixture
def assignment_loop(office):
    return AssignmentLoop(office.desk)


@pytest.fixture
def assigning(office):
    return AssignmentLoop(office.desk, assign=True)


@pytest.fixture
def let_pass(office):
    """Time passes while `loops` look and those in `alive` give signs of life."""

    async def passing(seconds, *loops, alive=()):
        for _ in range(round(seconds / LOOK_S)):
            office.clock.advance(LOOK_S)
            for agent in alive:
                await office.desk.attendance.renew(agent)
            await asyncio.gather(*(loop.look() for loop in loops))

    return passing


async def present(office, *names, **more):
    agents = [await office.agent(name, **more) for name in names]
    for agent in agents:
        await office.desk.attendance.renew(agent)
    return agents


async def events(office, conversation_id):
    return await office.store.events(conversation_id)


async def released(office, conversation_id):
    return [event for event in await events(office, conversation_id) if event.kind == "released"]


async def test_a_chat_of_one_who_vanished_goes_back_once_with_the_reason(office, assignment_loop, let_pass):
    [ana] = await present(office, "Ana")
    chat = await office.open("my parcel", waiting=True)
    await office.desk.claim(chat, ana)
    elsewhere = AssignmentLoop(office.desk)  # another process on the same store
    await assignment_loop.look()
    await elsewhere.look()
    await let_pass(110, assignment_loop, elsewhere)
    assert (await office.store.conversation(chat)).holder.id == ana.agent_id
    await let_pass(60, assignment_loop, elsewhere)
    [back] = await released(office, chat)
    assert (back.by, back.payload.reason) == (SYSTEM, "Ana was not there for 2 minutes")
    assert (back.standing.state, back.standing.hold) == ("queued", 3)


async def test_it_comes_before_everybody_else_and_waits_since_it_was_asked_for(office, assignment_loop, let_pass):
    [ana] = await present(office, "Ana")
    others = [await office.open("me first", waiting=True)]
    office.clock.advance(1)
    asked_at = office.clock.now()
    chat = await office.open("my parcel", waiting=True)
    await office.desk.claim(chat, ana)
    others.append(await office.open("urgent", waiting=True))
    await office.desk.prioritise(others[1], ana, priority="urgent")
    await assignment_loop.look()
    await let_pass(150, assignment_loop)
    assert (await office.desk.queue_place(chat)).position == 1
    now = await office.store.conversation(chat)
    assert (now.waiting_since, now.dropped, now.let_go) == (asked_at, True, (ana.agent_id,))


async def test_nothing_is_taken_from_one_who_only_reads(office, assignment_loop, let_pass):
    [ana] = await present(office, "Ana")
    chat = await office.open("hello", waiting=True)
    await office.desk.claim(chat, ana)
    await assignment_loop.look()
    await let_pass(600, assignment_loop, alive=[ana])
    assert await released(office, chat) == []


async def test_nothing_is_taken_from_one_who_is_away_but_there(office, assignment_loop, let_pass):
    [ana] = await present(office, "Ana")
    chat = await office.open("hello", waiting=True)
    await office.desk.claim(chat, ana)
    await office.desk.attendance.announce(ana, "away")
    await assignment_loop.look()
    await let_pass(600, assignment_loop, alive=[ana])
    assert await released(office, chat) == []


async def test_an_heir_who_was_never_there_has_as_long_from_the_transfer_on(office, assignment_loop, let_pass):
    [ana] = await present(office, "Ana")
    ben = await office.agent("Ben")
    chat = await office.open("hello", waiting=True)
    await office.desk.claim(chat, ana)
    await assignment_loop.look()
    await let_pass(300, assignment_loop, alive=[ana])
    await office.desk.transfer(chat, ana, to=ben.agent_id)
    await let_pass(110, assignment_loop, alive=[ana])
    assert await released(office, chat) == []
    await let_pass(20, assignment_loop, alive=[ana])
    [back] = await released(office, chat)
    assert back.payload.reason == "Ben was not there for 2 minutes"


async def test_after_a_restart_agents_have_a_leases_time_to_come_back(office, assignment_loop, let_pass):
    ana, ben = await present(office, "Ana", "Ben")
    chats = [await office.open("hello", waiting=True) for _ in range(2)]
    for chat, agent in zip(chats, (ana, ben), strict=True):
        await office.desk.claim(chat, agent)
    office.clock.advance(3600)  # nobody served
    await assignment_loop.look()
    await let_pass(40, assignment_loop, alive=[ana])
    assert await released(office, chats[1]) == []
    await let_pass(10, assignment_loop, alive=[ana])
    assert (await released(office, chats[0]), len(await released(office, chats[1]))) == ([], 1)


async def test_nothing_is_taken_before_the_database_has_answered_for_a_while(
    office, assignment_loop, let_pass, monkeypatch
):
    [ana] = await present(office, "Ana")
    chat = await office.open("hello", waiting=True)
    await office.desk.claim(chat, ana)
    await assignment_loop.look()
    await let_pass(60, assignment_loop, alive=[ana])
    conversations, down = office.store.conversations, True

    async def failing(**how):
        if down:
            raise StorageUnavailable("away")
        return await conversations(**how)

    monkeypatch.setattr(office.store, "conversations", failing)
    running = asyncio.create_task(assignment_loop.run())
    for _ in range(80):  # longer than one may be silent
        await asyncio.sleep(0)
        office.clock.advance(2)
    down = False
    for _ in range(20):
        office.clock.advance(2)
        for _ in range(10):
            await asyncio.sleep(0)
    assert await released(office, chat) == []
    running.cancel()


async def test_what_happens_in_the_same_moment_wins(office):
    [ana] = await present(office, "Ana")
    chat = await office.open("hello", waiting=True)
    await office.desk.claim(chat, ana)
    seen = await office.store.conversation(chat)
    await office.desk.say(chat, ana, text="here I am")
    assert await office.desk.take_back(seen, "silent") is None
    await office.desk.close(chat, ana)
    assert await office.desk.take_back(seen, "silent") is None


async def test_what_is_taken_back_is_logged_without_what_anybody_wrote(office):
    [ana] = await present(office, "Ana")
    chat = await office.open("my card number is 4111", waiting=True)
    await office.desk.claim(chat, ana)
    with structlog.testing.capture_logs() as logged:
        await office.desk.take_back(await office.store.conversation(chat), "silent")
    assert logged == [
        {
            "event": "chat.taken_back",
            "log_level": "info",
            "conversation_id": chat,
            "agent_id": ana.agent_id,
            "hold": 2,
        }
    ]


async def test_a_wait_that_was_over_once_does_not_count_into_what_others_are_told(office):
    [ana] = await present(office, "Ana")
    chat = await office.open("hello", waiting=True)
    office.clock.advance(10)
    await office.desk.claim(chat, ana)
    office.clock.advance(3600)
    await office.desk.take_back(await office.store.conversation(chat), "silent")
    await office.desk.claim(chat, ana)
    assert await office.desk.queue_place(await office.open("next", waiting=True)) == Place(1, 10)


# Assignment


async def test_nothing_is_assigned_unless_wanted(office, assignment_loop):
    await present(office, "Ana")
    chat = await office.open("hello", waiting=True)
    await assignment_loop.look()
    assert (await office.store.conversation(chat)).state == "queued"


async def test_what_waits_goes_to_the_least_busy_and_says_so(office, assigning):
    ana, ben = await present(office, "Ana", "Ben")
    await office.desk.claim(await office.open("mine", waiting=True), ana)
    chat = await office.open("hello", waiting=True)
    await assigning.look()
    given = (await events(office, chat))[-1]
    assert (given.kind, given.by, given.payload.to, given.payload.to_name) == ("claimed", SYSTEM, ben.agent_id, "Ben")
    assert given.standing.holder.name == "Ben"
    assert await office.desk.claim(chat, ben) == given


async def test_the_queue_is_served_in_its_order_until_no_place_is_left(office, assigning):
    [ana] = await present(office, "Ana", capacity=2)
    chats = []
    for _ in range(4):
        chats.append(await office.open("hello", waiting=True))
        office.clock.advance(1)
    await office.desk.prioritise(chats[3], ana, priority="urgent")
    await assigning.look()
    states = [(await office.store.conversation(chat)).state for chat in chats]
    assert states == ["agent", "queued", "queued", "agent"]


@pytest.mark.parametrize("status", ["away", "offline"])
async def test_who_is_not_online_gets_nothing(office, assigning, status):
    [ana] = await present(office, "Ana")
    await office.desk.attendance.announce(ana, status)
    chat = await office.open("hello", waiting=True)
    await assigning.look()
    assert (await office.store.conversation(chat)).state == "queued"


async def test_of_several_processes_one_assigns_each_chat(office):
    await present(office, "Ana", "Ben", "Cy", capacity=3)
    chats = [await office.open("hello", waiting=True) for _ in range(12)]
    processes = [
        AssignmentLoop(Desk(office.publisher, Attendance(office.store, office.clock)), assign=True) for _ in range(4)
    ]
    await asyncio.gather(*(process.look() for process in processes))
    claimed = [[event for event in await events(office, chat) if event.kind == "claimed"] for chat in chats]
    assert sorted(len(claims) for claims in claimed) == [0] * 3 + [1] * 9
    holders = [claims[0].payload.to_name for claims in claimed if claims]
    assert sorted(holders) == ["Ana"] * 3 + ["Ben"] * 3 + ["Cy"] * 3


async def test_an_assigned_chat_goes_on_to_the_next_where_its_agent_does_nothing_in_it(office, assigning, let_pass):
    ana, ben = await present(office, "Ana", "Ben")
    busy = await office.open("mine", waiting=True)
    await office.desk.claim(busy, ben)
    chat = await office.open("hello", waiting=True)
    await assigning.look()
    assert (await office.store.conversation(chat)).holder.id == ana.agent_id
    await let_pass(110, assigning, alive=[ana, ben])
    await office.append(
        chat, (Author("visitor", None, (await office.store.conversation(chat)).visitor_id), VisitorSaid("?"))
    )
    await let_pass(10, assigning, alive=[ana, ben])
    [back] = await released(office, chat)
    assert (back.by, back.payload.reason) == (SYSTEM, "Ana did not answer within 2 minutes")
    assert (await office.store.conversation(chat)).holder.id == ben.agent_id


@pytest.mark.parametrize("command", ["say", "note"])
async def test_an_agent_who_begins_keeps_what_was_assigned(office, assigning, let_pass, command):
    [ana] = await present(office, "Ana")
    chat = await office.open("hello", waiting=True)
    await assigning.look()
    await getattr(office.desk, command)(chat, ana, text="I am on it")
    await let_pass(600, assigning, alive=[ana])
    assert await released(office, chat) == []


async def test_who_released_a_chat_does_not_get_it_back_next(office, assigning, let_pass):
    ana, ben = await present(office, "Ana", "Ben")
    for _ in range(2):
        await office.desk.claim(await office.open("mine", waiting=True), ben)
    chat = await office.open("hello", waiting=True)
    await assigning.look()
    await office.desk.release(chat, ana, reason="not mine")
    await assigning.look()
    assert (await office.store.conversation(chat)).holder.id == ben.agent_id


async def test_skills_and_language_are_heeded(office, assigning):
    [ana] = await present(office, "Ana")
    await office.accounts.set_skills(ana.email, skills=["billing"], languages=["DE-at"])
    ben = await office.agent("Ben")
    await office.accounts.set_skills(ben.email, skills=["returns"], languages=[])
    await office.desk.attendance.renew(ben)
    chat = await office.open("hello")
    await office.append(chat, (SYSTEM, Tagged(("billing",))))
    await office.append(chat, (SYSTEM, HandoffRequested("policy")))
    await assigning.look()
    assert (await office.store.conversation(chat)).holder.id == ana.agent_id


async def test_the_loop_looks_until_it_is_cancelled(office, assigning):
    [ana] = await present(office, "Ana")
    running = asyncio.create_task(assigning.run())
    await asyncio.sleep(0)
    chat = await office.open("hello", waiting=True)
    for _ in range(5):
        await asyncio.sleep(0)
        office.clock.advance(2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert (await office.store.conversation(chat)).holder.id == ana.agent_id
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
