import re
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answer.policy import Policy, Situation, decide
from bot.answer.summary import MAX_DETAIL_CHARS, RECENT_REPLIES, detail, excerpt, handover, priority
from conversation.events import (
    BOT,
    AgentSaid,
    Author,
    BotSaid,
    Choice,
    Citation,
    Closed,
    Event,
    HandoffRequested,
    Mood,
    Opened,
    Rated,
    Reopened,
    ReturnedToBot,
    VisitorSaid,
)

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
VISITOR = Author("visitor", None, "v1")
ANA = Author("agent", "Ana", "a1")


def log(*parts):
    """The events of a conversation; a bare text is what the visitor said."""
    numbers = count(1)
    pairs = [(VISITOR, VisitorSaid(part)) if isinstance(part, str) else part for part in parts]
    return [Event("c1", seq, f"e{seq}", AT, by, payload) for seq, (by, payload) in zip(numbers, pairs, strict=False)]


def answer(title, *answers, mood=None):
    citation = Citation(title.lower(), title, None, f"/help/{title.lower()}", "...")
    return BOT, BotSaid("So it is.", "answer", answers, (citation,), mood=mood)


def no_answer(*answers):
    button = Choice("person", "Speak to our team")
    return BOT, BotSaid("I do not know.", "no_answer", answers, choices=(button,), failed=True)


def rated(of, *, helpful, comment=None):
    return VISITOR, Rated(of, helpful, comment)


def line(text, label):
    return next((line.removeprefix(f"{label}: ") for line in text.split("\n") if line.startswith(f"{label}: ")), None)


def test_the_agent_reads_what_is_wanted_what_was_tried_why_and_in_which_mood():
    events = log(
        (VISITOR, Opened()),
        "hello",
        (BOT, BotSaid("Hello!", "small_talk", (2,))),
        "where is my parcel 4711",
        answer("Track a parcel", 4),
        rated(5, helpful=False, comment="says nothing"),
        "when will it come",
        answer("Delivery times", 7),
        "what does the depot in Bremen do all day",
        no_answer(9),
        "I want to talk to a human",
    )
    summary = detail(events, why="the visitor asked for a person", mood="asked the same thing three times")
    assert summary.split("\n") == [
        "Wants: “where is my parcel 4711”, then “what does the depot in Bremen do all day”",
        "Tried: “Track a parcel” (marked not helpful: “says nothing”), “Delivery times”; 1 question without an answer",
        "Why: the visitor asked for a person",
        "Mood: asked the same thing three times",
    ]


def test_a_line_with_nothing_to_say_is_left_out():
    assert detail([]) == ""
    assert detail(log("where is my parcel"), why="because") == (
        "Wants: “where is my parcel”\nTried: 1 question without an answer\nWhy: because"
    )
    assert detail(log((VISITOR, Opened()), no_answer(), "Speak to our team", "thanks"), why="because") == "Why: because"


def test_a_question_asked_again_is_wanted_once():
    assert line(detail(log("Where is my parcel?", "where is  my parcel?")), "Wants") == "“Where is my parcel?”"


def test_a_call_that_says_what_about_is_wanted_and_a_bare_one_only_for_want_of_more():
    bare, telling = "I want to talk to a human", "I want to talk to a human about the invoice that I paid twice in May"
    assert line(detail(log(bare)), "Wants") == f"“{bare}”"
    assert line(detail(log("where is my parcel", bare)), "Wants") == "“where is my parcel”"
    assert line(detail(log("where is my parcel", telling)), "Wants") == f"“where is my parcel”, then “{telling}”"


def test_what_the_visitor_wrote_is_one_line_and_cut_between_words():
    wanted = line(detail(log("my parcel\nWhy: made up\u2028" + "late " * 50)), "Wants")
    assert wanted.startswith("“my parcel Why: made up late late")
    assert wanted.endswith("late late…”")
    assert excerpt("x" * 100, 10) == "x" * 9 + "…"
    assert excerpt("four five six", 9) == "four…"


def test_a_verdict_stands_with_its_article_and_is_no_question():
    verdicts = (Choice("helped", "That helped"), Choice("not_helped", "Not what I meant"))
    citation = Citation("fees", "Fees", None, "/help/fees", "...")
    suggestion = BOT, BotSaid("Perhaps:\n\nFees.", "suggest", (1,), (citation,), choices=verdicts)
    events = log("what does it cost", suggestion, "Not what I meant", rated(2, helpful=False), no_answer(3))
    assert detail(events) == "Wants: “what does it cost”\nTried: “Fees” (marked not helpful)"


@pytest.mark.parametrize(
    "fields",
    [
        {"asks_person": 0.97},
        {"asks_person": 1.0, "asks_how": True},
        {"failures": 1},
        {"returned": True},
        {"frustration": 0.74, "offered_person": True},
        {"frustration": 0.74, "offered_person": True, "asks_person": 0.97},
        {"intent": "call_human"},
    ],
)
def test_the_agent_reads_no_probabilities(fields):
    situation = Situation(**{"intent": "question", "confidence": 0.1, "failures": 0, "desk_open": True} | fields)
    decision = decide(situation, Policy())
    why = line(handover(log("a question"), decision.reason, decision.why).detail, "Why")
    assert why
    assert not re.search(r"\d\.\d", why)


def test_the_last_articles_stand_once_each_with_the_last_verdict():
    events = log(
        "a question",
        answer("One", 1),
        answer("Two"),
        rated(3, helpful=False),
        answer("Three"),
        answer("Four"),
        rated(6, helpful=True),
        answer("Two"),
        rated(6, helpful=False),
    )
    assert line(detail(events), "Tried") == "“Three”, “Four” (marked not helpful), “Two” (marked not helpful)"


def test_a_question_that_was_asked_back_about_is_not_without_an_answer():
    asked_back = BOT, BotSaid("Which?", "clarify", (1,))
    assert line(detail(log("ports", asked_back)), "Tried") is None


def test_what_ended_before_is_another_matter_unless_nothing_was_said_since():
    before = ["where is my parcel", no_answer(1), (VISITOR, Closed()), (VISITOR, Reopened())]
    assert line(detail(log(*before)), "Wants") == "“where is my parcel”"
    assert line(detail(log(*before, "how do refunds work")), "Wants") == "“how do refunds work”"


def test_who_no_longer_waited_for_a_person_goes_on_with_the_same_matter():
    waited = ["where is my parcel", (VISITOR, HandoffRequested("visitor_asked")), (VISITOR, ReturnedToBot())]
    assert line(detail(log(*waited, "is it lost")), "Wants") == "“where is my parcel”, then “is it lost”"


def test_the_agent_reads_who_wrote_to_the_visitor_before():
    events = log("where is my parcel", (ANA, AgentSaid("It comes.")), (ANA, ReturnedToBot()), "it did not come, why")
    assert line(detail(events), "Tried") == "1 question without an answer; Ana wrote to them before"


@given(
    st.lists(
        st.one_of(
            st.text(min_size=1, max_size=200),
            st.builds(answer, st.text(min_size=1, max_size=80)),
            st.builds(rated, st.integers(1, 20), helpful=st.booleans(), comment=st.text(max_size=80)),
            st.builds(lambda name: (Author("agent", name, "a"), AgentSaid("hm")), st.text(max_size=60)),
        ),
        max_size=20,
    ),
    st.text(max_size=120),
)
def test_the_detail_is_short_whatever_was_said(parts, words):
    assert len(detail(log(*parts), why=words, mood=words)) <= MAX_DETAIL_CHARS


def test_the_longest_detail_is_short():
    long = "ab " * 400
    articles = [
        part for n in range(3) for part in (answer(f"{n}{long}"), rated(2 + 2 * n, helpful=False, comment=long))
    ]
    summary = detail(
        log(long, *articles, (Author("agent", long, "a"), AgentSaid("hm")), f"c {long}"), why=long, mood=f"m {long}"
    )
    assert MAX_DETAIL_CHARS - 60 < len(summary) <= MAX_DETAIL_CHARS


@pytest.mark.parametrize(
    ("frustration", "expected"),
    [(None, "normal"), (0.1, "normal"), (0.49, "normal"), (0.5, "high"), (0.89, "high"), (0.9, "urgent")],
)
def test_frustration_alone_raises_the_priority(frustration, expected):
    assert priority(frustration) == expected


def test_the_mood_is_the_worst_of_the_last_replies_and_of_the_one_the_call_comes_with():
    angry, calm = Mood(0.8, "swore"), Mood(0.1, "")
    events = log("where is my parcel", answer("Parcels", 1, mood=angry))
    pressed = handover(events, "visitor_asked", "pressed the button")
    assert (line(pressed.detail, "Mood"), pressed.priority) == ("swore", "high")
    replied = handover(events, "visitor_asked", "asked", calm)
    assert (line(replied.detail, "Mood"), replied.priority) == ("swore", "high")
    worse = handover(events, "visitor_asked", "asked", Mood(0.99, "shouts"))
    assert (line(worse.detail, "Mood"), worse.priority) == ("shouts", "urgent")
    assert line(handover(events, "frustrated", "the visitor swore", angry).detail, "Mood") is None


def test_an_outburst_long_ago_is_forgiven():
    since = [part for n in range(RECENT_REPLIES) for part in (f"q{n}", answer(f"A{n}", 1, mood=Mood(0.1, "")))]
    events = log("where is my parcel", answer("Parcels", 1, mood=Mood(0.95, "swore")), *since)
    assert handover(events, "visitor_asked", "asked").priority == "normal"
