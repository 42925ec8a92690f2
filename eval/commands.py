"""`handrail eval run`: from files and folders on the command line to results, cases and report on disk."""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import JsonValue
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bot.commands import add_settings, settings_of
from bot.decide import Policy
from bot.settings import Settings
from eval.bootstrap import Metric
from eval.cases import CaseError
from eval.knowledge import Library, open_library
from eval.measures import measure, pair
from eval.report import render
from eval.results import ResultError, Results, Row, write, write_results, write_rows
from eval.run import TurnFailed, play, scenes
from eval.suite import Inputs, NothingToPlay, Suite, gather

DONE, FAILED, WRONG_USAGE = 0, 1, 2


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Registers `eval` with its sub-commands."""
    house = subparsers.add_parser("eval", help="measure how well the bot answers")
    kinds = house.add_subparsers(metavar="command", required=True)
    one = kinds.add_parser(
        "run",
        help="play questions and dialogues, write results.json, cases.jsonl and report.html",
        description="Plays every case through the same code as live traffic and measures the replies.",
    )
    _add_inputs(one)
    _add_filters(one)
    one.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """`handrail eval run`: 0 done, 1 failed, 2 wrong usage. Raises what settings, data folder and knowledge base raise."""
    inputs = Inputs(args.questions, args.dialogues, args.withhold, dict(args.where), args.kb_tag)
    settings = settings_of(args)
    try:
        metrics = asyncio.run(_evaluate(inputs, settings, args.out))
    except NothingToPlay as error:
        return _complain(error, WRONG_USAGE)
    except (CaseError, ResultError, TurnFailed) as error:
        return _complain(error, FAILED)
    _show(metrics, args.out)
    return DONE


def _add_inputs(one: argparse.ArgumentParser) -> None:
    add_settings(one)
    one.add_argument("--questions", type=Path, metavar="FILE", help="questions.jsonl")
    one.add_argument("--dialogues", type=Path, metavar="FILE", help="dialogues.jsonl")
    one.add_argument("--out", type=Path, metavar="DIR", required=True, help="where to write the results")


def _add_filters(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--where",
        type=_label,
        metavar="LABEL=VALUE",
        action="append",
        default=[],
        help="play only questions that carry this label; repeat to narrow further",
    )
    one.add_argument("--kb-tag", metavar="TAG", help="answer only from articles that carry this tag")
    one.add_argument(
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
    with _progress() as progress:
        async with open_library(settings, suite.withheld, inputs.kb_tag, progress) as library:
            _warn(suite, library)
            rows = await _play(suite, library, progress)
            policy = library.policy
    results = Results(
        suite=suite.name,
        kb_version=library.kb_version,
        model=settings.model,
        config=inputs.config() | _thresholds(settings, policy),
        metrics=measure(rows, suite.questions, suite.dialogues),
    )
    _keep(out, suite, results, rows, library.titles)
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
        "handoff": policy.handoff,
    }


@contextmanager
def _progress() -> Iterator[Progress]:
    """Bars on stderr, for people only: a pipe or a log gets none."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


async def _play(suite: Suite, library: Library, progress: Progress) -> tuple[Row, ...]:
    cast = tuple(scenes(suite.questions, suite.dialogues))
    task = progress.add_task("playing", total=len(cast))
    return await play(cast, library.knows, library.policy, lambda: progress.advance(task))


def _keep(out: Path, suite: Suite, results: Results, rows: Sequence[Row], titles: Mapping[str, str]) -> None:
    answered, _ = pair(rows, suite.questions, suite.dialogues)
    write_rows(out / "cases.jsonl", rows)
    write_results(out / "results.json", results)
    write(out / "report.html", render(results, answered, [row.latency_ms for row in rows], titles).encode())


def _warn(suite: Suite, library: Library) -> None:
    """Of what makes the numbers worse than the bot is: articles that are broken or not there."""
    for error in library.errors:
        sys.stderr.write(f"warning: {error}\n")
    wanted = {article_id for question in suite.questions for article_id in question.gold_articles}
    lacking = sorted(wanted - library.titles.keys())
    if lacking:
        sys.stderr.write(
            f"warning: {len(lacking)} expected articles are not in the knowledge base (such as {lacking[0]!r}); "
            "they count as not found; check --kb, --kb-tag and --where\n"
        )


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
