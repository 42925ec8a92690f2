import json
from pathlib import Path

import pytest

from eval.cases import CaseError, read_dialogues, read_questions, read_withheld

FULL = {
    "id": "q1",
    "question": " Where is my order? ",
    "history": [{"role": "user", "text": "Hi"}, {"role": "assistant", "text": "Hello!"}],
    "gold_articles": ["orders", "tracking"],
    "reference_answer": "On its way.",
    "labels": {"bot": "shop", "noisy": True, "level": 3},
}
BARE = {"id": "q2", "question": "Why?", "gold_articles": []}


def _file(folder: Path, *rows: object) -> Path:
    path = folder / "cases.jsonl"
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return path


def test_a_question_is_read_whole_and_trimmed_as_a_visitors_message(tmp_path):
    (question,) = read_questions(_file(tmp_path, FULL | {"extra": "is ignored"}))
    assert question.case_id == "q1"
    assert question.question == "Where is my order?"
    assert [(said.role, said.text) for said in question.history] == [("user", "Hi"), ("assistant", "Hello!")]
    assert question.gold_articles == {"orders", "tracking"}
    assert question.reference_answer == "On its way."
    assert question.labels == {"bot": "shop", "noisy": True, "level": 3}


def test_optional_fields_have_defaults_and_empty_lines_and_a_byte_order_mark_are_passed_over(tmp_path):
    path = tmp_path / "cases.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(BARE).encode() + b"\r\n\n")
    (question,) = read_questions(path)
    assert (question.history, question.reference_answer, question.labels) == ((), None, {})


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ({"id": "q2", "gold_articles": []}, "field 'question' is missing; add it"),
        ({"id": "q2", "question": "Why?"}, "field 'gold_articles' is missing; add it"),
        (BARE | {"id": 7}, "field 'id' is 7: Input should be a valid string"),
        (BARE | {"id": ""}, "field 'id' is '': String should have at least 1 character"),
        (BARE | {"question": " \n"}, "field 'question' is ' \\n': String should have at least 1 character"),
        (BARE | {"gold_articles": "orders"}, "field 'gold_articles' is 'orders': Input should be a valid array"),
        (
            BARE | {"history": [{"role": "bot", "text": "Hi"}]},
            "field 'history.0.role' is 'bot': Input should be 'user' or 'assistant'",
        ),
        (["q2"], "Input should be an object, not ['q2']"),
        ('{"id": "q2",', 'Invalid JSON: EOF while parsing a value at line 1 column 12, not \'{"id": "q2",\''),
    ],
)
def test_a_wrong_line_is_refused_with_file_and_line(tmp_path, bad, problem):
    path = _file(tmp_path, FULL, "", bad)
    with pytest.raises(CaseError) as caught:
        read_questions(path)
    assert str(caught.value) == f"{path}:3: {problem}"
    assert (caught.value.code, caught.value.line) == ("bad_case", 3)


def test_a_doubled_id_is_refused_and_names_the_first_line(tmp_path):
    path = _file(tmp_path, FULL, BARE, FULL)
    with pytest.raises(CaseError) as caught:
        read_questions(path)
    assert str(caught.value) == f"{path}:3: id 'q1' already stands in line 1; give every case its own id"


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_a_file_without_cases_is_refused(tmp_path, content):
    path = tmp_path / "cases.jsonl"
    path.write_text(content)
    with pytest.raises(CaseError, match="the file holds no case"):
        read_questions(path)


def test_a_missing_file_is_refused_by_name(tmp_path):
    path = tmp_path / "nowhere.jsonl"
    with pytest.raises(CaseError) as caught:
        read_dialogues(path)
    assert str(caught.value) == f"{path}: cannot be read (No such file or directory); give the path of a readable file"


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path):
    path = tmp_path / "cases.jsonl"
    path.write_bytes(json.dumps(BARE).encode() + b'\n{"id": "\xff"}\n')
    with pytest.raises(CaseError, match=r"cases\.jsonl:2: Invalid JSON"):
        read_questions(path)


@pytest.mark.parametrize(
    ("gold", "labels", "expected"),
    [
        (["a"], {}, (True, True, False)),
        ([], {}, (False, True, False)),
        ([], {"knowledge_seeking": False}, (False, False, False)),
        ([], {"knowledge_seeking": True}, (False, True, False)),
        ([], {"scope": "chitchat"}, (False, False, False)),
        ([], {"scope": "other_intent"}, (False, False, False)),
        ([], {"scope": "out_of_domain"}, (False, True, False)),
        (["a"], {"handoff_request": True}, (False, False, True)),
        (["a"], {"handoff_request": False}, (True, True, False)),
        (["a"], {"scope": "chitchat"}, (True, False, False)),
    ],
)
def test_labels_tell_what_a_question_is_scored_for(question, gold, labels, expected):
    case = question(gold=gold, labels=labels)
    assert (case.answerable, case.judged, case.asks_for_person) == expected


def test_questions_are_picked_by_their_labels_compared_as_text(question):
    case = question(labels={"bot": "shop", "noisy": True, "level": 3, "none": None})
    assert case.has({})
    assert case.has({"bot": "shop", "noisy": "true", "level": "3"})
    assert not case.has({"bot": "shop", "level": "4"})
    assert not case.has({"split": "dev"})


def test_a_question_whose_articles_are_withheld_must_not_be_answered(question):
    case = question(gold=("a", "b"), reference_answer="So.")
    assert case.without(frozenset({"a"})) == question(gold=("b",), reference_answer="So.")
    assert case.without(frozenset({"a", "b", "c"})) == question(gold=(), reference_answer=None)


def test_withheld_articles_are_read_from_their_file(tmp_path):
    path = tmp_path / "withheld.json"
    path.write_text('{"articles": ["a", "b"], "note": "why"}')
    assert read_withheld(path) == {"a", "b"}
    path.write_text('["a"]')
    with pytest.raises(CaseError, match=r"withheld\.json: "):
        read_withheld(path)


def test_only_labelled_user_turns_of_a_dialogue_are_scored(tmp_path):
    turns = [
        {"role": "assistant", "text": "Hello!", "label": None},
        {"role": "user", "text": "Again!", "label": "frustrated"},
        {"role": "assistant", "text": "Sorry.", "label": "ok"},
        {"role": "user", "text": "Hm."},
        {"role": "user", "text": "  ", "label": "ok"},
        {"role": "user", "text": "Useless.", "label": "dissatisfied"},
    ]
    (dialogue,) = read_dialogues(_file(tmp_path, {"id": "d7", "turns": turns}))
    assert list(dialogue.labelled()) == [("d7#1", 1, "frustrated"), ("d7#5", 5, "dissatisfied")]


def test_an_unknown_mood_is_refused_with_its_place(tmp_path):
    path = _file(tmp_path, {"id": "d7", "turns": [{"role": "user", "text": "x", "label": "angry"}]})
    with pytest.raises(CaseError, match=r"cases\.jsonl:1: field 'turns.0.label' is 'angry'"):
        read_dialogues(path)
