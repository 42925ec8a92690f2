"""Study of spelling correction: what mistyped words cost a search, and what reading them as the articles' words gives back.

    python -m eval.studies.spelling --shared ../shared/data [--most 300]

Questions of the labelled sets of `eval.training.ranker` are asked as they are, with one word mistyped, and with two. A typo is
a neighbouring key, two letters that changed places, a letter left out or typed twice, anywhere in a word of four letters
or more that is no function word; the same ones in every run. What was sent is searched for as it stands and as it is
read. Then the time that reading takes.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from eval.cases import Question
from eval.training.datasets import DATASETS, READER, ROOT, Dataset, read_dataset
from retrieval.index.builder import build
from retrieval.index.snapshot import Snapshot
from retrieval.index.structures.tokens import STOPWORDS, WORD
from retrieval.model.encoder import Encoder
from retrieval.model.onnx_encoder import OnnxEncoder
from retrieval.model.prepare import DEFAULT_MODEL, prepare_model
from retrieval.search.signals import Query
from retrieval.search.spelling import correct_spelling
from retrieval.search.stages import best_articles, search

KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
SHORTEST = 4
RANKED, DEEPER = 20, 3
TYPOS = (0, 1, 2)
FAMILIES = {"handrail", "arduino", "hint3", "banking77", "clinc150"}


def neighbours(letter: str) -> str:
    """The keys around a letter's on a QWERTY keyboard; none for what is no letter of it."""
    row = next((number for number, keys in enumerate(KEYS) if letter in keys), None)
    if row is None:
        return ""
    column = KEYS[row].index(letter)
    around = [
        (row, column - 1),
        (row, column + 1),
        (row - 1, column),
        (row - 1, column + 1),
        (row + 1, column - 1),
        (row + 1, column),
    ]
    return "".join(KEYS[r][c] for r, c in around if 0 <= r < len(KEYS) and 0 <= c < len(KEYS[r]))


def mistyped(word: str, chance: random.Random) -> str:
    """The word with one typo; never the word itself."""
    position = chance.randrange(len(word))
    beside = neighbours(word[position].lower())
    kinds: Sequence[Callable[[], str]] = (
        lambda: word[:position] + chance.choice(beside or word[position]) + word[position + 1 :],
        lambda: word[:position] + word[position : position + 2][::-1] + word[position + 2 :],
        lambda: word[:position] + word[position + 1 :],
        lambda: word[: position + 1] + word[position:],
    )
    typed = chance.choice(kinds)()
    return mistyped(word, chance) if typed == word else typed


def with_typos(text: str, words: int, chance: random.Random) -> str:
    """The question with so many of its words mistyped, or fewer where it has no more."""
    matches = [match for match in WORD.finditer(text) if _may_be_mistyped(match[0])]
    for match in sorted(chance.sample(matches, min(words, len(matches))), key=lambda match: -match.start()):
        text = text[: match.start()] + mistyped(match[0], chance) + text[match.end() :]
    return text


def _may_be_mistyped(word: str) -> bool:
    return word.isalpha() and len(word) >= SHORTEST and word.casefold() not in STOPWORDS


@dataclass(frozen=True, slots=True)
class SpellingTrial:
    """What one question found with so many words mistyped: rank of its article `as_typed` and `as_read`."""

    typos: int
    as_typed: int
    as_read: int
    corrected: bool
    reading_ms: float


def run_trial(snapshot: Snapshot, encoder: Encoder, question: Question, typos: int) -> SpellingTrial:
    """Asks one question in both ways."""
    typed = with_typos(question.question, typos, random.Random(f"{typos} {question.question}"))
    began = time.perf_counter()
    reading = correct_spelling(snapshot, typed, READER)
    reading_ms = (time.perf_counter() - began) * 1000
    as_typed = _rank(snapshot, encoder, typed, question)
    as_read = _rank(snapshot, encoder, reading.text, question) if reading.corrections else as_typed
    return SpellingTrial(typos, as_typed, as_read, bool(reading.corrections), reading_ms)


def _rank(snapshot: Snapshot, encoder: Encoder, text: str, question: Question) -> int:
    ranked = best_articles(search(snapshot, Query(text, encoder.encode_queries([text])[0]), READER, RANKED))
    return next((rank for rank, article_id in enumerate(ranked, 1) if article_id in question.gold_articles), RANKED + 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder of the labelled sets")
    parser.add_argument("--data", type=Path, default=ROOT / "var", help="where the exported model lies")
    parser.add_argument("--most", type=int, default=300, help="questions of a set, at most")
    args = parser.parse_args()
    encoder = OnnxEncoder(prepare_model(DEFAULT_MODEL, args.data))
    datasets = [dataset for dataset in DATASETS if dataset.family in FAMILIES]
    measured = {dataset.name: list(_measured(dataset, args.shared, encoder, args.most)) for dataset in datasets}
    console = Console(width=140)
    console.print(_table(measured))
    for corrected, name in ((False, "no word was changed"), (True, "some were")):
        times = [trial.reading_ms for trials in measured.values() for trial in trials if trial.corrected == corrected]
        console.print(f"reading a question where {name}, ms: {statistics.median(times):.2f}, longest {max(times):.2f}")


def _measured(dataset: Dataset, shared: Path, encoder: Encoder, most: int) -> Iterator[SpellingTrial]:
    articles, questions = read_dataset(dataset, shared)
    snapshot = build(articles, encoder)
    asked = questions[:: -(-len(questions) // most)]
    for question in track(asked, description=dataset.name, console=Console(stderr=True)):
        for typos in TYPOS:
            yield run_trial(snapshot, encoder, question, typos)


def _table(measured: Mapping[str, Sequence[SpellingTrial]]) -> Table:
    table = Table("set", "questions", "typos", "as typed hit@1", "hit@3", "as read hit@1", "hit@3", "read otherwise")
    for typos in TYPOS:
        rows = []
        for name, every in measured.items():
            trials = [trial for trial in every if trial.typos == typos]
            rows.append(_shares(trials))
            table.add_row(name, str(len(trials)), str(typos), *(f"{share:.3f}" for share in rows[-1]))
        means = np.mean(rows, axis=0).tolist()
        table.add_row("mean of the sets", "", str(typos), *(f"{share:.3f}" for share in means), end_section=True)
    return table


def _shares(trials: Sequence[SpellingTrial]) -> list[float]:
    columns = (
        [trial.as_typed <= 1 for trial in trials],
        [trial.as_typed <= DEEPER for trial in trials],
        [trial.as_read <= 1 for trial in trials],
        [trial.as_read <= DEEPER for trial in trials],
        [trial.corrected for trial in trials],
    )
    return [float(np.mean(column)) for column in columns]


if __name__ == "__main__":
    main()
