"""Opens the knowledge base (model and index) for a command or a server, with a progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from retrieval.articles import Reader
from retrieval.index import Knowledge
from retrieval.model import Encoder, OnnxEncoder, prepare_model

INDEX = "index"  # below the data folder

Advance = Callable[[str, int, int], None]


def open_knowledge(kb: Path, data: Path, model: str) -> tuple[Encoder, Knowledge]:
    """The encoder of `model` and the articles of `kb`, exported and indexed below `data` where they are not yet.

    Takes half a minute the first time, with a bar on a terminal, and under a second later. Raises KnowledgeError.
    """
    Reader(kb).listing()  # a folder that is missing is no reason to export a model first
    with progress_bar() as advance:
        encoder = OnnxEncoder(prepare_model(model, data, lambda step: advance(step, 0, 0)))
        knowledge = Knowledge.open(
            kb,
            index_dir=data / INDEX,
            encoder=encoder,
            progress=lambda done, total: advance("encoding passages", done, total),
        )
    return encoder, knowledge


@contextmanager
def progress_bar() -> Iterator[Advance]:
    """A bar on a terminal's stderr, told (step, done, total); total 0 is unknown. Nothing elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading articles", total=None)
        yield lambda step, done, total: bar.update(task, description=step, completed=done, total=total or None)
