"""Child chunks: what of an article is compared with a question, small parts of its passages, and the ways people ask it."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Literal

from retrieval.articles.article import Article
from retrieval.articles.chunk import CHARS_PER_WORD, CHUNKING, OWN_HEADINGS, Chunk, plain_text, size, split
from retrieval.articles.markdown import Block, blocks
from retrieval.articles.plain_text import plain

Kind = Literal["piece", "question", "title", "heading"]

KINDS: tuple[Kind, ...] = (
    "piece",
    "question",
    "title",
    "heading",
)  # a stored child chunk has its kind's place in this row
CHILD_WORDS = 60  # small is better for finding (one thought a vector), large for answering
MOSTLY = 0.5  # the share of an article's words in bullet lists from which its items are ways of asking, not steps
CHILD_CHUNKS = f"{CHUNKING}-units-{CHILD_WORDS}-{'-'.join(KINDS)}-{MOSTLY}"  # part of kb_version
_SENTENCE_END = re.compile(r"[.!?…]['\")\]*_]*\s+|[\u3002\uff01\uff1f]|\n[ \t]*\n")  # Chinese and Japanese too
_SPACE = re.compile(r"\s+")
_ENDS_QUESTION = ("?", "\uff1f")
_UNBROKEN = {"fence", "code_block", "html_block"}  # a full stop ends no sentence there


@dataclass(frozen=True, slots=True)
class ChildChunk:
    """A child chunk, one thing a question is compared with; `text` is what is encoded.

    `ordinal` names the passage that is found by it; None for the title and the questions of the front matter, which are
    given to the passage that is most like them once both are encoded. A heading that is a question is one, and so is
    each item where most of an article is a list of bullets (ways of asking, written below each other). Any other heading
    is a `heading`: "The email does not arrive" is what a visitor writes, "Overview" is not.
    """

    kind: Kind
    ordinal: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A chunked article: its passages, their plain texts, and its child chunks.

    An article without passages has no child chunks, as nothing could be shown.
    """

    article: Article
    chunks: tuple[Chunk, ...]
    texts: tuple[str, ...]
    children: tuple[ChildChunk, ...]


def cut(article: Article) -> Cut:
    """Chunk an article in both granularities (chunks and child chunks), from one reading of its Markdown."""
    parsed = blocks(article.body)
    chunks = tuple(split(article, parsed))
    texts = tuple(plain_text(chunk) for chunk in chunks)
    return Cut(article, chunks, texts, tuple(_children(article, chunks, texts, parsed)) if chunks else ())


def _children(
    article: Article, chunks: Sequence[Chunk], texts: Sequence[str], parsed: Sequence[Block]
) -> Iterator[ChildChunk]:
    """The child chunks of passages in their order, then the title and the questions."""
    inner = _inner(article.body, parsed)
    items = _bullets(article.body, parsed)
    for before, chunk, text in zip([None, *chunks], chunks, texts, strict=False):
        title = "\n".join([article.title, *chunk.heading_path])
        yield from (
            ChildChunk("piece", chunk.ordinal, f"{title}\n{words}".strip())
            for words in _child_texts(chunk, text, inner)
        )
        begins = before is None or before.heading_path != chunk.heading_path
        if begins and chunk.heading_path:
            heading = chunk.heading_path[-1]
            yield ChildChunk(
                "question" if heading.rstrip().endswith(_ENDS_QUESTION) else "heading", chunk.ordinal, heading
            )
        yield from (
            ChildChunk("question", chunk.ordinal, words) for start, words in items if chunk.start <= start < chunk.end
        )
    yield ChildChunk("title", None, article.title)
    yield from (ChildChunk("question", None, question) for question in article.questions)


@dataclass(frozen=True, slots=True)
class _Inner:
    """Where a body may be cut into child chunks: `strong` at blocks, items, rows and lines of code, `weak` at sentences."""

    strong: list[int]
    weak: list[int]


def _inner(body: str, parsed: Sequence[Block]) -> _Inner:
    strong = sorted({offset for block in parsed for offset in (block.start, *block.cuts)})
    weak = [
        end.end()
        for block in parsed
        if block.kind not in _UNBROKEN
        for end in _SENTENCE_END.finditer(body, block.start, block.end)
    ]
    return _Inner(strong, weak)


def _child_texts(chunk: Chunk, text: str, inner: _Inner) -> Iterator[str]:
    """The words of child chunks of about equal length, at most about 60 words each; one without words if there are none."""
    if size(text) <= CHILD_WORDS:
        yield text
        return
    headings = OWN_HEADINGS.match(chunk.text)
    start = chunk.start + (headings.end() if headings else 0)
    atoms = list(_atoms(chunk, start, inner))
    texts = (plain(chunk.text[first - chunk.start : last - chunk.start]) for first, last in _packed(atoms))
    yield from [text for text in texts if text] or [""]


def _atoms(chunk: Chunk, start: int, inner: _Inner) -> Iterator[tuple[int, int, int]]:
    """What a child chunk is made of (start, end, words): whole blocks or items, sentences where they are too long, or words."""
    for first, last in _between(inner.strong, start, chunk.end):
        if (words := _size(chunk, first, last)) <= CHILD_WORDS:
            yield first, last, words
            continue
        for begin, end in _between(inner.weak, first, last):
            if (words := _size(chunk, begin, end)) <= CHILD_WORDS:
                yield begin, end, words
            else:
                yield from ((*span, _size(chunk, *span)) for span in _broken(chunk, begin, end))


def _between(offsets: Sequence[int], start: int, end: int) -> Iterable[tuple[int, int]]:
    inside = offsets[bisect_right(offsets, start) : bisect_left(offsets, end)]
    return pairwise([start, *inside, end]) if start < end else ()


def _broken(chunk: Chunk, start: int, end: int) -> Iterable[tuple[int, int]]:
    """A sentence of more than 60 words, cut at white space, and anywhere where there is none."""
    spaces = [start + space.end() for space in _SPACE.finditer(chunk.text[start - chunk.start : end - chunk.start])]
    limit = CHILD_WORDS * CHARS_PER_WORD
    ends = chain.from_iterable(
        range(first + limit, last, limit) for first, last in pairwise([start, *spaces, end]) if last - first > limit
    )
    return _between(sorted({*spaces, *ends}), start, end)


def _size(chunk: Chunk, start: int, end: int) -> int:
    return size(chunk.text[start - chunk.start : end - chunk.start])


def _packed(atoms: Sequence[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
    """Neighbours put together, so that child chunks are of like length instead of full ones and a small rest."""
    total = sum(words for _, _, words in atoms)
    target_words = total / max(1, -(-total // CHILD_WORDS))
    begin = end = filled = 0
    for start, stop, words in atoms:
        if filled and (filled + words > CHILD_WORDS or filled >= target_words):
            yield begin, end
            filled = 0
        begin, end, filled = start if not filled else begin, stop, filled + words
    if filled:
        yield begin, end


def _bullets(body: str, parsed: Sequence[Block]) -> Sequence[tuple[int, str]]:
    """Where each bullet starts and its words, of an article that is mostly bullets; none of another."""
    lists = [block for block in parsed if block.kind == "bullet_list"]
    if sum(size(body[block.start : block.end]) for block in lists) < MOSTLY * size(body):
        return ()
    spans = [span for block in lists for span in pairwise([block.start, *block.cuts, block.end])]
    items = ((start, plain(body[start:end])) for start, end in spans)
    return [(start, words) for start, words in items if words]
