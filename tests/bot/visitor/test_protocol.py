import json
import uuid
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.visitor import protocol
from bot.visitor.protocol import FrameError, Hangup, encode, error_frame, event_frame, parse
from conversation.events import BOT, Author, BotSaid, Event, HandoffRequested, NoteAdded, VisitorSaid

CLIENT_ID = "6f1c6d1e-7f3b-4a5e-9c55-0d8f6f7a9b10"


def say(text: str) -> str:
    return json.dumps({"type": "say", "client_id": CLIENT_ID, "text": text}, ensure_ascii=False)


def refusal(data: str) -> tuple[str, str | None]:
    with pytest.raises(FrameError) as refused:
        parse(data)
    assert str(refused.value)
    return refused.value.code, refused.value.client_id


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"type": "hello", "protocol": 1}, protocol.Hello),
        ({"type": "say", "client_id": CLIENT_ID, "text": "hi"}, protocol.Say),
        ({"type": "typing", "on": True}, protocol.Typing),
        ({"type": "ping"}, protocol.Ping),
        ({"type": "call_human", "client_id": CLIENT_ID}, protocol.CallHuman),
        ({"type": "cancel_human", "client_id": CLIENT_ID}, protocol.CancelHuman),
        ({"type": "rate", "client_id": CLIENT_ID, "seq": 3, "helpful": False, "comment": "no"}, protocol.Rate),
        ({"type": "survey", "client_id": CLIENT_ID, "score": 5}, protocol.Survey),
        ({"type": "contact", "client_id": CLIENT_ID, "email": "a@b.example", "name": "Ada"}, protocol.Contact),
        ({"type": "close", "client_id": CLIENT_ID}, protocol.CloseChat),
    ],
)
def test_every_client_frame_is_read_and_unknown_fields_are_ignored(frame, kind):
    assert type(parse(json.dumps(frame | {"of_the_future": [1]}))) is kind


def test_hello_knows_every_field_of_the_contract():
    hello = {
        "type": "hello",
        "protocol": 1,
        "site": "shop",
        "token": "t",
        "conversation_id": "c",
        "after": 7,
        "fresh": True,
        "locale": "de",
        "page": {"url": "https://shop.example/", "title": "Shop"},
        "identity": {"claims": "{}", "signature": "00"},
    }
    read = parse(json.dumps(hello))
    assert isinstance(read, protocol.Hello)
    assert read.model_dump() == hello


def test_a_hello_says_nothing_but_its_protocol():
    read = parse('{"type":"hello","protocol":1}')
    assert isinstance(read, protocol.Hello)
    assert (read.site, read.token, read.conversation_id, read.after, read.fresh) == ("default", None, None, 0, False)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "hello",
        "null",
        "[]",
        "[" * 5_000,
        '"say"',
        "1",
        "{}",
        '{"type":null}',
        '{"type":["say"]}',
        '{"type":"shout"}',
        '{"type":"hello"}',
        '{"type":"hello","protocol":2}',
        '{"type":"hello","protocol":1,"after":-1}',
        '{"type":"hello","protocol":1,"after":"3"}',
        '{"type":"hello","protocol":1,"after":1e400}',
        '{"type":"say","text":"no client_id"}',
        '{"type":"say","client_id":"1","text":"no UUID"}',
        '{"type":"say","client_id":7,"text":"no UUID"}',
        f'{{"type":"say","client_id":"{CLIENT_ID}","text":7}}',
        f'{{"type":"say","client_id":"{CLIENT_ID}"}}',
        f'{{"type":"rate","client_id":"{CLIENT_ID}","seq":0,"helpful":true}}',
        f'{{"type":"rate","client_id":"{CLIENT_ID}","seq":{2**63},"helpful":true}}',
        f'{{"type":"rate","client_id":"{CLIENT_ID}","seq":1,"helpful":"yes"}}',
        f'{{"type":"survey","client_id":"{CLIENT_ID}","score":0}}',
        f'{{"type":"survey","client_id":"{CLIENT_ID}","score":6}}',
        f'{{"type":"survey","client_id":"{CLIENT_ID}","score":4.5}}',
        f'{{"type":"contact","client_id":"{CLIENT_ID}","email":"nobody"}}',
        f'{{"type":"contact","client_id":"{CLIENT_ID}","email":"a@b c"}}',
        f'{{"type":"contact","client_id":"{CLIENT_ID}"}}',
        '{"type":"typing","on":1}',
        '{"type":"ping",}',
        '{"type":"ping"} {}',
        '{"type":"ping","n":NaN}',
    ],
)
def test_what_is_no_frame_is_a_bad_frame(data):
    assert refusal(data)[0] == "bad_frame"


def test_a_bad_command_names_the_client_id_it_came_with():
    assert refusal(f'{{"type":"survey","client_id":"{CLIENT_ID}","score":9}}') == ("bad_frame", CLIENT_ID)
    assert refusal('{"type":"say","client_id":"mine","text":"x"}') == ("bad_frame", "mine")
    assert refusal(json.dumps({"type": "say", "client_id": "x" * 65, "text": "x"})) == ("bad_frame", None)


def test_a_refusal_does_not_repeat_what_was_written():
    with pytest.raises(FrameError) as refused:
        parse('{"type":"hello","protocol":1,"token":["s3cret"]}')
    assert "s3cret" not in str(refused.value)


def test_text_is_trimmed_and_nul_becomes_the_replacement_character():
    assert parse(say(" \n a\x00b\t ")).text == "a\ufffdb"
    assert parse(say("\x00")).text == "\ufffd"


@pytest.mark.parametrize("text", ["", " ", "\n\t\u00a0\u2003\u3000"])
def test_white_space_alone_is_an_empty_text(text):
    assert refusal(say(text)) == ("empty_text", CLIENT_ID)


@pytest.mark.parametrize("character", ["a", "é", "😀"])
def test_a_text_has_at_most_4000_code_points_after_trimming(character):
    assert parse(say("  " + character * 4_000 + "  ")).text == character * 4_000
    assert refusal(say(character * 4_001)) == ("text_too_long", CLIENT_ID)


@pytest.mark.parametrize("data", [say("\ud83d"), say("?").replace("?", r"\ude00")])
def test_a_lone_surrogate_is_a_bad_frame_raw_or_escaped(data):
    assert refusal(data)[0] == "bad_frame"


def test_a_surrogate_pair_is_one_code_point():
    assert parse(say("?").replace("?", r"\ud83d\ude00")).text == "😀"


def test_nul_is_replaced_in_every_text_that_is_kept():
    nul = "a\x00"
    assert (
        parse(json.dumps({"type": "survey", "client_id": CLIENT_ID, "score": 1, "comment": nul})).comment == "a\ufffd"
    )
    contact = {"type": "contact", "client_id": CLIENT_ID, "email": "a@b.example", "name": nul}
    assert parse(json.dumps(contact)).name == "a\ufffd"
    assert refusal(json.dumps(contact | {"email": "a\x00@b.example"}))[0] == "bad_frame"
    hello = parse(json.dumps({"type": "hello", "protocol": 1, "locale": nul, "page": {"url": nul, "title": nul}}))
    assert isinstance(hello, protocol.Hello)
    assert hello.page is not None
    assert {hello.locale, hello.page.url, hello.page.title} == {"a\ufffd"}


def test_a_page_with_a_long_title_or_address_is_welcome_and_cut():
    hello = parse(json.dumps({"type": "hello", "protocol": 1, "page": {"url": "u" * 3_000, "title": "é" * 3_000}}))
    assert isinstance(hello, protocol.Hello)
    assert hello.page == protocol.PageSeen(url="u" * 2_000, title="é" * 2_000)


def test_a_frame_has_at_most_32_kib_counted_in_bytes():
    def padded(character: str, size: int) -> str:
        bare = '{"type":"ping","pad":""}'
        return bare[:-2] + character * ((size - len(bare)) // len(character.encode())) + bare[-2:]

    assert isinstance(parse(padded("a", 32 * 1024)), protocol.Ping)
    for data in (padded("a", 32 * 1024 + 1), padded("é", 32 * 1024 + 2), "\ud800" * 11_000):
        with pytest.raises(Hangup) as hangup:
            parse(data)
        assert hangup.value.code == 4413


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
FIELDS = [*protocol.Hello.model_fields, *protocol.Rate.model_fields, "text", "on", "score", "comment", "email", "name"]
TYPES = ["hello", "say", "typing", "ping", "call_human", "cancel_human", "rate", "survey", "contact", "close", ""]
likely = st.sampled_from([1, 0, CLIENT_ID, True, "a@b.example", {"url": "u", "title": "t"}, "default"])


@given(
    st.dictionaries(st.sampled_from(FIELDS) | st.text(), likely | json_values, max_size=8),
    st.sampled_from(TYPES) | json_values,
)
@example({"client_id": CLIENT_ID, "text": "a" * 4_000}, "say")
def test_any_json_object_is_a_frame_or_a_refusal_and_nothing_else(fields, kind):
    data = json.dumps(fields | {"type": kind})
    try:
        frame = parse(data)
    except (FrameError, Hangup):
        return
    assert frame.type == kind


@given(st.text(alphabet=st.characters()))
def test_any_string_is_a_frame_or_a_refusal_and_nothing_else(data):
    try:
        frame = parse(data)
    except FrameError:
        return
    assert frame.type in TYPES


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_what_is_said_is_what_was_sent_but_for_trimming_and_nul(text):
    cleaned = text.replace("\x00", "\ufffd").strip()
    if cleaned:
        assert parse(say(text)).text == cleaned
    else:
        assert refusal(say(text))[0] == "empty_text"


def event(payload, by=BOT, **more):
    moment = datetime(2026, 3, 2, 12, 0, 0, 125_000, tzinfo=UTC)
    return Event("c", 3, "e3", moment, by, payload, **more)


def test_an_event_frame_is_what_a_visitor_may_see():
    said = event(VisitorSaid("hi"), Author("visitor", None, "v"), client_id=CLIENT_ID)
    assert event_frame(said) == {
        "type": "event",
        "seq": 3,
        "event_id": "e3",
        "at": "2026-03-02T12:00:00.125000Z",
        "kind": "visitor_said",
        "by": {"kind": "visitor", "name": None},
        "client_id": CLIENT_ID,
        "text": "hi",
    }
    assert event_frame(said, again=True) == event_frame(said) | {"again": True}


def test_a_trace_a_note_and_the_detail_of_a_handoff_stay_inside():
    reply = event_frame(event(BotSaid("hi", "answer", (2,), trace={"query": "inner"})))
    assert "trace" not in reply
    assert reply["answers"] == [2]
    assert set(event_frame(event(NoteAdded("rude"), Author("agent", "Ana", "a")))) == {
        "type",
        "seq",
        "event_id",
        "at",
        "kind",
    }
    assert "inner" not in json.dumps(event_frame(event(HandoffRequested("frustrated", "inner"))))


def test_an_error_frame_carries_only_what_is_known():
    assert error_frame("bad_frame", "no", final=True) == {
        "type": "error",
        "code": "bad_frame",
        "message": "no",
        "final": True,
    }
    full = error_frame("rate_limited", "slow", final=False, client_id=CLIENT_ID, retry_after_s=2.5, seq=4)
    assert (full["client_id"], full["retry_after_s"], full["seq"], full["final"]) == (CLIENT_ID, 2.5, 4, False)


def test_a_frame_is_one_json_object():
    frame = error_frame("bad_frame", "naïve 😀 \u2028", final=True)
    assert orjson.loads(encode(frame)) == frame


def test_every_client_id_of_a_fresh_uuid_is_accepted():
    assert parse(json.dumps({"type": "close", "client_id": str(uuid.uuid4())})).type == "close"
