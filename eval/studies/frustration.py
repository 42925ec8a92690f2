"""Study of frustration detection, how well it is noticed: by the whole score, by words alone, and by a list of words to compare with.

    python3 ../shared/data/maia/to_dialogues.py > maia.jsonl
    python -m eval.studies.frustration --dialogues maia.jsonl

Prints for each AUROC, average precision and F1 at .5 over the labelled turns; how many of the visitor's turns the first
alarm comes after the first labelled one (less than 0: before it), over the chats that have both; the share of unhappy
chats with an alarm; and alarms in 100 calm chats. All with 95 % intervals over chats. Last, what a message costs.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np

from bot.answer.frustration.lexicon import cues
from bot.answer.frustration.probe import Tone, default_probe
from bot.answer.frustration.score import FRUSTRATED_FROM, HISTORY, mood
from bot.answer.transcript import Said
from eval.cases import Dialogue, read_dialogues
from eval.metrics.bootstrap import Measure, estimate, resample
from eval.metrics.printing import mean_of, shown
from eval.metrics.selective_prediction import auroc, average_precision, f1
from retrieval.model.encoder import Vectors
from retrieval.model.onnx_encoder import OnnxEncoder
from retrieval.model.prepare import DEFAULT_MODEL, prepare_model

Score = Callable[["ScoredTurn"], float]


@dataclass(frozen=True, slots=True, eq=False)
class ScoredTurn:
    """A labelled turn, after what was said before it, with its sentence vector."""

    dialogue_id: str
    earlier: Sequence[Said]
    text: str
    vector: Vectors
    unhappy: bool


def main() -> None:
    """Score every turn in three ways and print what the scores are worth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=Path, required=True, help="dialogues.jsonl")
    parser.add_argument("--data", type=Path, default=Path("var"), help="where the prepared model lies")
    args = parser.parse_args()
    encoder = OnnxEncoder(prepare_model(DEFAULT_MODEL, args.data))
    sentences = partial(_sentences, encoder)
    began = time.perf_counter()
    tone = default_probe(sentences)
    print(f"learned in {time.perf_counter() - began:.1f} s with {encoder.name}")
    turns = _turns(read_dialogues(args.dialogues), sentences)
    _print("mood", turns, partial(_whole, tone))
    _print("mood, words alone", turns, _by_words)
    _print("list of words", turns, _listed)
    _print_cost(turns, tone)


def _sentences(encoder: OnnxEncoder, texts: Sequence[str]) -> Vectors:
    return np.stack([embedding.sentence for embedding in encoder.encode_queries(texts)])


def _turns(dialogues: Sequence[Dialogue], sentences: Callable[[Sequence[str]], Vectors]) -> list[ScoredTurn]:
    turns = []
    for dialogue in dialogues:
        said = [Said("visitor" if turn.role == "user" else "agent", turn.text) for turn in dialogue.turns]
        labelled = list(dialogue.labelled())
        vectors = sentences([said[index].text for _, index, _ in labelled]) if labelled else ()
        turns += [
            ScoredTurn(dialogue.case_id, said[max(0, index - HISTORY) : index], said[index].text, vector, label != "ok")
            for (_, index, label), vector in zip(labelled, vectors, strict=True)
        ]
    return turns


def _whole(tone: Tone, turn: ScoredTurn) -> float:
    return mood(turn.earlier, turn.text, turn.vector, tone).score


def _by_words(turn: ScoredTurn) -> float:
    return mood(turn.earlier, turn.text).score


def _listed(turn: ScoredTurn) -> float:
    """A list of words: how many negative ones this message has; one is an alarm."""
    counts = cues(turn.text)
    negative = sum(counts.values()) - counts["contrast"] - counts["grateful"] - counts["harmless"]
    return negative / (1 + negative)


def _print(name: str, turns: Sequence[ScoredTurn], score: Score) -> None:
    scores = np.array([score(turn) for turn in turns])
    unhappy = np.array([turn.unhappy for turn in turns])
    alarms = scores >= FRUSTRATED_FROM
    draws = resample([turn.dialogue_id for turn in turns])
    measures: dict[str, Measure] = {
        "AUROC": partial(auroc, scores, unhappy),
        "average precision": partial(average_precision, scores, unhappy),
        "F1 at .5": partial(f1, alarms, unhappy),
    }
    print(f"\n{name}")
    for label, measure in measures.items():
        print(f"  {label:42} {shown(estimate(measure, draws, np.ones(len(turns), np.bool_)))}  n={len(turns)}")
    _print_chats(turns, alarms.tolist())


def _print_chats(turns: Sequence[ScoredTurn], alarms: Sequence[bool]) -> None:
    chats = [list(group) for _, group in groupby(zip(turns, alarms, strict=True), lambda pair: pair[0].dialogue_id)]
    columns = [([turn.unhappy for turn, _ in chat], [alarm for _, alarm in chat]) for chat in chats]
    unhappy_alarms = [alarm for unhappy, alarm in columns if any(unhappy)]
    lags = [alarm.index(True) - unhappy.index(True) for unhappy, alarm in columns if any(unhappy) and any(alarm)]
    calm = [100.0 * any(alarm) for unhappy, alarm in columns if not any(unhappy)]
    _show("turns from the first labelled to the alarm", lags)
    print(f"  {'the same, median and quartiles':42} {np.quantile(lags, [0.5, 0.25, 0.75])}" if lags else "")
    _show("alarm in unhappy chats", [any(alarm) for alarm in unhappy_alarms])
    _show("alarms in 100 calm chats", calm)


def _show(name: str, values: Sequence[float]) -> None:
    print(f"  {name:42} {shown(mean_of(values), 2)}  n={len(values)}")


def _print_cost(turns: Sequence[ScoredTurn], tone: Tone) -> None:
    times_ms = []
    for turn in turns:
        began = time.perf_counter()
        mood(turn.earlier, turn.text, turn.vector, tone)
        times_ms.append((time.perf_counter() - began) * 1000)
    print("\nms a message: median {:.2f}, 95 % {:.2f}".format(*np.quantile(times_ms, [0.5, 0.95])))


if __name__ == "__main__":
    main()
