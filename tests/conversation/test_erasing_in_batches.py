"""A long conversation is erased in batches: whoever is killed between two of them leaves one that is found and finished."""

import itertools
from datetime import timedelta

import pytest

from conversation.events import Author, Closed, ContactLeft, Opened, Rated
from conversation.projections import desk_form
from conversation.sql.statements import erasing
from conversation.state import fold
from conversation.values import Append, Draft

BATCH = 3
SAID = 9  # messages, each with a number of its own; with what else is said, four batches and a rest
EMAIL = "ada@secret.example"
VISITOR = Author("visitor", "Ada Secret", "v1")

pytestmark = pytest.mark.parametrize("cluster", ["sqlite", "postgres"], indirect=True)


class KilledError(Exception):
    """Nothing of what went on is stored."""


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(erasing, "EVENTS_AT_ONCE", BATCH)


@pytest.fixture
def killed_after(monkeypatch):
    """Erase, and be killed while the batch after so many is overwritten."""

    async def erase(store, at, batches):
        done, real = itertools.count(), erasing.overwrite

        def overwrite(connection, order, batch):
            went_on = real(connection, order, batch)
            if next(done) == batches:
                raise KilledError
            return went_on

        with monkeypatch.context() as patch:
            patch.setattr(erasing, "overwrite", overwrite)
            with pytest.raises(KilledError):
                await store.erase("c1", at)

    return erase


@pytest.fixture
async def long_talk(cluster, talk):
    """A closed conversation in which the only trace of an address stands near the beginning."""
    opened = Opened(page={"url": "https://secret.example/", "title": "secret"})
    drafts = [Draft(VISITOR, opened), Draft(VISITOR, ContactLeft(EMAIL))]
    await cluster.store.append(Append("c1", cluster.clock.now(), lambda now: drafts))
    for number in range(SAID):
        await talk.say(f"secret {number}")
    await talk.do(VISITOR, Rated(3, helpful=True))
    await talk.do(VISITOR, Closed("visitor"))
    cluster.clock.advance(60)
    return await cluster.store.events("c1")


def told(events):
    return {seq for event in events if event.kind == "redacted" for seq in event.payload.seqs}


def changed(before, after):
    return {old.seq for old, new in zip(before, after, strict=False) if old != new}


@pytest.mark.parametrize("batches", range(4))
async def test_whoever_is_killed_leaves_what_is_found_and_the_next_finishes_it(
    cluster, long_talk, killed_after, batches
):
    await killed_after(cluster.store, cluster.clock.now(), batches)
    between = await cluster.other.events("c1")
    assert len(changed(long_talk, between)) == max(0, batches * BATCH - 1)  # not the address, by which it is found
    assert not (await cluster.other.conversation("c1")).erased
    assert (await cluster.other.holdings(email=EMAIL)).conversation_ids == ("c1",)
    assert [head.conversation_id for head in await cluster.other.closed_before(cluster.clock.now(), limit=9)] == ["c1"]
    assert told(between) == set()

    done = await cluster.other.erase("c1", cluster.clock.now())
    events = await cluster.store.events("c1")
    assert [event.seq for event in events] == list(range(1, len(long_talk) + 2))
    assert [event.event_id for event in events][: len(long_talk)] == [event.event_id for event in long_talk]
    assert done.conversation == await cluster.store.conversation("c1") == fold(events)
    assert done.conversation.erased
    assert done.count == len(told(events))
    assert told(events) >= changed(long_talk, events)
    assert not any("ecret" in str(desk_form(event)) for event in events)
    assert await cluster.store.mentions(["secret"]) == ()


async def test_no_transaction_has_more_than_a_batch(cluster, long_talk, monkeypatch):
    sizes, real = [], erasing.overwrite
    monkeypatch.setattr(
        erasing, "overwrite", lambda c, order, batch: sizes.append(len(batch.rows)) or real(c, order, batch)
    )
    done = await cluster.store.erase("c1", cluster.clock.now())
    assert sizes == [2, 3, 3, 3]
    events = await cluster.store.events("c1")
    assert told(events) == changed(long_talk, events)
    assert done.count == len(told(events))


async def test_what_is_said_after_it_was_killed_goes_too(cluster, talk, long_talk, killed_after):
    await killed_after(cluster.store, cluster.clock.now(), 2)
    await talk.say("secret again", visitor_id="v1")
    before = await cluster.store.events("c1")
    await cluster.store.erase("c1", cluster.clock.now())
    assert await cluster.store.mentions(["secret"]) == ()
    assert told(await cluster.store.events("c1")) >= changed(long_talk, before)


async def test_what_is_reopened_between_two_batches_is_left_as_it_is(cluster, talk, long_talk, killed_after):
    before = cluster.clock.now()
    await killed_after(cluster.store, before, 1)
    await talk.say("I am back", visitor_id="v1")
    events = await cluster.store.events("c1")
    later = before + timedelta(days=1)
    assert await cluster.store.erase("c1", cluster.clock.now(), unless_changed_since=later) is None
    assert await cluster.store.events("c1") == events


async def test_readers_are_not_told_again_of_what_an_earlier_erasure_finished(cluster, talk, long_talk, killed_after):
    await cluster.store.erase("c1", cluster.clock.now())
    first = told(await cluster.store.events("c1"))
    reopened = len(await cluster.store.events("c1")) + 1
    for number in range(SAID):
        await talk.say(f"secret again {number}", visitor_id="v1")
    await killed_after(cluster.store, cluster.clock.now(), 1)
    await cluster.other.erase("c1", cluster.clock.now())
    events = await cluster.store.events("c1")
    again = {seq for event in events[reopened:] if event.kind == "redacted" for seq in event.payload.seqs}
    assert not first & again
    assert again >= {event.seq for event in events[reopened:] if event.kind == "visitor_said"}
    assert await cluster.store.mentions(["secret"]) == ()
