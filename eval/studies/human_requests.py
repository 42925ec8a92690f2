"""Study of human-request intent: whether calls for a person are heard, and nothing else is taken for one.

    python -m eval.studies.human_requests --questions tests/data/calls_for_a_person.jsonl
    python -m eval.studies.human_requests --questions ../shared/data/hint3/dev/questions.jsonl

Reads rows of `text` and `calls`, or labelled questions, of which those with `labels.handoff_request` are calls. Prints
precision and recall, the time a message takes, the calls that were missed, and what was taken for a call.
"""

import argparse
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.answer.intent.human_request import asks_for_person


@dataclass(frozen=True, slots=True)
class RequestDetection:
    """An intent prediction: a message, whether it calls for a person, whether it was detected, and the time it took."""

    text: str
    calls: bool
    detected: bool
    seconds: float


def detect(line: str) -> RequestDetection:
    """The prediction for the message of one row."""
    row = json.loads(line)
    text = str(row.get("text") or row["question"])
    calls = bool(row["calls"] if "calls" in row else row["labels"].get("handoff_request"))
    began = time.perf_counter()
    detected = asks_for_person(text)
    return RequestDetection(text, calls, detected, time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, required=True, help="rows of text and calls, or questions.jsonl")
    args = parser.parse_args()
    rows = [detect(line) for line in args.questions.read_text("utf-8").splitlines() if line]
    right = sum(row.calls and row.detected for row in rows)
    print(f"messages   {len(rows)}, {1e6 * sum(row.seconds for row in rows) / len(rows):.0f} µs each")
    print(f"precision  {_share(right, sum(row.detected for row in rows))}")
    print(f"recall     {_share(right, sum(row.calls for row in rows))}")
    _print("missed", (row.text for row in rows if row.calls and not row.detected))
    _print("taken for a call", (row.text for row in rows if row.detected and not row.calls))


def _share(part: int, total: int) -> str:
    return f"{part / total:.3f} ({part} of {total})" if total else "none"


def _print(name: str, texts: Iterable[str]) -> None:
    for text in texts:
        print(f"{name}: {text!r}")


if __name__ == "__main__":
    main()
