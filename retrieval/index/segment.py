"""A segment: some articles with everything that is searched of them, built once and never changed."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import TypeAdapter

from retrieval.articles import KINDS, Article, ChildChunk, Cut
from retrieval.digest import publish, verify
from retrieval.errors import IndexCorrupt
from retrieval.index.fields import LEVELS, field_rows
from retrieval.index.global_ordinals import Shape
from retrieval.index.structures import (
    SKETCH_HASHES,
    Postings,
    Rows,
    Sketches,
    VectorIndex,
    load_array,
    save_array,
    sketch,
    starts_of,
    words,
)
from retrieval.model import Embedding, TokenVectors

HeadingOf = tuple[tuple[str, ...], str | None]  # the heading path and the anchor of a passage

FULL_CHILD_CHUNKS = 16_384  # what a build or a merge holds in memory at once: some 130 MB
MOST_TOKENS = (
    96  # of a child chunk: with its sentence vector and code that is 8,064 bytes, at the default model's dimensions
)
_DIGEST_BYTES = 16
_NAME_CHARS = 16
_ARTICLES = TypeAdapter(tuple[Article, ...])
_FACTS = TypeAdapter(tuple[str, tuple[str, ...], tuple[str, ...], tuple[HeadingOf, ...]])


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """An immutable segment: articles in the order of their ids, their passages and child chunks in the order of the text, and a row of each array for each.

    The articles' texts are not part of it in memory, only in its folder. Passage n is `spans[n]` of its article's body
    below `headings[n]`; child chunk n belongs to passage `chunk_of_child[n]` of the segment, is of the kind `KINDS[kind_of_child[n]]`,
    and has the token vectors `tokens[token_starts[n]:token_starts[n + 1]]`, at most 96. Once stored,
    arrays are mapped files.
    """

    configuration: str
    digests: Sequence[str]
    shape: Shape
    headings: Sequence[HeadingOf]
    spans: Rows
    sketches: Sketches
    chunk_of_child: Rows
    kind_of_child: NDArray[np.uint8]
    child_digests: NDArray[np.uint8]
    vectors: VectorIndex
    tokens: TokenVectors
    token_starts: NDArray[np.int64]
    fields: Mapping[str, Postings]

    @property
    def name(self) -> str:
        """Its content's name: the articles it was made of, the model and the configuration."""
        content = orjson.dumps([self.configuration, self.digests])
        return hashlib.sha256(content).hexdigest()[:_NAME_CHARS]

    def embedding(self, child: int) -> Embedding:
        """The vectors of a child chunk, so that the same text need not be encoded again."""
        return Embedding(self.vectors.vectors[child], self.tokens_of(child))

    def tokens_of(self, child: int) -> TokenVectors:
        """The token vectors of a child chunk."""
        return self.tokens[self.token_starts[child] : self.token_starts[child + 1]]


def child_digest(child: ChildChunk) -> bytes:
    """The content hash of a child chunk, by which its vectors are known: its kind, which says whether tokens are kept, and its text."""
    return hashlib.sha256(f"{child.kind}\n{child.text}".encode()).digest()[:_DIGEST_BYTES]


def build_segment(
    cuts: Sequence[Cut],
    digests: Sequence[str],
    embeddings: Mapping[bytes, Embedding],
    *,
    configuration: str,
    widths: tuple[int, int],
) -> Segment:
    """The segment of articles in the order of their ids, with their digests.

    `embeddings` has each child chunk's by the digest of its text; `widths` are the dimensions of sentence and token vectors.
    """
    children = [child for cut in cuts for child in cut.children]
    chunks = [chunk for cut in cuts for chunk in cut.chunks]
    child_digests = [child_digest(child) for child in children]
    encoded = [embeddings[digest] for digest in child_digests]
    tokens = [_thinned(child, embedding.tokens) for child, embedding in zip(children, encoded, strict=True)]
    shape = Shape(
        [cut.article.article_id for cut in cuts],
        starts_of(np.array([len(cut.chunks) for cut in cuts], dtype=np.int64)),
        starts_of(np.array([len(cut.children) for cut in cuts], dtype=np.int64)),
    )
    return Segment(
        configuration=configuration,
        digests=tuple(digests),
        shape=shape,
        headings=[(chunk.heading_path, chunk.anchor) for chunk in chunks],
        spans=np.array([(chunk.start, chunk.end) for chunk in chunks], dtype=np.int32).reshape(-1, 2),
        sketches=np.array(list(_sketches(cuts)), dtype=np.uint32).reshape(-1, SKETCH_HASHES),
        chunk_of_child=np.array(list(_chunks_of_children(cuts, encoded, shape)), dtype=np.int32),
        kind_of_child=np.array([KINDS.index(child.kind) for child in children], dtype=np.uint8),
        child_digests=np.frombuffer(b"".join(child_digests), dtype=np.uint8).reshape(-1, _DIGEST_BYTES),
        vectors=VectorIndex.build(
            np.array([embedding.sentence for embedding in encoded], np.float32).reshape(-1, widths[0])
        ),
        tokens=np.concatenate([np.zeros((0, widths[1]), np.int8), *tokens]),
        token_starts=starts_of(np.array([len(embedding) for embedding in tokens], dtype=np.int64)),
        fields={name: Postings.build(rows) for name, rows in field_rows(cuts).items()},
    )


def _thinned(child: ChildChunk, tokens: TokenVectors) -> TokenVectors:
    """Of a child chunk at most 96 rows, spread evenly over the text; none of a child chunk whose tokens are never compared.

    One child chunk of seven of a help centre with code has more. Found as well: hit@1 and hit@3 of arduino_help and banking77
    stay what they are with all rows, or 96 pooled ones.
    """
    if child.kind != "piece":
        return tokens[:0]
    if len(tokens) <= MOST_TOKENS:
        return tokens
    return tokens[np.linspace(0, len(tokens) - 1, MOST_TOKENS).astype(np.int64)]


def _sketches(cuts: Iterable[Cut]) -> Iterator[Sketches]:
    """Of each passage, with its own heading: what differs only there is not the same."""
    for cut in cuts:
        for chunk, text in zip(cut.chunks, cut.texts, strict=True):
            yield sketch(words(" ".join([*chunk.heading_path[-1:], text])))


def _chunks_of_children(cuts: Sequence[Cut], encoded: Sequence[Embedding], shape: Shape) -> Iterator[int]:
    """The passage of each child chunk; a question belongs to that passage of its article which has the child chunk most like it."""
    for number, cut in enumerate(cuts):
        first, last = shape.child_starts[number : number + 2].tolist()
        vectors = [embedding.sentence for embedding in encoded[first:last]]
        placed = [child.ordinal for child in cut.children if child.ordinal is not None]
        for child, vector in zip(cut.children, vectors, strict=True):
            ordinal = child.ordinal
            if ordinal is None:
                ordinal = placed[int(np.argmax(np.stack(vectors[: len(placed)]) @ vector))]
            yield int(shape.chunk_starts[number]) + ordinal


def save_segment(segment: Segment, articles: Iterable[Article], folder: Path) -> None:
    """Stores a segment and the texts of its articles, whole or not at all, with a manifest of digests."""
    facts = [segment.configuration, segment.digests, segment.shape.article_ids, segment.headings]
    with publish(folder, {"segment": segment.name}) as temporary:
        (temporary / "facts.json").write_bytes(orjson.dumps(facts))
        (temporary / "articles.json").write_bytes(orjson.dumps(list(articles)))
        save_array(temporary / "chunk-starts.npy", segment.shape.chunk_starts)
        save_array(temporary / "unit-starts.npy", segment.shape.child_starts)
        save_array(temporary / "spans.npy", segment.spans)
        save_array(temporary / "sketches.npy", segment.sketches)
        save_array(temporary / "unit-chunks.npy", segment.chunk_of_child)
        save_array(temporary / "unit-kinds.npy", segment.kind_of_child)
        save_array(temporary / "unit-digests.npy", segment.child_digests)
        save_array(temporary / "tokens.npy", segment.tokens)
        save_array(temporary / "token-starts.npy", segment.token_starts)
        segment.vectors.save(temporary)
        for name, postings in segment.fields.items():
            postings.save(temporary, name)


def load_segment(folder: Path) -> Segment:
    """The segment of a folder, once every file has the digest its manifest says. Raises IndexCorrupt."""
    try:
        verify(folder)
        segment = open_segment(folder)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:  # faiss raises RuntimeError
        raise IndexCorrupt(str(folder), str(error)) from error
    if segment.name != folder.name:
        raise IndexCorrupt(str(folder), f"it holds segment {segment.name!r}")
    return segment


def open_segment(folder: Path) -> Segment:
    """The segment of a folder that this process has just written; nothing is verified."""
    configuration, digests, article_ids, headings = _FACTS.validate_json((folder / "facts.json").read_bytes())
    shape = Shape(
        article_ids,
        load_array(folder / "chunk-starts.npy", np.int64),
        load_array(folder / "unit-starts.npy", np.int64),
    )
    return Segment(
        configuration=configuration,
        digests=digests,
        shape=shape,
        headings=headings,
        spans=load_array(folder / "spans.npy", np.int32),
        sketches=load_array(folder / "sketches.npy", np.uint32),
        chunk_of_child=load_array(folder / "unit-chunks.npy", np.int32),
        kind_of_child=load_array(folder / "unit-kinds.npy", np.uint8),
        child_digests=load_array(folder / "unit-digests.npy", np.uint8),
        vectors=VectorIndex.load(folder),
        tokens=load_array(folder / "tokens.npy", np.int8),
        token_starts=load_array(folder / "token-starts.npy", np.int64),
        fields={name: Postings.load(folder, name) for name in LEVELS},
    )


def load_articles(folder: Path) -> tuple[Article, ...]:
    """The articles a stored segment was made of, in the order of their ids. Raises OSError and ValueError."""
    return _ARTICLES.validate_json((folder / "articles.json").read_bytes())
