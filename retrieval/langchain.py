"""Handrail's search as a LangChain retriever, for chains of one's own."""

from pathlib import Path

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field, SkipValidation

from retrieval.articles import Audience
from retrieval.index import Knowledge
from retrieval.knowledge import open_knowledge
from retrieval.model import DEFAULT_MODEL, Encoder
from retrieval.search import Hit, Query, best_passages, correct_spelling, search

VISITOR = Audience("default")


class HandrailRetriever(BaseRetriever):
    """The best passage of each of the `limit` best articles, best first, as `Document`s.

    `page_content` is Markdown as written; `metadata` has `article_id`, `title`, `heading_path`, `anchor`, `start_index`
    (where in the article's body, as LangChain's splitters call it), `url` (None unless the article names one), `rank`
    (from 1), `score` and `kb_version`. Every call searches the present snapshot of `knowledge`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    knowledge: Knowledge
    encoder: SkipValidation[Encoder]
    audience: Audience = VISITOR
    limit: int = Field(default=5, ge=1)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - LangChain's signature
    ) -> list[Document]:
        snapshot = self.knowledge.snapshot
        text = correct_spelling(snapshot, query, self.audience).text
        hits = search(snapshot, Query(text, self.encoder.encode_queries([text])[0]), self.audience, self.limit)
        return [_document(hit, rank, snapshot.kb_version) for rank, hit in enumerate(best_passages(hits), start=1)]


def open_retriever(
    kb: Path, data: Path, model: str = DEFAULT_MODEL, *, audience: Audience = VISITOR, limit: int = 5
) -> HandrailRetriever:
    """The retriever of a folder of articles, with model and index below `data`. Raises KnowledgeError.

    Takes half a minute the first time and under a second later.
    """
    encoder, knowledge = open_knowledge(kb, data, model)
    return HandrailRetriever(knowledge=knowledge, encoder=encoder, audience=audience, limit=limit)


def _document(hit: Hit, rank: int, kb_version: str) -> Document:
    return Document(
        page_content=hit.chunk.text,
        metadata={
            "article_id": hit.article.article_id,
            "title": hit.article.title,
            "heading_path": list(hit.chunk.heading_path),
            "anchor": hit.chunk.anchor,
            "start_index": hit.chunk.start,
            "url": hit.article.url,
            "rank": rank,
            "score": hit.score,
            "kb_version": kb_version,
        },
    )
