"""The knowledge base under evaluation: the articles that are left after the filters, indexed as for live traffic."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rich.progress import Progress

from bot.answer import Calibration, Policy, TurnDeps
from bot.assembly.adapters import open_calibration, open_phrasebook, open_request_probe, open_tone, policy_of
from bot.assembly.storage import prepare_data
from bot.settings import Settings
from eval.suite import NothingToPlay
from retrieval.articles import Article, read
from retrieval.errors import ArticleError, KbUnusable
from retrieval.index import Snapshot, SnapshotStore
from retrieval.model import Batcher, Encoder, OnnxEncoder, prepare_model

INDEX = "eval-index"  # beside the server's own: what was filtered for a run must never be served


@dataclass(frozen=True, slots=True)
class EvalKnowledge:
    """An open knowledge base, what is decided by, and the articles of its folder that are broken and thus not in it."""

    deps: TurnDeps
    policy: Policy
    errors: tuple[ArticleError, ...]

    @property
    def kb_version(self) -> str:
        """The snapshot's name."""
        return self.deps.snapshot.kb_version

    @property
    def titles(self) -> Mapping[str, str]:
        """The title of every article by id."""
        return {article_id: article.title for article_id, article in self.deps.snapshot.articles.items()}


@asynccontextmanager
async def open_eval_knowledge(
    settings: Settings,
    withheld: frozenset[str],
    tag: str | None,
    progress: Progress,
    calibration: Calibration | None = None,
) -> AsyncIterator[EvalKnowledge]:
    """The articles of `settings.kb` that carry `tag` and are not withheld, and the model of `settings.model`.

    `calibration` is that in use unless another is given. Raises KnowledgeError, CalibrationUnusable, CatalogueUnusable, DataUnwritable, and
    NothingToPlay where the filters leave no article. Seconds the first time.
    """
    reading = read(settings.kb)
    if not reading.articles:
        raise KbUnusable(reading.errors)
    articles = filtered(reading.articles, withheld, tag)
    calibration = calibration or open_calibration(settings)
    prepare_data(settings.data)
    encoder = OnnxEncoder(prepare_model(settings.model, settings.data, lambda step: _begin(progress, step)))
    snapshot = open_snapshot(articles, encoder, SnapshotStore(settings.data / INDEX, settings.kb), progress)
    _begin(progress, "learning how messages sound")
    tone, asks = open_tone(settings.data, encoder), open_request_probe(settings.data, encoder)
    async with Batcher(encoder) as batcher:
        deps = TurnDeps(
            snapshot,
            batcher.encode,
            calibration=calibration,
            tone=tone,
            phrasebook=open_phrasebook(settings),
            request_probe=asks,
        )
        yield EvalKnowledge(deps, policy_of(settings, calibration), reading.errors)


def filtered(articles: Sequence[Article], withheld: frozenset[str], tag: str | None) -> list[Article]:
    """The articles that carry `tag` (any, where None) and are not withheld. Raises NothingToPlay where none is left."""
    remaining = [
        article for article in articles if (tag is None or tag in article.tags) and article.article_id not in withheld
    ]
    if not remaining:
        tags = ", ".join(sorted({name for article in articles for name in article.tags})) or "none"
        raise NothingToPlay(f"no article is left with --kb-tag {tag!r} and --withhold; tags there are: {tags}")
    return remaining


def open_snapshot(articles: Sequence[Article], encoder: Encoder, stored: SnapshotStore, progress: Progress) -> Snapshot:
    """The stored snapshot of exactly these articles, or one that is built and stored now."""
    task = progress.add_task("indexing", total=None)
    snapshot = stored.current(
        articles, encoder, None, lambda done, total: progress.update(task, completed=done, total=total)
    )
    stored.activate(snapshot)
    return snapshot


def _begin(progress: Progress, step: str) -> None:
    progress.add_task(step, total=None)
