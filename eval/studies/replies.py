"""Study of answer text: how good the wording of replies is, on a set whose questions have reference answers.

    python -m eval.studies.replies --kb ../shared/data/dstc11_val/kb --questions ../shared/data/dstc11_val/dev/questions.jsonl

Every question is answered from the best article, however unsure the bot is: whether to answer is another measurement.
Prints token F1 against the reference, how much of the gold snippets (`labels.snippets`) the reply contains, and its
length, for all questions and for those whose article is right. `--show N` writes N replies instead, to be read.
`--without dstc11 --shared ../shared/data` searches with weights that never saw that family of sets.
"""

import argparse
import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bot.answer.policy import Policy
from bot.cli.options import add_settings, settings_of
from bot.settings.settings import Settings
from eval.cases import Question, read_questions
from eval.knowledge import open_eval_knowledge
from eval.metrics.answer_text import answer_words, containment, token_f1
from eval.metrics.bootstrap import Metric, estimate, mean, quantile, resample
from eval.metrics.measures import Answered, pair
from eval.metrics.printing import shown
from eval.task import run_cases, task_inputs
from eval.training.leave_one_family_out import unseen

SEED = 7  # any fixed number: the same replies are shown before and after a change
ALWAYS = Policy(answer_confidence=0.0)
DIGITS = (3, 3, 3, 1, 1)  # of each column


def main() -> None:
    """Play the questions and print the table, or the replies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_settings(parser)
    parser.add_argument("--questions", type=Path, required=True, help="questions.jsonl")
    parser.add_argument(
        "--show", type=int, metavar="N", help="write N replies, as visitors get them, instead of numbers"
    )
    parser.add_argument(
        "--without", metavar="FAMILY", help="a family of sets (eval/training/datasets.py) that was not learned from"
    )
    parser.add_argument("--shared", type=Path, help="folder of the labelled sets, for --without")
    args = parser.parse_args()
    settings = settings_of(args)
    with unseen(args.without, args.shared, settings.data) if args.without else nullcontext():
        _report(settings, read_questions(args.questions), args.show)


def _report(settings: Settings, questions: Sequence[Question], show: int | None) -> None:
    if show:
        chosen = random.Random(SEED).sample(questions, show)
        print("\n".join(map(_written, asyncio.run(_answered(settings, chosen)))))
        return
    cases = asyncio.run(_answered(settings, [question for question in questions if question.reference_answer], ALWAYS))
    Console(width=120).print(_table(cases))


async def _answered(
    settings: Settings, questions: Sequence[Question], policy: Policy | None = None
) -> Sequence[Answered]:
    with Progress(disable=True) as progress:
        async with open_eval_knowledge(settings, frozenset(), None, progress) as knowledge:
            rows = await run_cases(task_inputs(questions, ()), knowledge.deps, policy or knowledge.policy)
    return pair(rows, questions, ())[0]


def _table(cases: Sequence[Answered]) -> Table:
    table = Table("replies", "n", "token F1", "best snippet", "all snippets", "words", "p95 words")
    right = [case for case in cases if case.right]
    for name, some in (("all", cases), ("from a right article", right)):
        table.add_row(name, str(len(some)), *map(shown, _metrics(some).values(), DIGITS))
    return table


def _metrics(cases: Sequence[Answered]) -> Mapping[str, Metric | None]:
    counts, everywhere = resample([case.question.case_id for case in cases]), np.ones(len(cases), dtype=np.bool_)
    columns = np.array([list(_scores(case)) for case in cases], dtype=np.float64).T
    measures = {
        name: partial(mean, column) for name, column in zip(("f1", "best", "all", "words"), columns, strict=True)
    }
    measures["p95"] = partial(quantile, columns[3], 0.95)
    return {name: estimate(measure, counts, everywhere) for name, measure in measures.items()}


def _scores(case: Answered) -> Iterator[float]:
    """Token F1, containment of the best-contained snippet, of all snippets, and words."""
    reply = answer_words(case.row.says)
    labelled = case.question.labels.get("snippets")
    snippets = [str(text) for text in labelled] if isinstance(labelled, list) else []
    yield token_f1(reply, case.question.reference_answer or "")
    yield max((containment(reply, snippet) for snippet in snippets), default=0.0)
    yield containment(reply, " ".join(snippets))
    yield len(reply.split())


def _written(case: Answered) -> str:
    history = "".join(f"> {said.role}: {said.text}\n\n" for said in case.question.history)
    head = f"## {case.question.question}\n\n{history}`{case.row.outcome}` {case.row.confidence:.2f}, "
    offered = [str(choice.article_id) for choice in case.row.choices if choice.kind == "article"]
    chips = f"\n\noffered: {' | '.join(offered)}" if offered else ""
    return f"{head}{'right' if case.right else 'WRONG'} article\n\n{case.row.text}{chips}\n\n---\n"


if __name__ == "__main__":
    main()
