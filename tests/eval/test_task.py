import json

import pytest

from bot.answer.frustration.score import FRUSTRATED_FROM
from bot.answer.policy import Policy
from bot.answer.turn_input import TurnDeps
from conversation.clock import SystemClock
from conversation.events import BotSaid, Choice, VisitorSaid
from conversation.reducer import advance
from eval.cases import Dialogue, LabelledTurn, Question, Utterance, read_questions
from eval.task import TurnFailed, prefix, run_case, run_cases, task_inputs


def _history(*said):
    return [Utterance("user" if who == "u" else "assistant", text) for who, text in said]


def _folded(history, said="And now?"):
    drafts = prefix(history, said)
    conversation, events = advance(None, drafts, conversation_id="c", at=SystemClock().now(), client_id=None)
    return conversation, events


def test_history_becomes_a_log_in_which_each_reply_answers_what_was_open():
    conversation, events = _folded(
        _history(("a", "Hello!"), ("u", "One"), ("u", "Two"), ("a", "Reply"), ("u", "Three"))
    )
    assert [event.kind for event in events] == [
        "opened", "bot_said", "visitor_said", "visitor_said", "bot_said", "visitor_said", "visitor_said",
    ]  # fmt: skip
    assert [event.payload.answers for event in events if isinstance(event.payload, BotSaid)] == [(), (3, 4)]
    assert (conversation.pending, conversation.state) == ((6, 7), "bot")
    assert events[-1].payload == VisitorSaid("And now?")


def test_what_a_case_does_not_say_of_a_reply_is_taken_for_an_answer_or_for_small_talk():
    offer = "I am sorry. Would you like to talk to a person?"
    _, events = _folded(_history(("u", "Hi"), ("a", "Hello!"), ("u", "How?"), ("a", offer)))
    assert [event.payload for event in events if isinstance(event.payload, BotSaid)] == [
        BotSaid("Hello!", "small_talk", (2,)),
        BotSaid(offer, "answer", (4,), passage=offer),
    ]


def test_a_reply_is_stored_as_what_the_case_says_it_was(tmp_path):
    reply = {
        "role": "assistant",
        "text": "Which?",
        "outcome": "clarify",
        "choices": [{"kind": "article", "label": "Refunds", "article_id": "refunds"}],
        "offers_person": True,
        "citations": [],
    }
    refusal = {"role": "assistant", "text": "No idea.", "outcome": "no_answer"}
    case = {"id": "q1", "question": "And now?", "gold_articles": [], "history": [reply, refusal]}
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps(case), "utf-8")
    _, events = _folded(read_questions(path)[0].history)
    asked_back = BotSaid(
        "Which?", "clarify", (), offers_person=True, choices=(Choice("article", "Refunds", "refunds"),)
    )
    assert [event.payload for event in events[1:3]] == [asked_back, BotSaid("No idea.", "no_answer", (), failed=True)]


def test_a_case_without_history_is_a_chat_that_begins_with_the_question():
    conversation, events = _folded([])
    assert [event.kind for event in events] == ["opened", "visitor_said"]
    assert conversation.pending == (2,)


def test_questions_are_one_input_each_and_dialogues_one_for_each_labelled_turn():
    question = Question("q1", "How?", frozenset("a"), tuple(_history(("u", "Hi"))))
    turns = (
        LabelledTurn("user", "One", "ok"),
        LabelledTurn("assistant", "Two"),
        LabelledTurn("user", "Three"),
        LabelledTurn("user", "Four", "frustrated"),
    )
    assert list(task_inputs([question], [Dialogue("d1", turns)])) == [
        ("q1", question.history, "How?"),
        ("d1#0", (), "One"),
        ("d1#3", turns[:3], "Four"),
    ]


async def test_an_answer_is_played_through_the_live_path_with_citation_ranking_and_trace(deps):
    (row,) = await run_cases([("q1", (), "How do I change my password?")], deps, Policy(answer_confidence=0.2))
    assert (row.row_id, row.outcome, row.reason, row.frustration) == ("q1", "answer", None, row.trace["mood"]["score"])
    assert [citation.article_id for citation in row.citations] == ["passwords"]
    assert row.ranked[0] == "passwords"
    assert set(row.ranked) <= {"passwords", "refunds", "shipping"}
    assert "Change password" in row.text
    assert row.trace["query"] == "How do I change my password?"
    assert 0.2 <= row.confidence <= 1
    assert row.latency_ms > 0


async def test_whoever_asks_for_a_person_is_handed_over_since_a_colleague_is_there(deps):
    (row,) = await run_cases([("q1", (), "I want to talk to a human")], deps, Policy())
    assert (row.outcome, row.reason, row.ranked, row.citations) == ("handoff", "visitor_asked", (), ())


async def test_an_unsure_bot_does_not_answer_but_its_ranking_is_kept(deps):
    (row,) = await run_cases(
        [("q1", (), "How do I change my password?")], deps, Policy(answer_confidence=1.0, suggest_usefulness=1.0)
    )
    assert (row.outcome, row.reason, row.citations, row.shown) == ("no_answer", None, (), ())
    assert row.ranked[0] == "passwords"


async def test_a_suggestion_is_played_with_all_articles_that_it_shows(deps):
    (row,) = await run_cases([("q1", (), "refund tracking password")], deps, Policy(1.0, suggest_usefulness=0.0))
    assert row.outcome == "suggest"
    assert row.shown == tuple(citation.article_id for citation in row.citations) == row.ranked[: len(row.shown)]
    assert row.chosen == row.ranked[0]
    assert row.says == row.passage != row.text
    assert 1 < row.reach <= 3


async def test_history_reaches_the_bot(deps):
    history = _history(("u", "Tell me about tracking a parcel"), ("a", "Open the mail."))
    alone, after = await run_cases([("q1", (), "and where?"), ("q2", history, "and where?")], deps, Policy())
    assert alone.trace["query"] == after.trace["query"] == "and where?"
    assert alone.trace["context"] is None
    assert after.trace["context"] == "Tell me about tracking a parcel\nOpen the mail.\nand where?"


async def test_a_dialogue_gives_the_frustration_at_each_of_its_labelled_turns(deps):
    turns = (
        LabelledTurn("user", "My parcel is late", "ok"),
        LabelledTurn("assistant", "Open the mail.\n\nA colleague?", offers_person=True, passage="Open the mail."),
        LabelledTurn("user", "That's not what I asked, this is ridiculous", "frustrated"),
    )
    calm, angry = await run_cases(task_inputs([], [Dialogue("d1", turns)]), deps, Policy(answer_confidence=1.0))
    assert calm.frustration < FRUSTRATED_FROM <= angry.frustration <= 1
    assert (calm.outcome, angry.outcome, angry.reason) == ("suggest", "handoff", "repeated_failure")


async def test_a_long_history_is_played_too(deps):
    history = _history(*[("u", "Where is my parcel?"), ("a", "On its way.")] * 60)
    (row,) = await run_cases([("q1", history, "How do I change my password?")], deps, Policy(answer_confidence=0.2))
    assert row.ranked[0] == "passwords"


async def test_playing_again_gives_the_same_rows_but_for_the_clock(deps):
    inputs = [("q1", (), "refund"), ("q2", _history(("u", "Hi"), ("a", "Hello")), "tracking?")]
    first, second = [await run_cases(inputs, deps, Policy()) for _ in range(2)]
    assert [_untimed(row) for row in first] == [_untimed(row) for row in second]


def _untimed(row):
    timeless = {name: value for name, value in row.trace.items() if not name.endswith("_ms")}
    return row.row_id, row.outcome, row.confidence, row.ranked, row.citations, row.text, timeless


async def test_every_case_counts_once_as_it_is_played(deps):
    played = []
    await run_cases([("q1", (), "refund"), ("q2", (), "tracking")], deps, Policy(), lambda: played.append(len(played)))
    assert played == [0, 1]


async def test_a_bot_that_breaks_down_fails_the_run_and_names_the_case(deps):
    async def broken(_):
        raise ZeroDivisionError

    with pytest.raises(TurnFailed) as caught:
        await run_case("q9", prefix([], "How?"), TurnDeps(deps.snapshot, broken), Policy())
    assert str(caught.value) == (
        "case 'q9': the turn failed (ZeroDivisionError); `handrail ask` with its question shows the cause"
    )
