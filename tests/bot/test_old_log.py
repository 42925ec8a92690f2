"""Conversations that were stored before a reply said in fields what the bot did go on as they would have."""

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import orjson
import pytest

from bot.answer.rejection.rejected_answers import failures_in_a_row
from bot.answer.transcript import transcript_of
from conversation.clock import ManualClock
from conversation.events import Author, BotSaid, Choice, Event, Mood, VisitorSaid, revive
from conversation.projections import desk_form, visitor_form
from conversation.sql.backup import sqlite as backup
from conversation.sql.sqlite import SqliteStore
from conversation.state import fold
from conversation.values import Append, Draft
from retrieval.articles.article import parse
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder
from tests.bot.conftest import ARTICLES, NOON, lobby_over

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data/log_version_1.jsonl").read_text("utf-8").splitlines()
]
NAMES = ("refused", "asked_back", "nobody", "frustrated", "twice")
DEVICES = {
    "lamp": "# Reset the lamp\n\nTo reset it, hold the button until it clicks. Ten moments later green light fills rooms.\n",
    "camera": "# Reset the camera\n\nTo reset it, hold the button until it clicks. Pictures remain while seven profiles vanish quickly.\n",
}


def read(name):
    """The events of one conversation, as a store makes them of its rows."""
    return [
        Event(name, row["seq"], row["event_id"], datetime.fromisoformat(row["at"]), Author(row["by_kind"], None, row["by_id"]),
              *_revived(row))
        for row in ROWS
        if row["conversation_id"] == name
    ]  # fmt: skip


def _revived(row):
    payload, standing = revive(row["kind"], row["v"], row["body"])
    return payload, None, standing


def replies(events):
    return [event.payload for event in events if isinstance(event.payload, BotSaid)]


def test_the_log_is_of_the_first_version_and_its_replies_say_nothing_but_in_words():
    assert {row["v"] for row in ROWS} == {1}
    fields = {field for row in ROWS if row["kind"] == "bot_said" for field in row["body"]}
    assert not fields & {"offers_person", "choices", "passage", "failed", "mood"}


def test_what_the_bot_did_is_read_from_its_words_once():
    _, answer, refusal = replies(read("refused"))
    assert answer.passage == "A refund takes five days to reach your bank account."
    assert (answer.failed, answer.offers_person, answer.choices, answer.mood) == (False, False, (), Mood(0.129, ""))
    person = Choice("person", "Talk to a person")
    assert (refusal.failed, refusal.offers_person, refusal.choices) == (True, True, (person,))
    assert (refusal.reason, refusal.passage) == ("low_confidence", "")
    (back,) = replies(read("asked_back"))
    articles = (Choice("article", "Reset the lamp", "lamp"), Choice("article", "Reset the camera", "camera"))
    assert (back.choices, back.offers_person, back.failed) == ((*articles, person), False, False)
    assert replies(read("twice"))[-1].reason == "repeated_failure"
    assert [said.failed for said in transcript_of(read("twice")) if said.role == "bot"] == [True, False]


@pytest.mark.parametrize(("name", "failures", "state"), [
    ("refused", 1, "bot"), ("asked_back", 0, "bot"), ("nobody", 1, "bot"), ("frustrated", 1, "bot"), ("twice", 1, "queued"),
])  # fmt: skip
def test_an_old_log_adds_up_as_before(name, failures, state):
    events = read(name)
    assert (failures_in_a_row(events, "What do lamps cost?"), fold(events).state) == (failures, state)


@pytest.mark.parametrize("text", [
    "The article says “Would you like to talk to a person?”.",
    "x\n\nThis is from our article [A](/help/a).\n\nThen press it.",
])  # fmt: skip
def test_the_rules_of_the_old_wording_apply_to_old_events_alone(text):
    body = {"text": text, "outcome": "answer", "answers": [2]}
    new, _ = revive("bot_said", 2, body)
    assert (new.offers_person, new.passage) == (False, "")
    old, _ = revive("bot_said", 1, body)
    assert (old.offers_person, old.passage) == ("Would you like" in text, text)


@pytest.mark.parametrize("more", [
    {},
    {"trace": None, "suggestions": None},
    {"trace": {"mood": "?", "reason": "boredom", "offered": "a"}, "suggestions": ["A", "Talk to a person", "B"]},
    {"trace": {"mood": {"score": "1"}, "offered": ["a"]}, "suggestions": ["A", "B"]},
])  # fmt: skip
def test_what_an_old_event_lacks_is_unknown(more):
    read_, _ = revive(
        "bot_said", 1, {"text": "Hm.", "outcome": "clarify", "answers": [], **more, "trace": more.get("trace") or {}}
    )
    assert (read_.mood, read_.reason) == (None, None)
    assert {choice.article_id for choice in read_.choices} <= {None}
    assert list(read_.suggestions) == (more.get("suggestions") or [])


@pytest.fixture
async def old_store(new_sqlite):
    """A SQLite file with these rows in it, as the first version wrote them."""
    store = await SqliteStore.open(new_sqlite, worker="before")
    for name in NAMES:
        for event in read(name):
            await store.append(Append(name, event.at, lambda _, event=event: [Draft(event.by, event.payload)]))
    await store.close()
    with closing(sqlite3.connect(new_sqlite)) as connection, connection:
        for row in ROWS:
            connection.execute(
                "UPDATE events SET v = ?, body = ? WHERE conversation_id = ? AND seq = ?",
                (row["v"], orjson.dumps(row["body"]).decode(), row["conversation_id"], row["seq"]),
            )
    store = await SqliteStore.open(new_sqlite, worker="now")
    yield store, new_sqlite
    await store.close()


async def test_a_store_reads_old_rows_in_todays_form_and_its_row_is_their_sum(old_store):
    store, _ = old_store
    for name in NAMES:
        events = await store.events(name)
        assert [event.payload for event in events] == [event.payload for event in read(name)]
        assert await store.conversation(name) == fold(events)


async def test_a_restored_copy_of_old_rows_is_told_in_todays_form(old_store, tmp_path):
    _, path = old_store
    backup.back_up(path, tmp_path / "copy.db")
    copy = await SqliteStore.open(tmp_path / "copy.db", worker="copy")
    try:
        (event,) = (event for event in await copy.events("asked_back") if event.kind == "bot_said")
    finally:
        await copy.close()
    assert desk_form(event)["choices"][0] == {"kind": "article", "label": "Reset the lamp", "article_id": "lamp"}
    assert visitor_form(event)["suggestions"] == ["Reset the lamp", "Reset the camera", "Talk to a person"]
    assert not {"reason", "passage", "failed", "mood", "trace"} & set(visitor_form(event))


@pytest.mark.parametrize(("name", "says", "outcome", "reason", "cites"), [
    ("refused", "yes", "handoff", "visitor_asked", ()),
    ("refused", "Talk to a person", "handoff", "visitor_asked", ()),
    ("refused", "Why do violins whistle at zebras?", "handoff", "repeated_failure", ()),
    ("asked_back", "yes", "answer", None, ("lamp",)),
    ("asked_back", "Reset the camera", "answer", None, ("camera",)),
    ("nobody", "yes please", "handoff", "visitor_asked", ()),
    ("frustrated", "Download every invoice as a PDF under Billing? You are useless!", "handoff", "frustrated", ()),
    ("frustrated", "yes", "handoff", "visitor_asked", ()),
])  # fmt: skip
async def test_an_old_conversation_goes_on_as_it_would_have(old_store, hashed, name, says, outcome, reason, cites):
    store, _ = old_store
    articles = [parse(text, path=f"{article}.md") for article, text in {**ARTICLES, **DEVICES}.items()]
    lobby = lobby_over(store, ManualClock(NOON), build(articles, HashingEncoder()), hashed)
    await lobby.start()
    try:
        await lobby.agent()
        appended = await lobby.publisher.append(
            name, lambda _: [Draft(Author("visitor", None, f"visitor-{name}"), VisitorSaid(says))]
        )
        lobby.responder.take(appended.lease)
        await lobby.idle()
        reply = replies(await lobby.log(name))[-1]
    finally:
        await lobby.stop()
    assert (reply.outcome, reply.reason) == (outcome, reason)
    assert tuple(citation.article_id for citation in reply.citations) == cites
