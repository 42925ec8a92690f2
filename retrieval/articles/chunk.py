"""Cuts an article into passages along its headings, with exact offsets, and says what words a passage has."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from retrieval.articles.article import Article
from retrieval.articles.markdown import Block, Heading, blocks, slug
from retrieval.articles.plain_text import plain

if TYPE_CHECKING:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

__all__ = ["Chunk", "plain_text", "slug", "split"]

MAX_WORDS = 180  # about 240 tokens: with title and headings just inside the 256 the default model reads
CHARS_PER_WORD = 12  # text without spaces (Chinese, base64) counts a word per so many characters
_BLANK_START = re.compile(r"(?:[^\S\n]*\n)*")
OWN_HEADINGS = re.compile(r"\A(?:\s*#{1,6}[ \t][^\n]*(?:\n|\Z))+")  # the heading path repeats them
CHUNKING = f"blocks-{MAX_WORDS}-{CHARS_PER_WORD}"  # part of kb_version: another way of cutting gets another name


@dataclass(frozen=True, slots=True)
class Chunk:
    """One passage: `text` is article.body[start:end], Markdown as written, its heading line included.

    `heading_path` holds the headings above it and its own, without the article's title; `anchor` is that of its own
    heading, None above the first.
    """

    article_id: str
    ordinal: int
    heading_path: tuple[str, ...]
    anchor: str | None
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Section:
    path: tuple[str, ...]
    anchor: str | None
    blocks: tuple[Block, ...]


def split(article: Article, found: Sequence[Block] | None = None) -> list[Chunk]:
    """Passages of at most about 180 words, in order; together they cover the body up to white space.

    A heading starts a passage (a heading with nothing below it joins the next). Lists, tables and fenced code are cut
    only when they do not fit into a passage: at items, rows and lines; what is still too long at sentences or words.
    `found` are the blocks of the body, where they are known already.
    """
    spans = (
        (section, *span)
        for section in _sections(article, blocks(article.body) if found is None else found)
        for span in _trimmed(article.body, _packed(article.body, section.blocks))
    )
    return [
        Chunk(article.article_id, ordinal, section.path, section.anchor, article.body[start:end], start, end)
        for ordinal, (section, start, end) in enumerate(spans)
    ]


def plain_text(chunk: Chunk) -> str:
    """The words of a passage without Markdown, and without the headings at its start, which its heading path has."""
    return plain(OWN_HEADINGS.sub("", chunk.text))


def size(text: str) -> int:
    """The length of a text in words."""
    return max(len(text.split()), len(text) // CHARS_PER_WORD)


def _sections(article: Article, found: Iterable[Block]) -> Iterator[_Section]:
    above: list[Heading] = []
    pending: list[Block] = []
    for block, following in pairwise([*found, None]):
        assert block is not None
        pending.append(block)
        if block.heading:
            above = [*(heading for heading in above if heading.level < block.heading.level), block.heading]
        if following is None or (following.heading and not block.heading):
            yield _Section(_path(article, above), above[-1].anchor or None if above else None, tuple(pending))
            pending = []


def _path(article: Article, above: Iterable[Heading]) -> tuple[str, ...]:
    return tuple(heading.text for heading in above if heading.text and heading.text != article.title)


def _packed(body: str, parts: Iterable[Block]) -> Iterator[tuple[int, int]]:
    """Fills passages with whole blocks, then with pieces of the blocks that are too long for one."""
    start = end = None
    for piece_start, piece_end in _glued(body, parts):
        if start is not None and end is not None and size(body[start:piece_end]) > MAX_WORDS:
            yield start, end
            start = None
        start, end = piece_start if start is None else start, piece_end
    if start is not None and end is not None:
        yield start, end


def _glued(body: str, parts: Iterable[Block]) -> Iterator[tuple[int, int]]:
    """Keeps headings, and lines that end with a colon, with the block they announce where both fit."""
    start: int | None = None
    for block in parts:
        if start is not None and size(body[start : block.end]) > MAX_WORDS:
            yield from _cut(body, start, block.start)
            start = None
        start = block.start if start is None else start
        if block.heading or body[block.start : block.end].rstrip().endswith(":"):
            continue
        yield from _pieces(body, start, block)
        start = None
    if start is not None:
        yield from _cut(body, start, block.end)


def _pieces(body: str, start: int, block: Block) -> Iterator[tuple[int, int]]:
    if size(body[start : block.end]) <= MAX_WORDS:
        yield start, block.end
        return
    for piece_start, piece_end in pairwise([start, *block.cuts, block.end]):
        yield from _cut(body, piece_start, piece_end)


def _cut(body: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cuts running text at paragraphs, lines, sentences or words, and text without any of them anywhere."""
    limit = MAX_WORDS * CHARS_PER_WORD
    texts = [body[start:end]] if size(body[start:end]) <= MAX_WORDS else _splitter().split_text(body[start:end])
    short = [text[at : at + limit] for text in texts for at in range(0, len(text), limit)]
    yield from pairwise(accumulate((len(text) for text in short), initial=start))


@cache
def _splitter() -> "RecursiveCharacterTextSplitter":
    # a tenth of what the server imports, and needed only when an article has a very long paragraph
    from langchain_text_splitters import RecursiveCharacterTextSplitter  # noqa: PLC0415

    return RecursiveCharacterTextSplitter(
        separators=[r"\n\n", r"\n", r"(?<=[.!?])\s", r"\s"],
        is_separator_regex=True,
        chunk_size=MAX_WORDS,
        chunk_overlap=0,
        length_function=size,
        strip_whitespace=False,  # the pieces must add up to the text, so that offsets are exact
    )


def _trimmed(body: str, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Drops blank lines around passages (not the indentation of code), and passages of nothing else."""
    for start, end in spans:
        text = body[start:end].rstrip()
        if text:
            blank = _BLANK_START.match(text)
            yield start + (blank.end() if blank else 0), start + len(text)
