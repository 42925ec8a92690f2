"""Study of clarifying questions, whether asking back helps: how often the bot asks which article is meant, and whether the right one is offered.

    python -m eval.studies.clarify --kb ../shared/data/arduino_help/kb --questions ../shared/data/arduino_help/dev/questions.jsonl

Prints, over the questions that some article answers: the share that is asked back, and of these the share whose first
article is right (what answering at once would have achieved) beside the share with a right article among those offered.
"""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from bot.cli.options import add_settings, settings_of
from bot.settings.settings import Settings
from eval.cases import Question, read_questions
from eval.knowledge import open_eval_knowledge
from eval.metrics.measures import Answered, pair
from eval.metrics.printing import mean_of, shown
from eval.task import run_cases, task_inputs


def main() -> None:
    """Play the questions and print the shares with their 95 % intervals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_settings(parser)
    parser.add_argument("--questions", type=Path, required=True, help="questions.jsonl")
    args = parser.parse_args()
    questions = [case for case in read_questions(args.questions) if case.answerable]
    cases = asyncio.run(_answered(settings_of(args), questions))
    back = [case for case in cases if case.row.outcome == "clarify"]
    _print("asked back", [case.row.outcome == "clarify" for case in cases])
    _print("first article right, where asked back", [case.right for case in back])
    _print("right article offered, where asked back", [_is_offered(case) for case in back])
    _print("articles offered, where asked back", [len(_offered(case)) for case in back])
    _print("first article right, where answered", [case.right for case in cases if case.row.outcome == "answer"])


async def _answered(settings: Settings, questions: Sequence[Question]) -> Sequence[Answered]:
    with Progress(disable=True) as progress:
        async with open_eval_knowledge(settings, frozenset(), None, progress) as knowledge:
            rows = await run_cases(task_inputs(questions, ()), knowledge.deps, knowledge.policy)
    return pair(rows, questions, ())[0]


def _offered(case: Answered) -> Sequence[str | None]:
    return [choice.article_id for choice in case.row.choices if choice.kind == "article"]


def _is_offered(case: Answered) -> bool:
    return any(article_id in case.question.gold_articles for article_id in _offered(case))


def _print(name: str, values: Sequence[float]) -> None:
    print(f"{name:42} {shown(mean_of(values))}  n={len(values)}")


if __name__ == "__main__":
    main()
