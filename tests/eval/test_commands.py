import json
import random
from dataclasses import replace

import pytest
import structlog

from bot.answer.confidence import OWN, default_calibration, in_use
from eval.cases import read_dialogues, read_questions
from eval.metrics.measures import measure
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


@pytest.fixture
def calibrate(tmp_path, small_kb, capsys):
    """Runs `handrail eval calibrate` on the small shop: exit status, stdout, stderr."""

    def call(*options, data=tmp_path / "var"):
        try:
            status = main(["eval", "calibrate", "--kb", str(small_kb), "--data", str(data), *map(str, options)])
        except SystemExit as usage:
            status = usage.code
        return status, *capsys.readouterr()

    yield call
    structlog.reset_defaults()


ASKED = ("How do I {}?", "I want to {}", "can you help me {}", "what must I do to {}", "please tell me how to {}")
ANSWERED = {
    "change my password": "passwords",
    "set another password": "passwords",
    "return a jacket": "refunds",
    "get my money back": "refunds",
    "track my parcel": "shipping",
    "see where my parcel is": "shipping",
}
UNANSWERED = (
    "change my address",
    "return to the main menu",
    "pay with another card",
    "get a discount",
    "cancel my account",
    "pick up my parcel at your office",
    "track my running time",
    "change the colour of the jacket",
)


def _labelled():
    """Seventy questions, some of the very subject of an article that does not answer them."""
    labelled = [*ANSWERED.items(), *((what, None) for what in UNANSWERED)]
    for number, (what, article) in enumerate(labelled):
        for way, words in enumerate(ASKED):
            gold = [] if article is None else [article]
            yield {"id": f"q{number}-{way}", "question": words.format(what), "gold_articles": gold}


@pytest.mark.slow
def test_a_calibration_is_written_and_used_from_the_next_start(
    calibrate, handrail, data_dir, tmp_path, small_kb, capsys
):
    questions = _lines(tmp_path / "questions.jsonl", *_labelled())
    (data_dir / OWN).write_text("broken by an earlier version")
    status, out, err = calibrate("--questions", questions, data=data_dir)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[0] for line in lines[1:11]] == [
        "log_loss", "answerable_auroc", "right_auroc", "coverage@5%error", "aurc", "ece",
        "answered_rate", "wrong_of_answered", "answers", "suggests",
    ]  # fmt: skip
    assert lines[11].startswith("70 questions, 40 without an answer; error budget 0.05, suggest budget 0.3333.")
    assert lines[-1] == f"{data_dir / OWN} is written; serve, ask and eval run use it from their next start."

    custom = in_use(data_dir, "all-MiniLM-L6-v2")
    assert custom.learned_from == [{"set": "questions.jsonl", "licence": "own", "questions": 70}]
    assert custom.threshold(0.05) != default_calibration().threshold(0.05)
    assert [path.name for path in data_dir.glob("*calibration*")] == [OWN]

    assert handrail("--questions", questions, data=data_dir)[0] == 0
    assert read_results(tmp_path / "out" / "results.json").config["answer_confidence"] == custom.threshold(0.05)
    for row in read_rows(tmp_path / "out" / "cases.jsonl"):
        assert row.confidence == pytest.approx(custom.confidence(row.features), abs=1e-3)

    assert main(["ask", "--json", "--kb", str(small_kb), "--data", str(data_dir), "track my running time"]) == 0
    reply = json.loads(capsys.readouterr().out)
    assert reply["confidence"] == pytest.approx(custom.confidence(reply["trace"]["features"]), abs=1e-3)
    assert reply["confidence"] != pytest.approx(default_calibration().confidence(reply["trace"]["features"]), abs=1e-2)


@pytest.mark.slow
def test_a_calibration_that_is_not_better_is_not_written(calibrate, data_dir, tmp_path, monkeypatch):
    """Labels are drawn by lot, and what is shipped knows that: nothing can be learned."""
    lot = random.Random(1)
    drawn = ({**row, "gold_articles": lot.choice([[], sorted({*ANSWERED.values()})])} for row in _labelled())
    questions = _lines(tmp_path / "questions.jsonl", *drawn)
    even = replace(default_calibration(), intercept=0.0, weights=dict.fromkeys(default_calibration().weights, 0.0))
    monkeypatch.setattr("eval.calibrate.calibrate.default_calibration", lambda: even)
    status, out, err = calibrate("--questions", questions, data=data_dir)
    assert (status, err) == (0, "")
    assert out.endswith("The own calibration is not better (log_loss): nothing is written, the shipped one is kept.\n")
    assert not (data_dir / OWN).exists()

    (data_dir / OWN).write_text("of an earlier run")
    status, out, _ = calibrate("--questions", questions, data=data_dir)
    assert (status, (data_dir / OWN).read_text()) == (0, "of an earlier run")
    assert out.endswith(f"{data_dir / OWN} of an earlier run stays in use; delete it to use the shipped one.\n")


@pytest.mark.slow
def test_what_keeps_a_calibration_from_working_as_expected_is_warned_of(calibrate, data_dir, tmp_path, monkeypatch):
    """Labels by lot: the shipped calibration is much too sure, and nothing keeps the error budget."""
    lot = random.Random(1)
    drawn = ({**row, "gold_articles": lot.choice([[], sorted({*ANSWERED.values()})])} for row in _labelled())
    questions = _lines(tmp_path / "questions.jsonl", *drawn)
    sure = replace(default_calibration(), model="another", intercept=9.0)
    monkeypatch.setattr("eval.calibrate.calibrate.default_calibration", lambda: sure)
    monkeypatch.setenv("HANDRAIL_ANSWER_CONFIDENCE", "0.8")
    status, out, err = calibrate("--questions", questions, data=data_dir)
    assert status == 0
    assert out.splitlines()[9].split() == ["answers", "from", f"{sure.threshold(0.05):.3f}", "1.000"]
    first, second, third = err.splitlines()
    assert first.startswith("warning: the shipped calibration was learned with the model 'another', not 'all-MiniLM")
    assert second == "warning: answer_confidence is set, so the bot answers from 0.8 whatever the error budget"
    assert third.startswith("warning: no confidence keeps the error budget of 0.05 on these questions")


@pytest.mark.slow
def test_questions_that_all_have_an_answer_are_warned_of(calibrate, data_dir, tmp_path):
    questions = _lines(tmp_path / "questions.jsonl", *_labelled())
    withheld = _lines(tmp_path / "withheld.json", {"articles": ["refunds"]})
    answerable = ({**row, "gold_articles": row["gold_articles"] or ["refunds"]} for row in _labelled())
    only = _lines(tmp_path / "only.jsonl", *answerable)
    _, _, err = calibrate("--questions", only, data=data_dir)
    assert "warning: 0% of the questions are without an answer" in err
    _, out, err = calibrate("--questions", questions, "--withhold", withheld, data=data_dir)
    assert "70 questions, 50 without an answer" in out
    assert "without an answer" not in err


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ([], 2, "the following arguments are required: --questions"),
        (["--questions", "{few}"], 1, "handrail: 4 questions can be learned from, 50 are needed; label more"),
        (["--questions", "{few}", "--where", "bot=z"], 2, "no question carries the labels 'bot=z' of --where"),
        (["--questions", "nowhere.jsonl"], 1, "nowhere.jsonl: cannot be read (No such file or directory)"),
        (["--questions", "{few}", "--out", "x"], 2, "unrecognized arguments: --out x"),
    ],
)
def test_what_cannot_be_calibrated_with_is_refused_and_nothing_is_written(
    calibrate, tmp_path, options, status, message
):
    names = {"few": _lines(tmp_path / "few.jsonl", *QUESTIONS)}
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / OWN).write_text("{}")
    got, out, err = calibrate(*[option.format(**names) for option in options])
    assert (got, out) == (status, "")
    assert message in err
    assert [(path.name, path.read_text()) for path in (tmp_path / "var").iterdir()] == [(OWN, "{}")]


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
    assert results.config["answer_confidence"] == default_calibration().threshold(results.config["error_budget"])

    assert out.splitlines()[0].split() == ["metric", "value", "95", "%", "n"]
    assert [line.split()[0] for line in out.splitlines()[1:-1]] == list(results.metrics)
    assert out.splitlines()[-1] == str(tmp_path / "out" / "report.html")
    assert "turns played</dt><dd>7</dd>" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_running_again_gives_the_same_results_but_for_latency(handrail, data_dir, tmp_path):
    questions = _lines(tmp_path / "questions.jsonl", *QUESTIONS)
    results = []
    for name in ("first", "second"):
        assert handrail("--questions", questions, "--out", tmp_path / name, data=data_dir)[0] == 0
        results.append(read_results(tmp_path / name / "results.json"))
    first, second = (
        {name: metric for name, metric in result.metrics.items() if not name.startswith("latency")}
        for result in results
    )
    assert first == second
    assert results[0].kb_version == results[1].kb_version


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
