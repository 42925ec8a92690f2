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

FULL_UNITS = 16_384  # what a build or a merge holds in memory at once: some 130 MB
MOST_TOKENS = 96  # of a unit: with its sentence vector and code that is 8,064 bytes, at the default model's dimensions
_DIGEST_BYTES = 16
_NAME_CHARS = 16
_ARTICLES = TypeAdapter(tuple[Article, ...])
_FACTS = TypeAdapter(tuple[str, tuple[str, ...], tuple[str, ...], tuple[HeadingOf, ...]])


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Articles in the order of their ids, their passages and units in the order of the text, and a row of each array for each.

    The articles' texts are not part of it in memory, only in its folder. Passage n is `spans[n]` of its article's body
    below `headings[n]`; unit n belongs to passage `unit_chunks[n]` of the segment, is of the kind `KINDS[unit_kinds[n]]`,
    and has the token vectors `tokens[token_starts[n]:token_starts[n + 1]]`, at most 96. Once stored,
    arrays are mapped files.
    """

    configuration: str
    digests: Sequence[str]
    shape: Shape
    headings: Sequence[HeadingOf]
    spans: Rows
    sketches: Sketches
    unit_chunks: Rows
    unit_kinds: NDArray[np.uint8]
    unit_digests: NDArray[np.uint8]
    vectors: VectorIndex
    tokens: TokenVectors
    token_starts: NDArray[np.int64]
    fields: Mapping[str, Postings]

    @property
    def name(self) -> str:
        """Its content's name: the articles it was made of, the model and the configuration."""
        content = orjson.dumps([self.configuration, self.digests])
        return hashlib.sha256(content).hexdigest()[:_NAME_CHARS]

    def embedding(self, unit: int) -> Embedding:
        """The vectors of a unit, so that the same text need not be encoded again."""
        return Embedding(self.vectors.vectors[unit], self.tokens_of(unit))

    def tokens_of(self, unit: int) -> TokenVectors:
        """The token vectors of a unit."""
        return self.tokens[self.token_starts[unit] : self.token_starts[unit + 1]]


def unit_digest(unit: ChildChunk) -> bytes:
    """What the vectors of a unit are known by: its kind, which says whether tokens are kept, and its text."""
    return hashlib.sha256(f"{unit.kind}\n{unit.text}".encode()).digest()[:_DIGEST_BYTES]


def build_segment(
    cuts: Sequence[Cut],
    digests: Sequence[str],
    embeddings: Mapping[bytes, Embedding],
    *,
    configuration: str,
    widths: tuple[int, int],
) -> Segment:
    """The segment of articles in the order of their ids, with their digests.

    `embeddings` has each unit's by the digest of its text; `widths` are the dimensions of sentence and token vectors.
    """
    units = [unit for cut in cuts for unit in cut.units]
    chunks = [chunk for cut in cuts for chunk in cut.chunks]
    unit_digests = [unit_digest(unit) for unit in units]
    encoded = [embeddings[digest] for digest in unit_digests]
    tokens = [_thinned(unit, each.tokens) for unit, each in zip(units, encoded, strict=True)]
    shape = Shape(
        [cut.article.article_id for cut in cuts],
        starts_of(np.array([len(cut.chunks) for cut in cuts], dtype=np.int64)),
        starts_of(np.array([len(cut.units) for cut in cuts], dtype=np.int64)),
    )
    return Segment(
        configuration=configuration,
        digests=tuple(digests),
        shape=shape,
        headings=[(chunk.heading_path, chunk.anchor) for chunk in chunks],
        spans=np.array([(chunk.start, chunk.end) for chunk in chunks], dtype=np.int32).reshape(-1, 2),
        sketches=np.array(list(_sketches(cuts)), dtype=np.uint32).reshape(-1, SKETCH_HASHES),
        unit_chunks=np.array(list(_unit_chunks(cuts, encoded, shape)), dtype=np.int32),
        unit_kinds=np.array([KINDS.index(unit.kind) for unit in units], dtype=np.uint8),
        unit_digests=np.frombuffer(b"".join(unit_digests), dtype=np.uint8).reshape(-1, _DIGEST_BYTES),
        vectors=VectorIndex.build(np.array([each.sentence for each in encoded], np.float32).reshape(-1, widths[0])),
        tokens=np.concatenate([np.zeros((0, widths[1]), np.int8), *tokens]),
        token_starts=starts_of(np.array([len(each) for each in tokens], dtype=np.int64)),
        fields={name: Postings.build(rows) for name, rows in field_rows(cuts).items()},
    )


def _thinned(unit: ChildChunk, tokens: TokenVectors) -> TokenVectors:
    """Of a piece at most 96 rows, spread evenly over the text; none of a unit whose tokens are never compared.

    One piece of seven of a help centre with code has more. Found as well: hit@1 and hit@3 of arduino_help and banking77
    stay what they are with all rows, or 96 pooled ones.
    """
    if unit.kind != "piece":
        return tokens[:0]
    if len(tokens) <= MOST_TOKENS:
        return tokens
    return tokens[np.linspace(0, len(tokens) - 1, MOST_TOKENS).astype(np.int64)]


def _sketches(cuts: Iterable[Cut]) -> Iterator[Sketches]:
    """Of each passage, with its own heading: what differs only there is not the same."""
    for cut in cuts:
        for chunk, text in zip(cut.chunks, cut.texts, strict=True):
            yield sketch(words(" ".join([*chunk.heading_path[-1:], text])))


def _unit_chunks(cuts: Sequence[Cut], encoded: Sequence[Embedding], shape: Shape) -> Iterator[int]:
    """The passage of each unit; a question belongs to that passage of its article which has the unit most like it."""
    for number, cut in enumerate(cuts):
        first, last = shape.unit_starts[number : number + 2].tolist()
        vectors = [each.sentence for each in encoded[first:last]]
        placed = [unit.ordinal for unit in cut.units if unit.ordinal is not None]
        for unit, vector in zip(cut.units, vectors, strict=True):
            ordinal = unit.ordinal
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
        save_array(temporary / "unit-starts.npy", segment.shape.unit_starts)
        save_array(temporary / "spans.npy", segment.spans)
        save_array(temporary / "sketches.npy", segment.sketches)
        save_array(temporary / "unit-chunks.npy", segment.unit_chunks)
        save_array(temporary / "unit-kinds.npy", segment.unit_kinds)
        save_array(temporary / "unit-digests.npy", segment.unit_digests)
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
        unit_chunks=load_array(folder / "unit-chunks.npy", np.int32),
        unit_kinds=load_array(folder / "unit-kinds.npy", np.uint8),
        unit_digests=load_array(folder / "unit-digests.npy", np.uint8),
        vectors=VectorIndex.load(folder),
        tokens=load_array(folder / "tokens.npy", np.int8),
        token_starts=load_array(folder / "token-starts.npy", np.int64),
        fields={name: Postings.load(folder, name) for name in LEVELS},
    )


def load_articles(folder: Path) -> tuple[Article, ...]:
    """The articles a stored segment was made of, in the order of their ids. Raises OSError and ValueError."""
    return _ARTICLES.validate_json((folder / "articles.json").read_bytes())
