"""The outbox of notices, for every store: what is owed to whom, who has it, and that nothing of it is lost."""

import asyncio
from dataclasses import replace

import pytest

from conversation.errors import IllegalTransition
from conversation.events import SYSTEM, Author, Closed, ContactLeft, HandoffRequested, VisitorSaid
from conversation.values import NoticeLease

VISITOR = Author("visitor", None, "v1")
LEASE_S = 3600.0  # by the database's clock: a test ends it in the row itself
HOOK, MAIL = "webhook", "email"  # what conftest subscribes: both to calls for a person, the webhook to `closed` too


async def take(store, target=HOOK, limit=10):
    return await store.take_notices(target, limit, lease_s=LEASE_S)


def names(leases):
    return [(lease.conversation_id, lease.seq, lease.target) for lease in leases]


async def test_an_event_owes_a_notice_to_each_of_its_targets_and_other_kinds_to_nobody(notified):
    await notified.talk.queued()
    assert names(await take(notified.store)) == [("c1", 3, HOOK)]
    assert names(await take(notified.store, MAIL)) == [("c1", 3, MAIL)]
    await notified.talk.close()
    assert names(await take(notified.store)) == [("c1", 4, HOOK)]
    assert await take(notified.store, MAIL) == ()


async def test_without_subscriptions_nothing_is_owed(cluster, talk):
    await talk.queued()
    await talk.close()
    assert await take(cluster.store) == ()
    assert await cluster.store.undelivered() == ()


async def test_a_command_that_is_sent_again_or_refused_owes_nothing(notified):
    await notified.talk.say()
    for _ in range(2):
        await notified.talk.do(VISITOR, HandoffRequested("visitor_asked"), client_id="k1")
    with pytest.raises(IllegalTransition):
        await notified.talk.do(SYSTEM, Closed(), VisitorSaid("too late"))
    assert names(await take(notified.store)) == [("c1", 3, HOOK)]


async def test_all_events_of_one_command_are_told(notified):
    await notified.talk.say()
    await notified.talk.do(VISITOR, HandoffRequested("visitor_asked"), Closed("visitor"))
    assert names(await take(notified.store)) == [("c1", 3, HOOK), ("c1", 4, HOOK)]


async def test_a_notice_is_had_by_one_worker_at_a_time(notified):
    for n in range(6):
        await notified.talk.queued(f"c{n}", visitor_id=f"v{n}")
    stores = (notified.store, notified.other) * 3
    taken = await asyncio.gather(*(take(store, limit=2) for store in stores))
    assert sorted(lease.conversation_id for some in taken for lease in some) == [f"c{n}" for n in range(6)]
    assert max(map(len, taken)) <= 2
    assert await take(notified.store) == ()


async def test_what_has_been_due_longest_is_taken_first(notified):
    for n in range(3):
        await notified.talk.queued(f"c{n}", visitor_id=f"v{n}")
        notified.clock.advance(0.001)
        await asyncio.sleep(0.002)  # the databases' own clocks tick in milliseconds
    assert [lease.conversation_id for lease in await take(notified.store, limit=2)] == ["c0", "c1"]


async def test_a_dead_workers_notice_is_taken_by_another_and_its_late_word_changes_nothing(notified):
    await notified.talk.queued()
    (dead,) = await take(notified.store)
    await notified.expire_leases()
    (taken,) = await take(notified.other)
    assert (names([taken]), taken.fence) == (names([dead]), dead.fence + 1)
    assert not await notified.store.settle_notice(dead)
    assert not await notified.store.put_off_notice(dead, 0, failed=True)
    assert await notified.store.undelivered() == ()
    assert await take(notified.store) == ()
    assert await notified.other.settle_notice(taken)
    assert not await notified.other.settle_notice(taken)
    await notified.expire_leases()
    assert await take(notified.store) == ()


async def test_a_lease_that_ran_out_still_settles_where_nobody_took_it(notified):
    await notified.talk.queued()
    (lease,) = await take(notified.store)
    await notified.expire_leases()
    assert await notified.store.settle_notice(lease)
    assert await take(notified.store) == ()


async def test_what_was_put_off_is_due_after_the_time_and_remembers_its_failures(notified):
    await notified.talk.queued()
    (first,) = await take(notified.store)
    assert first.failures == 0
    assert 0 <= first.age_s < 60
    assert await notified.store.put_off_notice(first, 3600, failed=True)
    assert await take(notified.other) == ()
    await notified.expire_leases()
    (second,) = await take(notified.other)
    assert (second.fence, second.failures) == (first.fence + 1, 1)
    assert await notified.other.put_off_notice(second, 0, failed=False)
    (third,) = await take(notified.store)
    assert (third.fence, third.failures) == (second.fence + 1, 1)


async def test_what_failed_is_counted_by_target(notified):
    for n in range(3):
        await notified.talk.queued(f"c{n}", visitor_id=f"v{n}")
    for lease in await take(notified.store, limit=2):
        await notified.store.put_off_notice(lease, 60, failed=True)
    (mail, *_) = await take(notified.store, MAIL)
    await notified.store.put_off_notice(mail, 60, failed=True)
    assert [(backlog.target, backlog.count) for backlog in await notified.other.undelivered()] == [(MAIL, 1), (HOOK, 2)]
    assert all(0 <= backlog.oldest_s < 60 for backlog in await notified.store.undelivered())


async def test_a_notice_that_nobody_has_cannot_be_settled(notified):
    await notified.talk.queued()
    (lease,) = await take(notified.store)
    for other in ({"seq": 2}, {"target": MAIL}, {"conversation_id": "c2"}, {"fence": 7}):
        assert not await notified.store.settle_notice(replace(lease, **other))
    assert not await notified.store.settle_notice(NoticeLease("nowhere", 1, HOOK, 1, 0, 0.0))
    assert await notified.store.settle_notice(lease)


async def test_nobody_is_told_of_an_erased_conversation(notified):
    await notified.talk.queued()
    await notified.talk.queued("c2", visitor_id="v2")
    await notified.talk.do(VISITOR, ContactLeft("ada@example.org"))
    (lease,) = await take(notified.store, limit=1)
    await notified.store.erase("c1", notified.clock.now())
    assert not await notified.store.settle_notice(lease)
    assert names(await take(notified.store)) == [("c2", 3, HOOK)]
    assert names(await take(notified.store, MAIL)) == [("c2", 3, MAIL)]
