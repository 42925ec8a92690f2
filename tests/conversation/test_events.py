"""What is stored of an event, what comes back, and what of it a visitor may see."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import orjson
import pytest

from conversation import events as vocabulary
from conversation.events import (
    AgentSaid,
    Author,
    BotSaid,
    Choice,
    Citation,
    Claimed,
    Closed,
    ContactLeft,
    Event,
    HandoffRequested,
    Holder,
    Known,
    Mood,
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
    revive,
    rfc3339,
    stored_body,
)
from conversation.projections import desk_form, visitor_form

AT = datetime(2026, 11, 21, 9, 30, 0, 125000, tzinfo=UTC)
ANNA = Author("agent", "Anna", "anna-id")
HELD = Standing("agent", Holder("agent", "Anna", "anna-id"), 3)
CITATION = Citation("refunds", "Refunds", "How long it takes", "/help/refunds#how-long", "Five days.")

# every kind, no field left at its default
EVERY_KIND = [
    Opened("shop", "de", {"url": "https://shop.example/cart?user=7", "title": "Cart"}),
    VisitorSaid("where is my order?"),
    BotSaid(
        "In five days. From [Refunds](/help/refunds).",
        "answer",
        (2, 3),
        (CITATION,),
        0.75,
        "kb1",
        "t1",
        "frustrated",
        offers_person=True,
        choices=(Choice("article", "And abroad?", "abroad"), Choice("person", "Talk to us")),
        passage="passage: in five days",
        failed=True,
        mood=Mood(0.8, "asked the same twice"),
        trace={"query": "order"},
    ),
    AgentSaid("Let me look."),
    NoteAdded("visitor sounds angry"),
    HandoffRequested("frustrated", "swore three times", "high"),
    Claimed("ben-id", "Ben"),
    Released("lunch"),
    Transferred("ben-id", "Ben", "knows refunds"),
    ReturnedToBot(),
    Closed("spam"),
    Reopened(),
    Rated(3, helpful=False, comment="wrong"),
    Surveyed(4, "fine"),
    ContactLeft("ada@example.org", "Ada"),
    Tagged(("refund", "vip")),
    PrioritySet("urgent"),
    Redacted((2, 3)),
]
ENVELOPE = {"seq", "event_id", "at", "kind", "by", "client_id"}
STANDING = {"state", "holder", "hold"}

# The contract's fields, less what a visitor must not see; kinds that are missing here are hidden
VISITORS_SEE = {
    "opened": {"site", "locale"},
    "visitor_said": {"text"},
    "bot_said": {
        "text",
        "outcome",
        "answers",
        "citations",
        "confidence",
        "kb_version",
        "turn_id",
        "offers_person",
        "choices",
        "suggestions",
    },
    "agent_said": {"text"},
    "handoff_requested": set(),
    "claimed": set(),
    "released": set(),
    "transferred": set(),
    "returned_to_bot": set(),
    "closed": set(),
    "reopened": set(),
    "rated": {"of", "helpful", "comment"},
    "surveyed": {"score", "comment"},
    "contact_left": {"email", "name"},
    "redacted": {"seqs"},
}

every_kind = pytest.mark.parametrize("payload", EVERY_KIND, ids=lambda payload: payload.kind)


def event(payload, *, by=ANNA, standing=None):
    return Event("c1", 4, "e4", AT, by, payload, "k1", standing)


def stored_and_read(payload, version=vocabulary.VERSION):
    return revive(payload.kind, version, orjson.loads(orjson.dumps(stored_body(payload))))


def test_the_examples_cover_every_kind_with_every_field_set():
    assert [type(payload) for payload in EVERY_KIND] == list(get_args(Known))
    for payload in EVERY_KIND:
        for field in fields(payload):
            assert getattr(payload, field.name) not in (None, "", (), {}, "default", "normal")


@every_kind
@pytest.mark.parametrize("standing", [None, HELD], ids=["stays", "moves"])
def test_every_kind_comes_back_from_storage_as_it_was(payload, standing):
    assert stored_and_read(event(payload, standing=standing)) == (payload, standing)


@every_kind
def test_a_visitor_sees_exactly_the_fields_that_are_theirs(payload):
    form = visitor_form(event(payload, standing=HELD))
    if payload.kind in VISITORS_SEE:
        assert set(form) == ENVELOPE | STANDING | VISITORS_SEE[payload.kind]
        assert form["kind"] == payload.kind
    else:
        assert form == {"seq": 4, "event_id": "e4", "at": "2026-11-21T09:30:00.125000Z", "kind": "hidden"}


@every_kind
def test_agents_ids_pages_traces_and_remarks_never_reach_a_visitor(payload):
    sent = orjson.dumps(visitor_form(event(payload, standing=HELD))).decode()
    for secret in (
        "anna-id",
        "ben-id",
        "trace",
        "query",
        "frustrated",
        "passage",
        "failed",
        "asked the same",
        "swore",
        "user=7",
        "lunch",
        "knows refunds",
        "spam",
        "angry",
        "vip",
    ):
        assert secret not in sent


@every_kind
def test_agents_read_every_field(payload):
    form = desk_form(event(payload, standing=HELD))
    derived = {"suggestions"} if isinstance(payload, BotSaid) else set()
    assert set(form) == ENVELOPE | STANDING | {field.name for field in fields(payload)} | derived
    assert form["by"] == {"kind": "agent", "name": "Anna", "id": "anna-id"}
    assert form["holder"] == {"kind": "agent", "name": "Anna", "id": "anna-id"}


def test_where_the_holder_stays_no_standing_is_told():
    assert set(visitor_form(event(VisitorSaid("hi")))) == ENVELOPE | {"text"}


def test_an_event_without_a_key_has_no_client_id():
    assert "client_id" not in visitor_form(replace(event(VisitorSaid("hi")), client_id=None))


def test_a_citation_is_sent_whole():
    form = visitor_form(event(EVERY_KIND[2]))
    assert form["citations"] == [
        {
            "article_id": "refunds",
            "title": "Refunds",
            "heading": "How long it takes",
            "url": "/help/refunds#how-long",
            "quote": "Five days.",
        }
    ]


def test_what_may_be_pressed_is_sent_whole_and_as_labels_for_older_clients():
    form = visitor_form(event(EVERY_KIND[2]))
    assert form["choices"] == [
        {"kind": "article", "label": "And abroad?", "article_id": "abroad"},
        {"kind": "person", "label": "Talk to us", "article_id": None},
    ]
    assert form["suggestions"] == ["And abroad?", "Talk to us"]


def test_a_kind_from_the_future_moves_the_cursor_and_keeps_its_standing():
    body = {"length_s": 12, "state": "agent", "holder": {"kind": "agent", "name": "Anna", "id": "anna-id"}, "hold": 3}
    payload, standing = revive("call_recorded", 1, body)
    assert (payload, standing) == (Unknown("call_recorded", {"length_s": 12}), HELD)
    assert stored_and_read(event(payload, standing=standing)) == (payload, standing)
    assert visitor_form(event(payload, standing=standing))["kind"] == "hidden"


def test_a_version_from_the_future_is_not_guessed_at():
    payload, standing = stored_and_read(event(VisitorSaid("hi"), standing=HELD), version=vocabulary.VERSION + 1)
    assert (payload, standing) == (Unknown("visitor_said", {"text": "hi"}), HELD)


def test_fields_that_were_added_later_are_skipped():
    assert revive("visitor_said", 1, {"text": "hi", "mood": "sunny"}) == (VisitorSaid("hi"), None)


def test_older_versions_are_raised_step_by_step(monkeypatch):
    steps = {
        ("agent_said", 1): lambda body: {"words": body["message"]},
        ("agent_said", 2): lambda body: {"text": body["words"].strip()},
    }
    monkeypatch.setattr(vocabulary, "UPCASTS", steps)
    monkeypatch.setattr(vocabulary, "VERSION", 3)
    assert revive("agent_said", 1, {"message": " hi "}) == (AgentSaid("hi"), None)
    assert revive("agent_said", 2, {"words": " hi "}) == (AgentSaid("hi"), None)
    assert revive("agent_said", 3, {"text": "hi"}) == (AgentSaid("hi"), None)
    assert revive("visitor_said", 1, {"text": "hi"}) == (VisitorSaid("hi"), None)


def test_moments_are_told_in_utc():
    east = timezone(timedelta(hours=2))
    assert rfc3339(datetime(2026, 11, 21, 11, 30, tzinfo=east)) == "2026-11-21T09:30:00.000000Z"
