"""The runner of an evaluation suite, for people who wait: opens the knowledge base, warns of what is missing, and shows how far it is."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bot.answer import Calibration, Policy
from bot.settings import Settings
from eval.knowledge import EvalKnowledge, open_eval_knowledge
from eval.rows import Row
from eval.suite import Suite
from eval.task import run_cases, task_inputs


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """A finished run: the row of every case, and what it was played with; `titles` names the articles by id."""

    rows: tuple[Row, ...]
    kb_version: str
    policy: Policy
    titles: Mapping[str, str]


async def run_suite(suite: Suite, settings: Settings, kb_tag: str | None, calibration: Calibration) -> SuiteRun:
    """Run every case of a suite. Raises what `open_eval_knowledge` raises, and TurnFailed. Warnings and progress go to stderr."""
    with _progress() as progress:
        async with open_eval_knowledge(settings, suite.withheld, kb_tag, progress, calibration) as knowledge:
            _warn(suite, knowledge)
            inputs = tuple(task_inputs(suite.questions, suite.dialogues))
            task = progress.add_task("playing", total=len(inputs))
            rows = await run_cases(inputs, knowledge.deps, knowledge.policy, lambda: progress.advance(task))
            return SuiteRun(rows, knowledge.kb_version, knowledge.policy, knowledge.titles)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Bars on stderr, for people only: a pipe or a log gets none."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


def warn(problem: object) -> None:
    """A line on stderr; what was asked for is done all the same."""
    sys.stderr.write(f"warning: {problem}\n")


def _warn(suite: Suite, knowledge: EvalKnowledge) -> None:
    """Of what makes the numbers worse than the bot is: articles that are broken or not there."""
    for error in knowledge.errors:
        warn(error)
    wanted = {article_id for question in suite.questions for article_id in question.gold_articles}
    lacking = sorted(wanted - knowledge.titles.keys())
    if lacking:
        warn(
            f"{len(lacking)} expected articles are not in the knowledge base (such as {lacking[0]!r}); "
            "they count as not found; check --kb, --kb-tag and --where"
        )
