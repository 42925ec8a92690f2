"""Labelled datasets for training and evaluation of the search: which there are, and under which licence."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.cases import Question, read_questions
from retrieval.articles.article import Article, read
from retrieval.articles.audience import Audience

ROOT = Path(__file__).parents[2]
READER = Audience("default")
MOST_QUESTIONS = 1000  # of a set: more change nothing


@dataclass(frozen=True, slots=True)
class Dataset:
    """A labelled dataset: its articles in `folder`/kb, its questions in `folder`/dev; `source` is where it comes from.

    Sets of one `family` are never learned from when one of them is measured.
    """

    name: str
    family: str
    licence: str
    folder: str
    source: str
    tag: str | None = None


DATASETS = (
    Dataset("handrail", "handrail", "Apache-2.0", "", "kb_articles and tests/data/help_questions.jsonl"),
    Dataset(
        "arduino_help", "arduino", "CC BY-SA 4.0", "arduino_help", "https://github.com/arduino/help-center-content"
    ),
    Dataset("hint3 curekart", "hint3", "ODbL 1.0", "hint3", "https://github.com/hellohaptik/HINT3", "curekart"),
    Dataset("hint3 powerplay11", "hint3", "ODbL 1.0", "hint3", "https://github.com/hellohaptik/HINT3", "powerplay11"),
    Dataset("hint3 sofmattress", "hint3", "ODbL 1.0", "hint3", "https://github.com/hellohaptik/HINT3", "sofmattress"),
    Dataset("banking77", "banking77", "CC BY 4.0", "banking77", "https://github.com/PolyAI-LDN/task-specific-datasets"),
    Dataset("clinc150", "clinc150", "CC BY 3.0", "clinc150", "https://github.com/clinc/oos-eval"),
    Dataset("squad2_unans", "squad", "CC BY-SA 4.0", "squad2_unans", "https://github.com/chrischute/squad"),
)
MULTI_TURN = (
    Dataset("dstc11_val", "dstc11", "CDLA-Sharing-1.0", "dstc11_val", "https://github.com/alexa/dstc11-track5"),
    Dataset(
        "dstc9_10_faq",
        "dstc9",
        "Apache-2.0",
        "dstc9_10_faq",
        "https://github.com/alexa/alexa-with-dstc9-track1-dataset",
    ),
)


def require_datasets(shared: Path) -> None:
    """End the script, naming every set that is not below `shared` and where it comes from."""
    missing = [
        f"  {dataset.name}: {shared / dataset.folder} lacks kb/ or dev/questions.jsonl; made from {dataset.source} ({dataset.licence})"
        for dataset in (*DATASETS, *MULTI_TURN)
        if dataset.folder and not _is_there(shared / dataset.folder)
    ]
    if missing:
        sys.exit("\n".join(["labelled sets are missing:", *missing]))


def _is_there(folder: Path) -> bool:
    return (folder / "kb").is_dir() and (folder / "dev" / "questions.jsonl").is_file()


def read_dataset(dataset: Dataset, shared: Path) -> tuple[Sequence[Article], Sequence[Question]]:
    """The articles and the answerable questions of a set, spread evenly where they are very many."""
    articles, questions = read_judged(dataset, shared)
    article_ids = {article.article_id for article in articles}
    answerable = [
        question for question in questions if question.answerable and not article_ids.isdisjoint(question.gold_articles)
    ]
    return articles, answerable[:: -(-len(answerable) // MOST_QUESTIONS)]


def read_judged(dataset: Dataset, shared: Path) -> tuple[Sequence[Article], Sequence[Question]]:
    """The articles and all questions of a set that are scored for abstention, those without an answer too."""
    if dataset.folder:
        articles = read(shared / dataset.folder / "kb").articles
        questions = read_questions(shared / dataset.folder / "dev" / "questions.jsonl")
    else:
        articles = read(ROOT / "kb_articles").articles
        questions = read_questions(ROOT / "tests" / "data" / "help_questions.jsonl")
    kept = [article for article in articles if dataset.tag is None or dataset.tag in article.tags]
    return kept, [
        question for question in questions if question.judged and dataset.tag in {None, question.labels.get("bot")}
    ]
