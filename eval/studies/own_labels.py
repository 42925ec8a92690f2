"""Study of custom calibration: how many labelled questions a company needs for a calibration of its own, and what it then has.

    python -m eval.studies.own_labels --shared ../shared/data

From each set some questions are drawn, 30 times; what `handrail eval calibrate` would make of them is measured on the
rest. What it starts from (search, confidence, threshold) was learned without the family of the set, as it would be for a
company that nobody has seen. `kept`: how often the calibration would be written, its log loss being the better one on
questions that were held out; `by mistake`: how often it is then worse on the rest.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bot.answer.confidence import threshold
from eval.calibrate.custom_calibration import TrainingSet, curve_of, folds, held_out, log_loss
from eval.calibrate.fitting import Labelled, fit, predict, refit
from eval.metrics.bootstrap import Floats, Mask
from eval.metrics.selective_prediction import aurc
from eval.training.confidence import BUDGET, MEASURED, answerable, ask, curve_without, label, pooled
from eval.training.datasets import ROOT
from eval.training.ranker import learned, read_all
from retrieval.model.onnx_encoder import OnnxEncoder
from retrieval.model.prepare import DEFAULT_MODEL, prepare_model

COUNTS = (25, 50, 100, 200, 300)
DRAWS = 30
MOST_DRAWN = 2 / 3  # of a set: the rest has to be judged by


@dataclass(frozen=True, slots=True, eq=False)
class Company:
    """The questions of a set, and what is known of confidence without its family: coefficients and a threshold."""

    name: str
    labelled: Labelled
    answerable: Mask
    prior: Floats
    least: float


@dataclass(frozen=True, slots=True)
class DrawResult:
    """What came of one draw, on the questions that were not drawn: before and after."""

    kept: bool
    log_loss: tuple[float, float]
    aurc: tuple[float, float]
    answered: tuple[float, float]
    wrong: tuple[float, float]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder of the labelled sets")
    parser.add_argument("--data", type=Path, default=ROOT / "var", help="where models and indexes lie")
    args = parser.parse_args()
    companies = list(_companies(args.shared, args.data))
    console = Console(width=140)
    for count in COUNTS:
        console.print(_table(count, companies))
    return 0


def _companies(shared: Path, data: Path) -> Iterator[Company]:
    cases_of = read_all(shared, data)
    encoder = OnnxEncoder(prepare_model(DEFAULT_MODEL, data))
    sets = [asked for dataset in cases_of for asked in ask(dataset, shared, data, encoder)]
    for family in sorted({asked.dataset.family for asked in sets if asked.dataset.name in MEASURED}):
        labelled = label(sets, learned(cases_of, without=family))
        prior = fit(pooled(sets, labelled, {family}))
        least = threshold(curve_without(sets, labelled, {family}), BUDGET)
        for asked, set_labelled in zip(sets, labelled, strict=True):
            if asked.dataset.family == family and MEASURED.get(asked.dataset.name) == asked.articles:
                questions = len(set_labelled.right)
                alike = replace(set_labelled, weights=np.full(questions, 1 / questions))
                yield Company(asked.dataset.name, alike, answerable(asked), prior, least)


def _draw(company: Company, count: int, chance: np.random.Generator) -> DrawResult:
    order = chance.permutation(len(company.answerable))
    some = np.isin(np.arange(len(order)), order[:count])
    training = TrainingSet(
        company.labelled.only(some), company.answerable[some], folds([str(number) for number in range(count)])
    )
    confidence = held_out(training, company.prior)
    before, after = (
        predict(coefficients, company.labelled.features[~some])
        for coefficients in (company.prior, refit(training.labelled, company.prior))
    )
    right = company.labelled.right[~some]
    taught = training.labelled.right
    own_least = threshold(curve_of(confidence, training.labelled), BUDGET)
    answers = [before >= company.least, after >= own_least]
    unit_weights = np.ones((1, len(right)))
    return DrawResult(
        kept=_cost(confidence, taught) < _cost(predict(company.prior, training.labelled.features), taught),
        log_loss=(_cost(before, right), _cost(after, right)),
        aurc=(float(aurc(before, ~right, unit_weights)[0]), float(aurc(after, ~right, unit_weights)[0])),
        answered=(float(answers[0].mean()), float(answers[1].mean())),
        wrong=(float((answers[0] & ~right).mean()), float((answers[1] & ~right).mean())),
    )


def _cost(confidence: Floats, right: Mask) -> float:
    return float(log_loss(confidence, right).mean())


def _table(count: int, companies: Sequence[Company]) -> Table:
    columns = ("kept", "by mistake", "log loss", "aurc", "answered", "wrong of answered")
    table = Table("set", *columns, title=f"{count} questions: shipped → own")
    chance = np.random.default_rng(7)
    rows = []
    for company in companies:
        if count <= MOST_DRAWN * len(company.answerable):
            rows.append([_draw(company, count, chance) for _ in range(DRAWS)])
            table.add_row(company.name, *_cells(rows[-1]))
    table.add_row("mean", *_cells([draw for row in rows for draw in row]))
    return table


def _cells(draws: Sequence[DrawResult]) -> list[str]:
    mistakes = [draw.kept and draw.log_loss[1] > draw.log_loss[0] for draw in draws]
    wrong = np.array([draw.wrong for draw in draws]).mean(axis=0)
    answered = np.array([draw.answered for draw in draws]).mean(axis=0)
    pairs = [np.mean([draw.log_loss for draw in draws], axis=0), np.mean([draw.aurc for draw in draws], axis=0)]
    pairs += [answered, wrong / np.maximum(answered, 1e-9)]
    shares = [f"{np.mean([draw.kept for draw in draws]):.2f}", f"{np.mean(mistakes):.2f}"]
    return shares + [f"{before:.3f} → {after:.3f}" for before, after in pairs]


if __name__ == "__main__":
    sys.exit(main())
