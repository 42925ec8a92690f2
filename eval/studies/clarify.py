"""Whether asking back helps: how often the bot asks which article is meant, and whether the right one is offered.

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
from eval.knowledge import open_library
from eval.metrics.measures import Answered, pair
from eval.metrics.printing import mean_of, shown
from eval.task import play, scenes


def main() -> None:
    """Play the questions and print the shares with their 95 % intervals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_settings(parser)
    parser.add_argument("--questions", type=Path, required=True, help="questions.jsonl")
    args = parser.parse_args()
    questions = [one for one in read_questions(args.questions) if one.answerable]
    cases = asyncio.run(_answered(settings_of(args), questions))
    back = [one for one in cases if one.row.outcome == "clarify"]
    _print("asked back", [one.row.outcome == "clarify" for one in cases])
    _print("first article right, where asked back", [one.right for one in back])
    _print("right article offered, where asked back", [_is_offered(one) for one in back])
    _print("articles offered, where asked back", [len(_offered(one)) for one in back])
    _print("first article right, where answered", [one.right for one in cases if one.row.outcome == "answer"])


async def _answered(settings: Settings, questions: Sequence[Question]) -> Sequence[Answered]:
    with Progress(disable=True) as progress:
        async with open_library(settings, frozenset(), None, progress) as library:
            rows = await play(scenes(questions, ()), library.knows, library.policy)
    return pair(rows, questions, ())[0]


def _offered(one: Answered) -> Sequence[str | None]:
    return [choice.article_id for choice in one.row.choices if choice.kind == "article"]


def _is_offered(one: Answered) -> bool:
    return any(article_id in one.question.gold_articles for article_id in _offered(one))


def _print(name: str, values: Sequence[float]) -> None:
    print(f"{name:42} {shown(mean_of(values))}  n={len(values)}")


if __name__ == "__main__":
    main()
