import json

import pytest
import structlog

from eval.cases import read_dialogues, read_questions
from eval.measures import measure
from eval.results import read_results, read_rows
from handrail import main

QUESTIONS = [
    {"id": "q1", "question": "How do I change my password?", "gold_articles": ["passwords"], "labels": {"bot": "x"}},
    {"id": "q2", "question": "When do I get my money back?", "gold_articles": ["refunds"], "labels": {"bot": "x"}},
    {"id": "q3", "question": "Where is my parcel?", "gold_articles": ["shipping"], "labels": {"bot": "y"}},
    {"id": "q4", "question": "Who won the world cup in 1954?", "gold_articles": [], "labels": {"bot": "x"}},
    {
        "id": "q5",
        "question": "I want to talk to a human",
        "gold_articles": [],
        "labels": {"bot": "x", "handoff_request": True},
    },
]
DIALOGUE = {
    "id": "d1",
    "turns": [
        {"role": "user", "text": "My parcel is late", "label": "ok"},
        {"role": "assistant", "text": "I am sorry."},
        {"role": "user", "text": "This is useless!", "label": "frustrated"},
    ],
}


def _lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def handrail(tmp_path, small_kb, capsys):
    """Runs `handrail eval run` on the small shop: exit status, stdout, stderr. Later options win."""

    def call(*options, data=tmp_path / "var"):
        defaults = ["--kb", small_kb, "--data", data, "--out", tmp_path / "out"]
        try:
            status = main(["eval", "run", *map(str, [*defaults, *options])])
        except SystemExit as usage:
            status = usage.code
        return status, *capsys.readouterr()

    yield call
    structlog.reset_defaults()


@pytest.mark.slow
def test_a_run_writes_results_that_follow_from_its_cases(handrail, data_dir, tmp_path):
    questions = _lines(tmp_path / "questions.jsonl", *QUESTIONS)
    dialogues = _lines(tmp_path / "dialogues.jsonl", DIALOGUE)
    status, out, err = handrail("--questions", questions, "--dialogues", dialogues, data=data_dir)
    assert (status, err) == (0, "")

    rows, results = read_rows(tmp_path / "out" / "cases.jsonl"), read_results(tmp_path / "out" / "results.json")
    assert [row.row_id for row in rows] == ["q1", "q2", "q3", "q4", "q5", "d1#0", "d1#2"]
    assert measure(rows, read_questions(questions), read_dialogues(dialogues)) == results.metrics
    assert results.metrics["hit@1"].value == 1
    assert results.metrics["handoff_recall"].value == 1
    assert results.metrics["frustration_auroc"].value == 1
    assert (results.suite, results.model) == ("/".join(tmp_path.parts[-2:]), "all-MiniLM-L6-v2")
    assert results.config["answer_confidence"] == 0.5

    assert out.splitlines()[0].split() == ["metric", "value", "95", "%", "n"]
    assert [line.split()[0] for line in out.splitlines()[1:-1]] == list(results.metrics)
    assert out.splitlines()[-1] == str(tmp_path / "out" / "report.html")
    assert "turns played</dt><dd>7</dd>" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_running_again_gives_the_same_results_but_for_latency(handrail, data_dir, tmp_path):
    questions = _lines(tmp_path / "questions.jsonl", *QUESTIONS)
    found = []
    for name in ("first", "second"):
        assert handrail("--questions", questions, "--out", tmp_path / name, data=data_dir)[0] == 0
        found.append(read_results(tmp_path / name / "results.json"))
    first, second = (
        {name: metric for name, metric in one.metrics.items() if not name.startswith("latency")} for one in found
    )
    assert first == second
    assert found[0].kb_version == found[1].kb_version


@pytest.mark.slow
def test_filters_leave_cases_and_articles_out_and_say_what_is_missing(handrail, data_dir, tmp_path):
    questions = _lines(tmp_path / "questions.jsonl", *QUESTIONS)
    withheld = _lines(tmp_path / "withheld.json", {"articles": ["refunds"]})
    status, _, err = handrail("--questions", questions, "--where", "bot=x", "--withhold", withheld, data=data_dir)
    assert (status, err) == (0, "")
    rows, results = read_rows(tmp_path / "out" / "cases.jsonl"), read_results(tmp_path / "out" / "results.json")
    assert [row.row_id for row in rows] == ["q1", "q2", "q4", "q5"]
    assert not any("refunds" in row.ranked for row in rows)
    assert results.metrics["hit@1"].n == 1
    assert (results.config["where"], results.config["withhold"]) == ({"bot": "x"}, str(withheld))


@pytest.mark.slow
def test_an_expected_article_that_is_not_there_is_said(handrail, data_dir, tmp_path, small_kb):
    (small_kb / "shipping.md").unlink()
    (small_kb / "broken.md").write_text("---\ntitle: [\n---\n")
    questions = _lines(tmp_path / "questions.jsonl", *QUESTIONS)
    status, _, err = handrail("--questions", questions, data=data_dir)
    assert status == 0
    assert f"warning: {small_kb / 'broken.md'}:3: front matter is not valid YAML" in err
    assert (
        "warning: 1 expected articles are not in the knowledge base (such as 'shipping'); "
        "they count as not found; check --kb, --kb-tag and --where\n"
    ) in err


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ([], 2, "handrail: there is nothing to play; give --questions FILE, --dialogues FILE or both\n"),
        (["--questions", "nowhere.jsonl"], 1, "nowhere.jsonl: cannot be read (No such file or directory)"),
        (["--questions", "{good}", "--where", "bot"], 2, "'bot' is not LABEL=VALUE; write for example bot=shop"),
        (["--questions", "{good}", "--where", "bot=z"], 2, "no question carries the labels 'bot=z' of --where"),
        (["--questions", "{bad}"], 1, "bad.jsonl:1: field 'gold_articles' is missing; add it\n"),
        (["--questions", "{good}", "--kb", "nowhere"], 1, "knowledge base folder 'nowhere' does not exist"),
        (["--questions", "{good}", "--kb-tag", "z"], 2, "no article is left with --kb-tag 'z'"),
        (
            ["--questions", "{good}", "--out", "{good}/out"],
            1,
            "cannot be made (Not a directory); choose another folder",
        ),
    ],
)
def test_wrong_input_ends_the_run_with_a_status_and_one_clear_line(handrail, tmp_path, options, status, message):
    names = {
        "good": _lines(tmp_path / "good.jsonl", *QUESTIONS),
        "bad": _lines(tmp_path / "bad.jsonl", {"id": "q1", "question": "Why?"}),
    }
    got, out, err = handrail(*[option.format(**names) for option in options])
    assert (got, out) == (status, "")
    assert message in err
