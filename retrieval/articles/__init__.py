"""Articles, their chunks and child chunks: Markdown with front matter, read and checked."""

from retrieval.articles.article import Article, Fingerprints, Reader, read
from retrieval.articles.audience import Audience
from retrieval.articles.child_chunk import CHILD_CHUNKS, KINDS, ChildChunk, Cut, Kind, cut
from retrieval.articles.chunk import Chunk
from retrieval.articles.inline import References, Span, spans
from retrieval.articles.lint import lint_articles
from retrieval.articles.markdown import Block, Heading, blocks, headings, references, tree
from retrieval.articles.plain_text import plain

__all__ = [
    "CHILD_CHUNKS",
    "KINDS",
    "Article",
    "Audience",
    "Block",
    "ChildChunk",
    "Chunk",
    "Cut",
    "Fingerprints",
    "Heading",
    "Kind",
    "Reader",
    "References",
    "Span",
    "blocks",
    "cut",
    "headings",
    "lint_articles",
    "plain",
    "read",
    "references",
    "spans",
    "tree",
]
