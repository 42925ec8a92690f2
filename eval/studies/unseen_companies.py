"""Study of unseen companies: what the whole bot comes to where nothing of it was learned, and what its two budgets cost.

    python -m eval.studies.unseen_companies --shared ../shared/data

For each family of sets, the weights of the search, those of confidence and both thresholds are learned from all other
families. Then its questions are played as `handrail eval run` plays them, with the articles that `MEASURED` names. The
first table has the metrics of the article evaluation-metrics, a column a set; `mean` is that of families. The other two
have what each threshold would come to, in that mean. A share of answers or suggestions is there of all that there are,
families counting alike by their questions: that is what a budget bounds.
"""

import argparse
import asyncio
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bot.answer.confidence import Calibration, threshold
from bot.cli.options import add_settings, settings_of
from bot.settings.settings import Settings
from eval.knowledge import open_eval_knowledge
from eval.metrics.measures import Answered, measure, pair
from eval.rows import Row
from eval.task import run_cases, task_inputs
from eval.training.confidence import MEASURED, AskedSet, ask, label, learned_calibration, spread
from eval.training.datasets import read_judged, require_datasets
from eval.training.leave_one_family_out import searching_with
from eval.training.ranker import learned, read_all
from retrieval.model.onnx_encoder import OnnxEncoder
from retrieval.model.prepare import DEFAULT_MODEL, prepare_model

METRICS = (
    "hit@1", "hit@3", "shown@1", "shown@3", "shown_unanswerable", "suggested", "useless_of_suggested",
    "answered_rate", "wrong_of_answered", "asked_back", "right_auroc", "answerable_auroc", "coverage@5%error", "ece",
)  # fmt: skip
SHARE_OF = {"useless_of_suggested": "suggested", "wrong_of_answered": "answered_rate"}
ANSWERS_FROM = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.4)
SUGGESTS_FROM = (0.8, 0.7, 0.6, 0.5, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05)
ANSWER_COSTS = ("answered_rate", "wrong_of_answered")
SUGGESTION_COSTS = ("suggested", "useless_of_suggested", "shown@1", "shown@3", "shown_unanswerable")

Shares = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Company:
    """A set whose family taught nothing, played with a suggestion wherever anything was found; the learned thresholds."""

    name: str
    family: str
    answers_from: float
    suggests_from: float
    played: Sequence[Answered]

    def cases(self, suggests_from: float) -> Sequence[Answered]:
        """As a bot leaves them that suggests from this usefulness on."""
        return [replace(case, row=stricter(case.row, suggests_from)) for case in self.played]


def main() -> int:
    """Learn, play and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_settings(parser)
    parser.add_argument("--shared", type=Path, required=True, help="folder of the labelled sets")
    args = parser.parse_args()
    require_datasets(args.shared)
    companies = list(_companies(args.shared, settings_of(args)))
    console = Console(width=200)
    console.print(_metrics_table(companies), _answer_costs(companies), _suggestion_costs(companies))
    return 0


def _companies(shared: Path, settings: Settings) -> Iterator[Company]:
    cases_of = read_all(shared, settings.data)
    encoder = OnnxEncoder(prepare_model(DEFAULT_MODEL, settings.data))
    sets = [asked for dataset in cases_of for asked in ask(dataset, shared, settings.data, encoder)]
    measured = [asked for asked in sets if MEASURED.get(asked.dataset.name) == asked.articles]
    for family in sorted({asked.dataset.family for asked in measured}):
        weights = learned(cases_of, without=family)
        calibration = learned_calibration(sets, label(sets, weights), {family})
        with searching_with(weights):
            for asked in measured:
                if asked.dataset.family == family:
                    yield asyncio.run(_company(asked, shared, settings, calibration))


async def _company(asked: AskedSet, shared: Path, settings: Settings, calibration: Calibration) -> Company:
    dataset = asked.dataset
    here = settings.model_copy(update={"kb": shared / dataset.folder / "kb"})
    questions = [question.without(asked.withheld) for question in spread(read_judged(dataset, shared)[1])]
    with Progress(disable=True) as progress:
        async with open_eval_knowledge(here, asked.withheld, dataset.tag, progress, calibration) as knowledge:
            always = replace(knowledge.policy, suggest_usefulness=0.0)
            rows = await run_cases(task_inputs(questions, ()), knowledge.deps, always)
    return Company(
        dataset.name,
        dataset.family,
        answers_from=knowledge.policy.answer_confidence,
        suggests_from=threshold(calibration.suggest_curve, settings.suggest_budget),
        played=pair(rows, questions, ())[0],
    )


def stricter(row: Row, suggests_from: float) -> Row:
    """What becomes of a reply that was played with any suggestion allowed, where they are made from this usefulness on."""
    if row.outcome not in ("suggest", "clarify") or row.useful >= suggests_from:
        return row
    return replace(row, outcome="no_answer", shown=(), citations=())


def metrics_of(cases: Sequence[Answered]) -> Shares:
    """The value of every metric that is defined, and the share of questions that got a suggestion."""
    rows, questions = [case.row for case in cases], [case.question for case in cases]
    values = {name: metric.value for name, metric in measure(rows, questions, ()).items()}
    suggested = [case.row.outcome == "suggest" for case in cases if case.question.judged]
    return values | {"suggested": fmean(suggested)}


def macro(by_family: Mapping[str, Sequence[Shares]], name: str) -> float:
    """The mean over families of the mean over their sets; of a share of some questions, by how many these are."""
    whole = SHARE_OF.get(name)
    if whole is None:
        return _mean_of_families(by_family, lambda shares: shares.get(name))
    part = _mean_of_families(by_family, lambda shares: shares.get(name, 0.0) * shares[whole])
    return part / max(_mean_of_families(by_family, lambda shares: shares[whole]), 1e-9)


def _mean_of_families(by_family: Mapping[str, Sequence[Shares]], value: Callable[[Shares], float | None]) -> float:
    """Of the families that have a value; one at least."""
    values = ([part for shares in sets if (part := value(shares)) is not None] for sets in by_family.values())
    return fmean(fmean(of_family) for of_family in values if of_family)


def _by_family(companies: Sequence[Company], shares_of: Callable[[Company], Shares]) -> Mapping[str, Sequence[Shares]]:
    families: dict[str, list[Shares]] = defaultdict(list)
    for company in companies:
        families[company.family].append(shares_of(company))
    return families


def _metrics_table(companies: Sequence[Company]) -> Table:
    measured = {company.name: metrics_of(company.cases(company.suggests_from)) for company in companies}
    by_family = _by_family(companies, lambda company: measured[company.name])
    table = Table("", *measured, "mean", title="each family by what the others teach")
    table.add_row("questions", *(str(len(company.played)) for company in companies))
    table.add_row("answers from", *(f"{company.answers_from:.3f}" for company in companies))
    table.add_row("suggests from", *(f"{company.suggests_from:.3f}" for company in companies), end_section=True)
    for name in METRICS:
        cells = (f"{shares[name]:.3f}" if name in shares else "-" for shares in measured.values())
        table.add_row(name, *cells, f"{macro(by_family, name):.3f}")
    return table


def _answer_costs(companies: Sequence[Company]) -> Table:
    table = Table("answers from", *ANSWER_COSTS)
    for level in ANSWERS_FROM:
        by_family = _by_family(companies, lambda company: answer_costs(company.played, level))  # noqa: B023 - used at once
        table.add_row(f"{level:.2f}", *(f"{macro(by_family, name):.3f}" for name in ANSWER_COSTS))
    return table


def _suggestion_costs(companies: Sequence[Company]) -> Table:
    table = Table("suggests from", *SUGGESTION_COSTS, title="beside the answers from the learned threshold on")
    for level in SUGGESTS_FROM:
        by_family = _by_family(companies, lambda company: metrics_of(company.cases(level)))  # noqa: B023 - used at once
        table.add_row(f"{level:.2f}", *(f"{macro(by_family, name):.3f}" for name in SUGGESTION_COSTS))
    return table


def answer_costs(cases: Sequence[Answered], answers_from: float) -> Shares:
    """What answering from this confidence on comes to."""
    judged = [case for case in cases if case.question.judged]
    answered = [case for case in judged if case.row.confidence >= answers_from]
    wrong = [not case.right for case in answered]
    return {"answered_rate": len(answered) / len(judged), "wrong_of_answered": fmean(wrong) if wrong else 0.0}


if __name__ == "__main__":
    sys.exit(main())
