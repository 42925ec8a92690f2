"""What is owed is told until it is told: once where all goes well, again where it does not, and not for ever."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from conversation.bus import LocalBus
from conversation.clock import ManualClock
from conversation.errors import StorageUnavailable
from conversation.events import SYSTEM, Author, Closed, HandoffRequested, Opened, VisitorSaid
from conversation.memory import MemoryStore
from conversation.publisher import Publisher
from conversation.values import Draft
from handoff.outbound import dispatcher
from handoff.outbound.dispatcher import Delivered, Failed, Later, MemoryNotifier, OutboxDispatcher, retry_in_s

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADA = Author("visitor", "Ada Secret", "v1")
WORDS = "my card is 4111-secret"
DAY_S = 24 * 3600.0


class Post:
    """A store from which calls for a person and ends go to `webhook`, and who brings them there."""

    def __init__(self):
        self.clock = ManualClock(NOON)
        subscriptions = {"handoff_requested": ("webhook",), "closed": ("webhook", "email")}
        self.store = MemoryStore(clock=self.clock, subscriptions=subscriptions)
        self.publisher = Publisher(self.store, LocalBus(), self.clock)
        self.notifiers = {"webhook": MemoryNotifier(), "email": MemoryNotifier()}
        self.results = Counter()
        self.timed_out = asyncio.Event()

    def dispatcher(self, **more):
        def observe(target, result):
            self.results[target, result] += 1
            if (target, result) == ("email", "put_off"):
                self.timed_out.set()

        return OutboxDispatcher(self.store, self.clock, self.notifiers, observe=observe, random=lambda: 0.5, **more)

    async def queued(self, conversation_id="c1"):
        who = Author("visitor", "Ada Secret", f"v {conversation_id}")
        drafts = [Draft(who, Opened()), Draft(who, VisitorSaid(WORDS)), Draft(who, HandoffRequested("visitor_asked"))]
        await self.publisher.append(conversation_id, lambda _: drafts)

    async def close(self, conversation_id="c1"):
        await self.publisher.append(conversation_id, lambda _: [Draft(SYSTEM, Closed("done"))])

    @asynccontextmanager
    async def carrying(self, **more):
        running = asyncio.create_task(self.dispatcher(**more).run())
        await self.settled()
        try:
            yield
        finally:
            running.cancel()
            await asyncio.wait([running])

    async def settled(self):
        for _ in range(50):
            await asyncio.sleep(0)

    async def after(self, seconds):
        """Let so much time pass for the dispatcher, which looks every second."""
        self.clock.advance(seconds)
        await self.settled()
        self.clock.advance(dispatcher.LOOK_EVERY_S)
        await self.settled()

    @property
    def hook(self):
        return self.notifiers["webhook"]


@pytest.fixture
def post():
    return Post()


async def test_each_target_is_told_once_and_then_nothing_is_owed(post):
    await post.queued()
    await post.close()
    async with post.carrying():
        await post.after(10 * DAY_S)
    assert [notice.event.kind for notice in post.hook.notices] == ["handoff_requested", "closed"]
    assert [notice.event.kind for notice in post.notifiers["email"].notices] == ["closed"]
    assert post.results == {("webhook", "sent"): 2, ("email", "sent"): 1}
    assert post.store._tables.notices == {}


async def test_a_notice_carries_the_event_how_things_stand_now_and_a_name_of_its_own(post):
    await post.queued()
    await post.close()
    async with post.carrying():
        pass
    first, second = post.hook.notices
    assert (first.event.seq, first.conversation.state) == (3, "closed")
    assert first.notice_id == f"msg_{first.event.event_id}" != second.notice_id


async def test_what_could_not_be_told_is_told_later_and_later_under_the_same_name(post):
    await post.queued()
    post.hook.verdict = Failed("status 500")
    async with post.carrying():
        counts = [len(post.hook.notices)]
        for wait_s in (4, 1, 19, 1, 79, 1):
            await post.after(wait_s - dispatcher.LOOK_EVERY_S)
            counts.append(len(post.hook.notices))
        assert counts == [1, 1, 2, 2, 3, 3, 4]
        assert (await post.store.undelivered())[0].count == 1
        post.hook.verdict = Delivered()
        await post.after(320)
    assert len({notice.notice_id for notice in post.hook.notices}) == 1
    assert post.results == {("webhook", "put_off"): 4, ("webhook", "sent"): 1}


async def test_after_three_days_it_is_given_up_and_the_log_says_so(post):
    await post.queued()
    post.hook.verdict = Failed("status 500")
    with capture_logs() as logged:
        async with post.carrying():
            for _ in range(100):
                await post.after(3600)
    assert post.results["webhook", "given_up"] == 1
    assert 15 <= len(post.hook.notices) <= 25
    (given_up,) = [line for line in logged if line["event"] == "notice.given_up"]
    assert (given_up["log_level"], given_up["conversation_id"], given_up["problem"]) == ("error", "c1", "status 500")
    assert 3 * DAY_S <= given_up["age_s"] <= 3 * DAY_S + dispatcher.LONGEST_WAIT_S + 3600
    assert post.store._tables.notices == {}


async def test_who_is_gone_for_good_is_left_alone_at_once(post):
    await post.queued()
    post.hook.verdict = Failed("status 410", final=True)
    async with post.carrying():
        await post.after(DAY_S)
    assert len(post.hook.notices) == 1
    assert post.results == {("webhook", "given_up"): 1}


async def test_a_target_that_asks_for_time_gets_it_within_bounds(post):
    await post.queued()
    post.hook.verdict = Failed("status 429", after_s=600)
    async with post.carrying():
        await post.after(590)
        assert len(post.hook.notices) == 1
        post.hook.verdict = Failed("status 429", after_s=float("inf"))
        await post.after(10)
        assert len(post.hook.notices) == 2
        await post.after(dispatcher.LONGEST_WAIT_S)
        assert len(post.hook.notices) == 3


async def test_looking_again_is_no_failure_and_ends_too(post):
    await post.queued()
    post.hook.verdict = Later(3600)
    async with post.carrying():
        for _ in range(80):
            await post.after(3600)
    assert post.results == {("webhook", "given_up"): 1}
    assert await post.store.undelivered() == ()


async def test_a_notifier_that_breaks_down_or_hangs_is_a_failure_like_any_other(post):
    class Broken:
        async def tell(self, notice):
            raise ZeroDivisionError

    class Hanging:
        async def tell(self, notice):
            await asyncio.Event().wait()

    await post.queued()
    await post.close()
    post.notifiers = {"webhook": Broken(), "email": Hanging()}
    with capture_logs() as logged:
        async with post.carrying(attempt_s=0.01):
            await asyncio.wait_for(post.timed_out.wait(), 5)
    assert post.results == {("webhook", "put_off"): 2, ("email", "put_off"): 1}
    problems = {line["problem"] for line in logged if line["event"] == "notice.put_off"}
    assert problems == {"ZeroDivisionError", "no answer within 0.01 s"}


async def test_a_target_that_hangs_holds_up_no_other_and_bounds_are_kept(post):
    class Slow:
        at_once = most = 0
        go = asyncio.Event()

        async def tell(self, notice):
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            await self.go.wait()
            self.at_once -= 1
            return Delivered()

    slow = Slow()
    post.notifiers["webhook"] = slow
    for n in range(30):
        await post.queued(f"c{n}")
    await post.close("c0")
    async with post.carrying():
        assert post.results == {("email", "sent"): 1}
        assert slow.at_once == dispatcher.AT_ONCE
        slow.go.set()
        await post.settled()
        await post.settled()
    assert post.results["webhook", "sent"] == 31  # without another look: where as many came as fit, there may be more
    assert slow.most == dispatcher.AT_ONCE


async def test_a_notice_under_way_when_the_process_ends_is_told_by_another(post):
    class Hanging:
        async def tell(self, notice):
            await asyncio.Event().wait()

    first, post.notifiers["webhook"] = post.hook, Hanging()
    await post.queued()
    async with post.carrying():
        pass
    post.notifiers["webhook"] = first
    async with post.carrying():
        assert first.notices == []
        await post.after(dispatcher.LEASE_S)
    assert len(first.notices) == 1


async def test_nobody_is_told_what_was_erased(post):
    await post.queued()
    (lease,) = await post.store.take_notices("webhook", 1, lease_s=60)
    await post.store.erase("c1", NOON)
    assert await post.store.take_notices("webhook", 1, lease_s=60) == ()
    await post.dispatcher()._deliver(lease)  # as a worker that had it when the erasure came
    assert post.hook.notices == []
    assert post.results == {("webhook", "needless"): 1}


async def test_a_database_that_is_away_ends_nothing(post):
    await post.queued()
    away = True

    class Shaky:
        def __getattr__(self, name):
            if away:
                raise_unavailable = StorageUnavailable("the database is away")

                async def fail(*_args, **_more):
                    raise raise_unavailable

                return fail
            return getattr(store, name)

    store, post.store = post.store, Shaky()
    with capture_logs() as logged:
        async with post.carrying():
            await post.after(10)
            assert post.hook.notices == []
            away = False
            await post.after(10)
            assert len(post.hook.notices) == 1
    assert {line["event"] for line in logged} == {"notices.not_read"}


async def test_a_notice_that_cannot_be_settled_is_told_again_under_the_same_name(post):
    await post.queued()

    class Forgetful:
        async def settle_notice(self, lease):
            raise StorageUnavailable("the database is away")

        def __getattr__(self, name):
            return getattr(store, name)

    store, post.store = post.store, Forgetful()
    with capture_logs() as logged:
        async with post.carrying():
            post.store.__class__.settle_notice = lambda self, lease: store.settle_notice(lease)
            await post.after(dispatcher.LEASE_S)
    assert len(post.hook.notices) == 2
    assert len({notice.notice_id for notice in post.hook.notices}) == 1
    assert [line["event"] for line in logged] == ["notice.not_settled"]


async def test_the_log_holds_nothing_that_was_written(post):
    await post.queued()
    post.hook.verdict = Failed("status 500")
    with capture_logs() as logged:
        async with post.carrying():
            await post.after(5 * DAY_S)
    assert logged
    assert "secret" not in str(logged).lower()


async def test_without_targets_nobody_looks(post):
    await post.queued()
    post.notifiers = {}
    await asyncio.wait_for(post.dispatcher().run(), 1)
    assert [lease.fence for lease in await post.store.take_notices("webhook", 10, lease_s=60)] == [1]


def test_waiting_grows_and_is_spread_and_bounded():
    steady = [retry_in_s(failures, lambda: 0.5) for failures in range(1, 9)]
    assert steady == [5, 20, 80, 320, 1280, 5120, 20480, dispatcher.LONGEST_WAIT_S]
    assert retry_in_s(3, lambda: 0.0) == 40
    assert retry_in_s(3, lambda: 1.0) == 120
    assert retry_in_s(10_000, lambda: 0.5) == dispatcher.LONGEST_WAIT_S
