import asyncio

import pytest

from handoff.presence import Attendance


async def test_agent_who_never_said_otherwise_is_online(office):
    agent = await office.agent()
    await office.desk.attendance.renew(agent)
    assert await office.desk.attendance.present() == {agent.agent_id}


@pytest.mark.parametrize("status", ["away", "offline"])
async def test_who_is_away_does_not_open_the_desk_however_busy(office, status):
    agent = await office.agent()
    await office.desk.attendance.announce(agent, status)
    for _ in range(3):
        office.clock.advance(20)
        await office.desk.attendance.renew(agent)
    assert not await office.desk.is_open("default")


async def test_disabled_agent_is_not_present(office):
    agent = await office.agent()
    await office.desk.attendance.renew(agent)
    await office.accounts.disable(agent.email)
    assert not await office.desk.is_open("default")


async def test_requests_renew_at_most_every_fifteen_seconds(office):
    agent = await office.agent()
    await office.desk.attendance.renew(agent)
    office.clock.advance(14.9)
    await office.desk.attendance.renew(agent)
    [kept] = await office.store.presences()
    assert (office.clock.now() - kept.seen_at).total_seconds() == 14.9
    office.clock.advance(0.1)
    await office.desk.attendance.renew(agent)
    [kept] = await office.store.presences()
    assert kept.seen_at == office.clock.now()


async def test_renewal_does_not_bring_back_the_status_that_was_just_changed_in_another_process(office):
    agent = await office.agent()
    here, there = (Attendance(office.store, office.clock) for _ in range(2))
    await here.announce(agent, "online")
    office.clock.advance(20)
    await asyncio.gather(here.renew(agent), there.announce(agent, "away"), here.renew(agent))
    await asyncio.gather(there.renew(agent), here.renew(agent))
    [kept] = await office.store.presences()
    assert (kept.status, kept.seen_at) == ("away", office.clock.now())
