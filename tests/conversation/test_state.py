"""Who may do what, in full, and what a conversation comes to."""

from datetime import UTC, datetime, timedelta

import pytest

from conversation.errors import AlreadyClaimed, IllegalTransition, NotHolder, Refused
from conversation.events import (
    BOT,
    SYSTEM,
    AgentSaid,
    Author,
    BotSaid,
    Claimed,
    Closed,
    ContactLeft,
    Event,
    HandoffRequested,
    Holder,
    NoteAdded,
    Opened,
    PrioritySet,
    Rated,
    Redacted,
    Released,
    Reopened,
    ReturnedToBot,
    Standing,
    Surveyed,
    Tagged,
    Transferred,
    Unknown,
    VisitorSaid,
)
from conversation.state import PREVIEW_CHARS, Conversation, apply, fold, permit

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
VISITOR = Author("visitor", None, "v1")
ANNA = Author("agent", "Anna", "anna-id")
BEN = Author("agent", "Ben", "ben-id")

ACTORS = {"visitor": VISITOR, "bot": BOT, "anna": ANNA, "ben": BEN, "system": SYSTEM}
HOLDERS = {
    "bot": Holder("bot"),
    "queued": Holder("queue"),
    "anna": Holder("agent", "Anna", "anna-id"),
    "ben": Holder("agent", "Ben", "ben-id"),
    "closed": Holder("nobody"),
}
PAYLOADS = {
    payload.kind: payload
    for payload in (
        Opened(),
        VisitorSaid("hi"),
        BotSaid("hello", "answer", (2,)),
        AgentSaid("hello"),
        NoteAdded("remark"),
        HandoffRequested("visitor_asked"),
        Claimed("ben-id", "Ben"),  # to whom counts only where the system gives it
        Released(),
        Transferred("ben-id", "Ben"),
        ReturnedToBot(),
        Closed(),
        Reopened(),
        Rated(2, helpful=True),
        Surveyed(5),
        ContactLeft("a@b.example"),
        Tagged(("vip",)),
        PrioritySet("high"),
        Redacted((2,)),
    )
}

# who does what, and what comes of it while the chat is held by the bot, the queue, Anna, nobody.
# `=` the holder stays; `bot`, `queued`, `anna`, `ben`, `closed` the new holder; `!` illegal_transition,
# `!holder` not_holder, `!claimed` already_claimed.
OWNERSHIP = """
                             bot       queued    anna      closed
visitor opened               !         !         !         !
visitor visitor_said         =         =         =         !
bot     bot_said             =         !         !         !
anna    agent_said           !holder   !holder   =         !
ben     agent_said           !holder   !holder   !holder   !
anna    note_added           =         =         =         =
ben     note_added           =         =         =         =
visitor handoff_requested    queued    !         !         !
bot     handoff_requested    queued    !         !         !
system  handoff_requested    queued    !         !         !
anna    claimed              anna      anna      !claimed  !
ben     claimed              ben       ben       !claimed  !
system  claimed              !         ben       !claimed  !
anna    released             !holder   !holder   queued    !
ben     released             !holder   !holder   !holder   !
system  released             !         !         queued    !
anna    transferred          !holder   !holder   ben       !
ben     transferred          !holder   !holder   !holder   !
system  transferred          !         !         ben       !
visitor returned_to_bot      !         bot       !         !
anna    returned_to_bot      !holder   !holder   bot       !
ben     returned_to_bot      !holder   !holder   !holder   !
system  returned_to_bot      !         bot       bot       !
visitor closed               closed    closed    closed    !
anna    closed               !holder   !holder   closed    !
ben     closed               !holder   !holder   !holder   !
system  closed               closed    closed    closed    !
visitor reopened             !         !         !         bot
anna    reopened             !         !         !         bot
system  reopened             !         !         !         bot
visitor rated                =         =         =         =
visitor surveyed             =         =         =         =
visitor contact_left         =         =         =         =
anna    tagged               =         =         =         =
ben     priority_set         =         =         =         =
bot     priority_set         =         =         =         =
system  redacted             =         =         =         =
"""


def ownership():
    header, *lines = OWNERSHIP.strip().splitlines()
    for line in lines:
        actor, kind, *outcomes = line.split()
        for held_by, outcome in zip(header.split(), outcomes, strict=True):
            yield pytest.param(held_by, actor, kind, outcome, id=f"{held_by}-{actor}-{kind}")


def standing(held_by, hold):
    state = "agent" if held_by in ("anna", "ben") else held_by
    return Standing(state, HOLDERS[held_by], hold)


def held(held_by, *, hold=7):
    now = standing(held_by, hold)
    return Conversation("c1", "v1", "default", AT, AT, seq=9, state=now.state, holder=now.holder, hold=hold)


@pytest.mark.parametrize(("held_by", "actor", "kind", "outcome"), list(ownership()))
def test_ownership(held_by, actor, kind, outcome):
    refusals = {"!": IllegalTransition, "!holder": NotHolder, "!claimed": AlreadyClaimed}
    if outcome in refusals:
        with pytest.raises(Refused) as refused:
            permit(held(held_by), ACTORS[actor], PAYLOADS[kind])
        assert type(refused.value) is refusals[outcome]
    else:
        expected = None if outcome == "=" else standing(outcome, 8)
        assert permit(held(held_by), ACTORS[actor], PAYLOADS[kind]) == expected


def test_the_ownership_table_names_every_kind():
    assert {case.values[2] for case in ownership()} == set(PAYLOADS)


def test_a_refused_claim_names_the_holder():
    with pytest.raises(AlreadyClaimed) as refused:
        permit(held("anna"), BEN, Claimed())
    assert (refused.value.claimed_by, refused.value.agent_id) == ("Anna", "anna-id")


def test_a_kind_from_the_future_is_permitted_and_moves_nobody():
    assert permit(held("anna"), SYSTEM, Unknown("call_recorded")) is None


class Log:
    """Events one after another, a second apart, as the store would number them."""

    def __init__(self):
        self.events = []

    def add(self, by, payload):
        now = fold(self.events) if self.events else None
        moved = Standing("bot", Holder("bot"), 0) if now is None else permit(now, by, payload)
        seq = len(self.events) + 1
        self.events.append(Event("c1", seq, f"e{seq}", AT + timedelta(seconds=seq), by, payload, None, moved))
        return self

    @property
    def now(self):
        return fold(self.events)


@pytest.fixture
def log():
    return Log().add(VISITOR, Opened("shop", "de", {"url": "https://shop.example"}))


def test_the_first_event_says_whose_conversation_it_is(log):
    assert log.now == Conversation(
        "c1",
        "v1",
        "shop",
        AT + timedelta(seconds=1),
        AT + timedelta(seconds=1),
        seq=1,
        locale="de",
        page={"url": "https://shop.example"},
    )


def test_nothing_but_opened_begins_a_conversation():
    with pytest.raises(IllegalTransition):
        fold([Event("c1", 1, "e1", AT, VISITOR, VisitorSaid("hi"))])


def test_the_bot_owes_what_it_was_told_until_it_answers(log):
    log.add(VISITOR, VisitorSaid("one")).add(VISITOR, VisitorSaid("two"))
    assert log.now.pending == (2, 3)
    log.add(BOT, BotSaid("1", "answer", (2,)))
    assert log.now.pending == (3,)
    log.add(BOT, BotSaid("2", "answer", (3,)))
    assert log.now.pending == ()


def test_a_change_of_holder_ends_what_the_bot_owes(log):
    log.add(VISITOR, VisitorSaid("one")).add(ANNA, Claimed())
    assert log.now.pending == ()
    log.add(VISITOR, VisitorSaid("two"))
    assert log.now.pending == ()


def test_that_an_agent_gave_the_chat_back_is_known_until_it_is_closed(log):
    log.add(VISITOR, HandoffRequested("visitor_asked")).add(VISITOR, ReturnedToBot())
    assert not log.now.returned
    log.add(ANNA, Claimed()).add(ANNA, ReturnedToBot())
    assert log.now.returned
    log.add(VISITOR, HandoffRequested("visitor_asked")).add(VISITOR, ReturnedToBot())
    assert log.now.returned
    log.add(VISITOR, Closed("visitor")).add(VISITOR, Reopened())
    assert not log.now.returned


def test_waiting_begins_with_the_request_and_ends_with_the_claim(log):
    log.add(VISITOR, HandoffRequested("frustrated", priority="high"))
    assert (log.now.waiting_since, log.now.reason, log.now.priority) == (
        AT + timedelta(seconds=2),
        "frustrated",
        "high",
    )
    log.add(ANNA, Claimed())
    assert (log.now.waiting_since, log.now.reason) == (None, "frustrated")
    log.add(ANNA, Released())
    assert (log.now.waiting_since, log.now.reason) == (AT + timedelta(seconds=4), "frustrated")
    log.add(SYSTEM, ReturnedToBot())
    assert (log.now.waiting_since, log.now.reason) == (None, None)


def test_who_lost_their_agent_waits_as_if_never_served(log):
    log.add(VISITOR, HandoffRequested("visitor_asked")).add(ANNA, Claimed()).add(SYSTEM, Released("silent"))
    assert (log.now.waiting_since, log.now.dropped, log.now.let_go) == (AT + timedelta(seconds=2), True, ("anna-id",))
    log.add(BEN, Claimed())
    assert (log.now.waiting_since, log.now.dropped, log.now.asked_at) == (None, True, AT + timedelta(seconds=2))
    log.add(BEN, Released())
    assert (log.now.waiting_since, log.now.dropped) == (AT + timedelta(seconds=6), False)
    assert log.now.let_go == ("anna-id", "ben-id")
    log.add(ANNA, Claimed()).add(SYSTEM, Released())
    assert (log.now.waiting_since, log.now.let_go) == (AT + timedelta(seconds=2), ("ben-id", "anna-id"))
    log.add(VISITOR, ReturnedToBot())
    assert (log.now.asked_at, log.now.let_go, log.now.dropped, log.now.held_since) == (None, (), False, None)


def test_who_was_taken_from_the_bot_waits_since_then_when_the_agent_is_lost(log):
    log.add(ANNA, Claimed()).add(VISITOR, VisitorSaid("hello?")).add(SYSTEM, Released())
    assert log.now.waiting_since == AT + timedelta(seconds=2)


def test_a_chat_is_assigned_until_its_agent_does_something_in_it(log):
    log.add(VISITOR, HandoffRequested("visitor_asked")).add(SYSTEM, Claimed("ben-id", "Ben"))
    assert (log.now.holder, log.now.assigned, log.now.held_since) == (HOLDERS["ben"], True, AT + timedelta(seconds=3))
    assert log.add(ANNA, NoteAdded("whose is this?")).now.assigned
    assert log.add(VISITOR, VisitorSaid("hello?")).now.assigned
    assert not log.add(BEN, AgentSaid("hello")).now.assigned
    log.add(SYSTEM, Released()).add(SYSTEM, Claimed("ben-id", "Ben")).add(BEN, Transferred("anna-id", "Anna"))
    assert (log.now.assigned, log.now.let_go) == (False, ("ben-id",))


def test_an_address_waits_until_an_agent_takes_the_chat(log):
    log.add(VISITOR, ContactLeft("ada@example.org")).add(VISITOR, Closed())
    assert log.now.contact == "ada@example.org"
    log.add(VISITOR, Reopened()).add(ANNA, Claimed())
    assert log.now.contact is None


def test_tags_and_priority_are_what_was_said_last(log):
    log.add(ANNA, Tagged(("a", "b"))).add(ANNA, Tagged(("c",))).add(ANNA, PrioritySet("low"))
    assert (log.now.tags, log.now.priority) == (("c",), "low")


def test_the_preview_is_one_short_line_of_the_last_message(log):
    log.add(VISITOR, VisitorSaid("  two\n\nlines "))
    assert log.now.preview == "two lines"
    log.add(BOT, BotSaid("x" * 500, "answer", ())).add(ANNA, NoteAdded("not shown"))
    assert log.now.preview == "x" * (PREVIEW_CHARS - 1) + "…"


def test_the_preview_of_one_who_waits_is_what_they_want(log):
    log.add(VISITOR, VisitorSaid("my parcel")).add(VISITOR, HandoffRequested("visitor_asked", "Why: pressed a button"))
    assert log.now.preview == "my parcel"
    log.add(VISITOR, ReturnedToBot()).add(VISITOR, HandoffRequested("visitor_asked", "Wants: “my parcel”\nWhy: asked"))
    assert log.now.preview == "Wants: “my parcel”"
    assert log.add(VISITOR, VisitorSaid("hello?")).now.preview == "Wants: “my parcel”"
    assert log.add(ANNA, Claimed()).add(VISITOR, VisitorSaid("there you are")).now.preview == "there you are"


def test_an_unknown_event_moves_the_cursor_and_whoever_it_says(log):
    before = log.now
    skipped = apply(before, Event("c1", 2, "e2", AT, SYSTEM, Unknown("call_recorded")))
    assert (skipped.seq, skipped.updated_at, skipped.state) == (2, AT, "bot")
    moved = apply(before, Event("c1", 2, "e2", AT, SYSTEM, Unknown("seized"), None, standing("ben", 5)))
    assert (moved.state, moved.holder, moved.hold) == ("agent", HOLDERS["ben"], 5)
