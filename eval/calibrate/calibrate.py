"""`handrail eval calibrate`: from labelled questions to a calibration of the company's own in the data folder."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.answer import OWN, Calibration, default_calibration, threshold
from bot.settings import Settings
from eval.calibrate.custom_calibration import (
    FOLDS,
    LEAST,
    CrossValidationResult,
    TooFewQuestions,
    TrainingSet,
    calibrate,
)
from eval.metrics import Metric, pair
from eval.results import write
from eval.runner import run_suite, warn
from eval.suite import Inputs, gather

FEW_UNANSWERABLE = 0.05  # visitors of every shop ask for more than its articles answer


def run(inputs: Inputs, questions: Path, settings: Settings) -> None:
    """Calibrate and write the calibration. Raises what settings, data folder, knowledge base and cases raise, and what `TrainingSet.of` raises."""
    path = settings.data / OWN
    training = asyncio.run(_play(inputs, settings))
    before = default_calibration()
    _warn(training, settings, before)
    result = calibrate(training, before, settings.error_budget, settings.model, questions.name)
    _show(result, training, settings, before)
    if result.better:
        write(path, result.custom.written(), "--data")
    if result.better and result.custom.threshold(settings.error_budget) == 1:
        warn(
            f"no confidence keeps the error budget of {settings.error_budget:g} on these questions, so hardly any is "
            "answered; raise error_budget, or improve the articles"
        )
    _conclude(result, path)


async def _play(inputs: Inputs, settings: Settings) -> TrainingSet:
    """With the shipped calibration, since what a search finds does not depend on it and an own one may be broken."""
    suite = gather(inputs)
    judged = sum(question.judged for question in suite.questions)
    if judged < LEAST:  # known before anything is played
        raise TooFewQuestions(judged)
    played = await run_suite(suite, settings, inputs.kb_tag, default_calibration())
    return TrainingSet.of(pair(played.rows, suite.questions, suite.dialogues)[0])


def _warn(training: TrainingSet, settings: Settings, before: Calibration) -> None:
    unanswerable = 1 - float(training.answerable.mean())
    if unanswerable < FEW_UNANSWERABLE:
        warn(
            f"{unanswerable:.0%} of the questions are without an answer; the bot will think that hardly any is; "
            'add questions of visitors that no article answers, with "gold_articles": []'
        )
    if settings.model != before.model:
        warn(
            f"the shipped calibration was learned with the model {before.model!r}, not {settings.model!r}; "
            "the fit starts from it all the same, so label more questions than the least number"
        )
    if settings.answer_confidence is not None:
        warn(
            f"answer_confidence is set, so the bot answers from {settings.answer_confidence} whatever the error budget"
        )


def _show(result: CrossValidationResult, training: TrainingSet, settings: Settings, before: Calibration) -> None:
    budget = settings.error_budget
    table = Table("metric", "shipped", "95 %", "own, held out", "95 %", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name in {**result.measured, **result.shipped}:
        table.add_row(name, *_cells(result.shipped, name), *_cells(result.measured, name))
    table.add_row("answers from", f"{before.threshold(budget):.3f}", "", f"{result.custom.threshold(budget):.3f}", "")
    suggests_from = [threshold(kind.suggest_curve, settings.suggest_budget) for kind in (before, result.custom)]
    table.add_row("suggests from", f"{suggests_from[0]:.3f}", "", f"{suggests_from[1]:.3f}", "")
    console = Console(highlight=False, markup=False)
    console.print(table)
    console.print(
        f"{len(training)} questions, {int((~training.answerable).sum())} without an answer; error budget {budget:g}, suggest budget {settings.suggest_budget:g}. "
        f"Held out: each tenth of them by what the other {FOLDS - 1} tenths teach.",
        soft_wrap=True,
    )


def _cells(metrics: Mapping[str, Metric], name: str) -> tuple[str, str]:
    if name not in metrics:
        return "-", ""
    low, high = metrics[name].ci95
    return f"{metrics[name].value:.3f}", f"{low:.3f} - {high:.3f}"


def _conclude(result: CrossValidationResult, path: Path) -> None:
    kept = "The own calibration is not better (log_loss): nothing is written"
    if result.better:
        message = f"{path} is written; serve, ask and eval run use it from their next start."
    elif path.exists():
        message = f"{kept}. {path} of an earlier run stays in use; delete it to use the shipped one."
    else:
        message = f"{kept}, the shipped one is kept."
    sys.stdout.write(f"{message}\n")
