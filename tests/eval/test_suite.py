import hashlib
import json

import pytest

from eval.cases import CaseError
from eval.suite import Inputs, NothingToPlay, gather


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "shop" / "dev"
    folder.mkdir(parents=True)

    def write(name, *rows):
        path = folder / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    questions = write(
        "questions.jsonl",
        {"id": "q1", "question": "One?", "gold_articles": ["a"], "labels": {"bot": "x", "split": "dev"}},
        {"id": "q2", "question": "Two?", "gold_articles": ["a", "b"], "labels": {"bot": "x", "split": "test"}},
        {"id": "q3", "question": "Three?", "gold_articles": ["c"], "labels": {"bot": "y"}},
    )
    dialogues = write("dialogues.jsonl", {"id": "d1", "turns": [{"role": "user", "text": "Hm.", "label": "ok"}]})
    return questions, dialogues, write("withheld.json", {"articles": ["a"]})


def _ids(suite):
    return [question.case_id for question in suite.questions]


def test_a_suite_is_named_by_the_folders_of_its_file_and_holds_all_cases(files):
    questions, dialogues, _ = files
    suite = gather(Inputs(questions, dialogues))
    assert (suite.name, _ids(suite), len(suite.dialogues)) == ("shop/dev", ["q1", "q2", "q3"], 1)
    assert gather(Inputs(dialogues=dialogues)).name == "shop/dev"


def test_labels_narrow_the_questions_together(files):
    assert _ids(gather(Inputs(files[0], where={"bot": "x"}))) == ["q1", "q2"]
    assert _ids(gather(Inputs(files[0], where={"bot": "x", "split": "test"}))) == ["q2"]


def test_what_only_withheld_articles_answer_must_not_be_answered(files):
    suite = gather(Inputs(files[0], withhold=files[2]))
    assert suite.withheld == {"a"}
    assert [sorted(question.gold_articles) for question in suite.questions] == [[], ["b"], ["c"]]


def test_labels_that_no_question_carries_are_refused_and_the_known_ones_named(files):
    with pytest.raises(NothingToPlay) as caught:
        gather(Inputs(files[0], where={"bot": "z"}))
    assert str(caught.value) == "no question carries the labels 'bot=z' of --where; labels there are: bot, split"


def test_no_file_is_refused():
    with pytest.raises(NothingToPlay, match="give --questions FILE, --dialogues FILE or both"):
        gather(Inputs())


def test_a_broken_file_is_refused_before_anything_is_played(files):
    files[2].write_text("[]")
    with pytest.raises(CaseError, match=r"withheld\.json"):
        gather(Inputs(files[0], withhold=files[2]))


def test_the_configuration_names_inputs_by_content_and_filters_that_were_given(files):
    questions, _, withheld = files
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (questions, withheld)]
    assert Inputs(questions, withhold=withheld, where={"bot": "x"}, kb_tag="t").config() == {
        "questions": str(questions),
        "questions_sha256": digests[0],
        "withhold": str(withheld),
        "withhold_sha256": digests[1],
        "where": {"bot": "x"},
        "kb_tag": "t",
    }
    assert set(Inputs(questions, where={}).config()) == {"questions", "questions_sha256"}
