"""Study of human-request intent: whether calls for a person are heard, and nothing else is taken for one.

    python -m eval.studies.human_requests --questions tests/data/human_requests.jsonl
    python -m eval.studies.human_requests --questions ../shared/data/hint3/dev/questions.jsonl

Reads rows of `text` and `call` (or `calls`), or labelled questions, of which those with `labels.handoff_request` or
`labels.contact_request` are calls. Prints precision and recall of the words alone, of what is handed over, and of that
with what is only offered a person; how often messages of each probability were calls; what a message costs; and the
errors. `--model` names another embedding model, as the setting does.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from bot.answer.intent.human_request import default_probe, wording
from bot.answer.policy import HAND_OVER_FROM, OFFER_PERSON_FROM
from retrieval.model import DEFAULT_MODEL, OnnxEncoder, Vectors, prepare_model

BINS = np.linspace(0, 1, 6)  # of the reliability table
BATCH = 64


@dataclass(frozen=True, slots=True)
class RequestPrediction:
    """A message, whether it calls for a person, whether its words are sure of that, and how likely it does by both."""

    text: str
    calls: bool
    sure: bool
    probability: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, required=True, help="rows of text and call, or questions.jsonl")
    parser.add_argument("--data", type=Path, default=Path("var"), help="where the prepared model lies")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    args = parser.parse_args()
    encoder = OnnxEncoder(prepare_model(args.model, args.data))
    rows = [_labelled(line) for line in args.questions.read_text("utf-8").splitlines() if line]
    heard = listen(rows, lambda texts: np.stack([one.sentence for one in encoder.encode_queries(texts)]))
    _print_shares(heard)
    _print_reliability([row for row in heard if not row.sure])
    _print_cost([text for text, _ in rows])
    _print("missed", (row.text for row in heard if row.calls and row.probability < OFFER_PERSON_FROM))
    _print("handed over in vain", (row.text for row in heard if not row.calls and row.probability >= HAND_OVER_FROM))


def listen(rows: Sequence[tuple[str, bool]], sentences: Callable[[Sequence[str]], Vectors]) -> list[RequestPrediction]:
    """Reads each message as a turn does: the words, and the probe where they are not sure."""
    probe, heard = default_probe(sentences), []
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        for (text, calls), vector in zip(batch, sentences([text for text, _ in batch]), strict=True):
            sure = wording(text).asks
            heard.append(RequestPrediction(text, calls, sure, 1.0 if sure else probe.probability(text, vector)))
    return heard


def _labelled(line: str) -> tuple[str, bool]:
    row = json.loads(line)
    labels = row.get("labels", {})
    called = row.get("call", row.get("calls", labels.get("handoff_request") or labels.get("contact_request")))
    return str(row.get("text") or row["question"]), bool(called)


def _print_shares(heard: Sequence[RequestPrediction]) -> None:
    calls = sum(row.calls for row in heard)
    levels = (("words alone", 1.0), ("handed over", HAND_OVER_FROM), ("or offered", OFFER_PERSON_FROM))
    for name, least in levels:
        taken = [row for row in heard if row.sure or (least < 1 and row.probability >= least)]
        right = sum(row.calls for row in taken)
        print(f"{name:12} precision {_share(right, len(taken))}, recall {_share(right, calls)}")


def _print_reliability(heard: Sequence[RequestPrediction]) -> None:
    for least, most in pairwise(BINS):
        inside = [row for row in heard if least <= row.probability < most]
        print(f"probability {least:.1f} to {most:.1f}: called {_share(sum(row.calls for row in inside), len(inside))}")


def _print_cost(texts: Sequence[str]) -> None:
    wording("")
    began = time.perf_counter()
    for text in texts:
        wording(text)
    print(f"words of a message in {1e6 * (time.perf_counter() - began) / len(texts):.0f} µs")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f} ({part} of {whole})" if whole else "none"


def _print(name: str, texts: Iterable[str]) -> None:
    for text in texts:
        print(f"{name}: {text!r}")


if __name__ == "__main__":
    main()
