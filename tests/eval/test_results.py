import orjson
import pytest

from eval.metrics.bootstrap import Metric
from eval.results import ResultError, Results, read_results, read_rows, write_results, write_rows


def test_rows_are_written_in_the_fields_of_the_protocol_and_read_back(tmp_path, row):
    path = tmp_path / "cases.jsonl"
    rows = (
        row(
            "q1",
            ranked=("a", "b"),
            confidence=0.1 + 0.2,
            text="Zürich\n\u2028 <b>",
            trace={"hits": [{"score": 0.5}], "x": None},
        ),
        row("d1#3", outcome="handoff", confidence=0, ranked=(), reason="visitor_asked", frustration=0.75),
    )
    write_rows(path, rows)
    assert read_rows(path) == rows
    first, second = (orjson.loads(line) for line in path.read_bytes().splitlines())
    assert list(first) == [
        "id", "outcome", "confidence", "ranked", "shown", "citations", "text", "frustration", "reason", "latency_ms", "passage", "choices", "features", "reach", "trace",
    ]  # fmt: skip
    assert first["citations"] == [{"article_id": "a", "title": "A", "heading": None, "url": "/help/a", "quote": "q"}]
    assert (second["id"], second["reason"], second["citations"]) == ("d1#3", "visitor_asked", [])


def test_results_are_written_in_the_shape_of_the_protocol_and_read_back(tmp_path):
    path = tmp_path / "results.json"
    results = Results("shop", "kb1", "mini", {"where": {"bot": "x"}}, {"hit@1": Metric(0.5, (0.25, 0.75), 4)})
    write_results(path, results)
    assert orjson.loads(path.read_bytes()) == {
        "suite": "shop",
        "kb_version": "kb1",
        "model": "mini",
        "config": {"where": {"bot": "x"}},
        "metrics": {"hit@1": {"value": 0.5, "ci95": [0.25, 0.75], "n": 4}},
    }
    assert read_results(path) == results


@pytest.mark.parametrize(
    ("outcome", "cited", "ranked", "chosen"),
    [
        ("answer", ("b", "a"), ("a", "b"), "b"),
        ("answer", (), ("a", "b"), None),
        ("suggest", ("b", "a"), ("a", "b"), "b"),
        ("no_answer", (), ("a", "b"), "a"),
        ("clarify", ("b",), ("a", "b"), "a"),
        ("handoff", (), (), None),
    ],
)
def test_a_reply_with_a_passage_stands_on_its_first_citation_and_all_else_on_the_first_ranked(
    row, outcome, cited, ranked, chosen
):
    assert row(outcome=outcome, cited=cited, ranked=ranked).chosen == chosen


@pytest.mark.parametrize(
    ("field", "value"), [("confidence", 1.5), ("confidence", None), ("outcome", "maybe"), ("latency_ms", -1)]
)
def test_a_row_that_breaks_the_contract_is_refused(tmp_path, row, field, value):
    path = tmp_path / "cases.jsonl"
    write_rows(path, [row()])
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | {field: value}))
    with pytest.raises(ResultError, match=r"cases\.jsonl: is not a file of results"):
        read_rows(path)


def test_a_file_that_cannot_be_written_or_read_is_named(tmp_path):
    with pytest.raises(ResultError, match=r"cannot be written \(No such file or directory\); choose a writable folder"):
        write_rows(tmp_path / "nowhere" / "cases.jsonl", [])
    with pytest.raises(
        ResultError, match=r"cannot be read \(No such file or directory\); run `handrail eval run` first"
    ):
        read_rows(tmp_path / "cases.jsonl")


def test_a_failed_write_leaves_the_old_file(tmp_path, row):
    path = tmp_path / "cases.jsonl"
    write_rows(path, [row()])

    def breaking():
        yield row("q2")
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        write_rows(path, breaking())
    assert [row_read.row_id for row_read in read_rows(path)] == ["q1"]
    assert [file.name for file in tmp_path.iterdir()] == ["cases.jsonl"]
