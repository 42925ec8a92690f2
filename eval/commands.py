"""`handrail eval`: from files and folders on the command line to results, report and calibration on disk."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import JsonValue
from rich.console import Console
from rich.table import Table

from bot.answer import Policy
from bot.assembly.adapters import open_calibration
from bot.cli.options import add_settings, settings_of
from bot.settings import Settings
from eval.calibrate import OneSided, TooFewQuestions, calibrate
from eval.cases import CaseError
from eval.label import label
from eval.metrics import Metric, measure, pair
from eval.report import render_report
from eval.results import ResultError, Results, write, write_results, write_rows
from eval.runner import SuiteRun, run_suite
from eval.suite import Inputs, NothingToPlay, Suite, gather
from eval.task import TurnFailed

DONE, FAILED, WRONG_USAGE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sub-commands; each leaves its handler in `run`."""
    kinds = parser.add_subparsers(metavar="command", required=True)
    run_parser = kinds.add_parser(
        "run",
        help="play questions and dialogues, write results.json, cases.jsonl and report.html",
        description="Plays every case through the same code as live traffic and measures the replies.",
    )
    add_settings(run_parser)
    run_parser.add_argument("--questions", type=Path, metavar="FILE", help="questions.jsonl")
    run_parser.add_argument("--dialogues", type=Path, metavar="FILE", help="dialogues.jsonl")
    run_parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="where to write the results")
    add_filters(run_parser)
    run_parser.set_defaults(run=run)
    calibrate_parser = kinds.add_parser(
        "calibrate",
        help="learn from labelled questions how sure the bot may be",
        description="Plays labelled questions and writes calibration.json, which says how sure the bot may be of an answer.",
    )
    add_settings(calibrate_parser)
    calibrate_parser.add_argument("--questions", type=Path, metavar="FILE", required=True, help="questions.jsonl")
    add_filters(calibrate_parser)
    calibrate_parser.set_defaults(run=run_calibrate)
    label_parser = kinds.add_parser(
        "label",
        help="label questions that visitors rated the reply to",
        description="Shows the questions that visitors rated the reply to, one by one, and appends those you judge to a file.",
    )
    add_settings(label_parser)
    where_to = label_parser.add_mutually_exclusive_group(required=True)
    where_to.add_argument(
        "--out", type=Path, metavar="FILE", help="questions.jsonl to append to; made where it is missing"
    )
    where_to.add_argument("--list", action="store_true", help="print all as JSON lines, and ask nothing")
    label_parser.set_defaults(run=run_label)


def run(args: argparse.Namespace) -> int:
    """`handrail eval run`: 0 done, 1 failed, 2 wrong usage. Raises what settings, data folder and knowledge base raise."""
    inputs = Inputs(args.questions, args.dialogues, args.withhold, dict(args.where), args.kb_tag)
    settings = settings_of(args)
    return _status(lambda: _show(asyncio.run(_evaluate(inputs, settings, args.out)), args.out))


def run_calibrate(args: argparse.Namespace) -> int:
    """`handrail eval calibrate`: as `run`; 0 also where the shipped calibration is kept, since it is as good."""
    inputs = Inputs(args.questions, None, args.withhold, dict(args.where), args.kb_tag)
    settings = settings_of(args)
    return _status(lambda: calibrate.run(inputs, args.questions, settings))


def run_label(args: argparse.Namespace) -> int:
    """`handrail eval label`: 0 also where nothing is left to label; 1 where the file cannot be read or written."""
    settings = settings_of(args)
    return _status(lambda: label.print_candidates(settings) if args.list else label.run(args.out, settings))


def _status(act: Callable[[], None]) -> int:
    """What a command exits with."""
    try:
        act()
    except NothingToPlay as error:
        return _complain(error, WRONG_USAGE)
    except (CaseError, ResultError, TurnFailed, TooFewQuestions, OneSided) as error:
        return _complain(error, FAILED)
    return DONE


def add_filters(parser: argparse.ArgumentParser) -> None:
    """The options that choose questions and articles."""
    parser.add_argument(
        "--where",
        type=_label,
        metavar="LABEL=VALUE",
        action="append",
        default=[],
        help="play only questions that carry this label; repeat to narrow further",
    )
    parser.add_argument("--kb-tag", metavar="TAG", help="answer only from articles that carry this tag")
    parser.add_argument(
        "--withhold",
        type=Path,
        metavar="FILE",
        help='leave out the articles of {"articles": [ids]}; what only they answer must not be answered',
    )


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        message = f"{text!r} is not LABEL=VALUE; write for example bot=shop"
        raise argparse.ArgumentTypeError(message)
    return key, value


async def _evaluate(inputs: Inputs, settings: Settings, out: Path) -> Mapping[str, Metric]:
    suite = gather(inputs)
    _make_folder(out)
    suite_run = await run_suite(suite, settings, inputs.kb_tag, open_calibration(settings))
    results = Results(
        suite=suite.name,
        kb_version=suite_run.kb_version,
        model=settings.model,
        config=inputs.config() | _thresholds(settings, suite_run.policy),
        metrics=measure(suite_run.rows, suite.questions, suite.dialogues),
    )
    _keep(out, suite, results, suite_run)
    return results.metrics


def _make_folder(out: Path) -> None:
    """Before the run, since a long one should not fail at its end."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResultError(out, f"cannot be made ({error.strerror}); choose another folder with --out") from error


def _thresholds(settings: Settings, policy: Policy) -> dict[str, JsonValue]:
    budget = settings.error_budget if settings.answer_confidence is None else None
    return {
        "kb": str(settings.kb),
        "error_budget": budget,
        "answer_confidence": policy.answer_confidence,
        "suggest_budget": settings.suggest_budget,
        "suggest_usefulness": policy.suggest_usefulness,
        "handoff": policy.handoff,
    }


def _keep(out: Path, suite: Suite, results: Results, suite_run: SuiteRun) -> None:
    answered, _ = pair(suite_run.rows, suite.questions, suite.dialogues)
    latencies_ms = [row.latency_ms for row in suite_run.rows]
    write_rows(out / "cases.jsonl", suite_run.rows)
    write_results(out / "results.json", results)
    write(out / "report.html", render_report(results, answered, latencies_ms, suite_run.titles).encode())


def _show(metrics: Mapping[str, Metric], out: Path) -> None:
    table = Table("metric", "value", "95 %", "n", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, metric in metrics.items():
        digits = 1 if name.endswith("_ms") else 3
        low, high = (f"{bound:.{digits}f}" for bound in metric.ci95)
        table.add_row(name, f"{metric.value:.{digits}f}", f"{low} - {high}", str(metric.n))
    console = Console(highlight=False, markup=False)
    console.print(table)
    console.print(str(out / "report.html"), soft_wrap=True)


def _complain(error: Exception, status: int) -> int:
    sys.stderr.write(f"handrail: {error}\n")
    return status
