"""The logs that Python and JavaScript fold alike: frames as a visitor's browser receives them."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from conversation.events import VERSION, Author, Event, Unknown, revive
from conversation.projections import VISIBLE, visitor_form
from conversation.state import fold

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.json"))
ENVELOPE = {"seq", "event_id", "at", "kind", "by", "client_id"}

golden = pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)


def read(frame):
    """The event of a frame; where a visitor may not see enough of it, only its number and standing."""
    body = {name: value for name, value in frame.items() if name not in ENVELOPE}
    try:
        payload, standing = revive(frame["kind"], VERSION, body)
    except ValidationError:
        payload, standing = revive("hidden", VERSION, body)
    by = frame.get("by", {"kind": "system", "name": None})
    author, at = Author(by["kind"], by["name"]), datetime.fromisoformat(frame["at"])
    return Event("c1", frame["seq"], frame["event_id"], at, author, payload, frame.get("client_id"), standing)


def messages(events):
    gone = {seq for event in events if event.kind == "redacted" for seq in event.payload.seqs}
    said = ("visitor_said", "bot_said", "agent_said")
    return [
        {"by": event.by.kind, "text": event.payload.text}
        for event in events
        if event.kind in said and event.seq not in gone
    ]


def test_there_are_golden_logs():
    assert GOLDEN


@golden
def test_golden_logs_come_to_what_they_say(path):
    log = json.loads(path.read_text("utf-8"))
    events = [read(frame) for frame in log["events"]]
    now, expect = fold(events), log["expect"]
    assert (now.state, {"kind": now.holder.kind, "name": now.holder.name}) == (expect["state"], expect["holder"])
    assert (now.hold, now.seq) == (expect["hold"], expect["seq"])
    assert messages(events) == expect["messages"]


@golden
def test_golden_frames_are_what_the_server_sends(path):
    for frame in json.loads(path.read_text("utf-8"))["events"]:
        event = read(frame)
        if frame["kind"] in VISIBLE and not isinstance(event.payload, Unknown):
            sent = visitor_form(event)
            left_out = set(sent) - set(frame)
            assert {name: sent[name] for name in frame} == frame
            assert {name: sent[name] for name in left_out} == dict.fromkeys(left_out)  # `comment?` may be null
