"""Segment merge: many segments into one, without encoding anything: rows are copied, postings are renumbered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrieval.index.fields import LEVELS
from retrieval.index.global_ordinals import Level, Places, lay_out
from retrieval.index.segment import Segment
from retrieval.index.structures import Mask, Postings, Rows, VectorIndex, runs, starts_of
from retrieval.model import TokenVectors

_Item = TypeVar("_Item")
_Scalar = TypeVar("_Scalar", bound=np.generic)


def merge_segments(parts: Sequence[tuple[Segment, Mask]]) -> Segment:
    """One segment of the articles that are live in each; equal to what building it anew would give. At least one part."""
    segments = [segment for segment, _ in parts]
    layout = lay_out([(segment.shape, live) for segment, live in parts])
    articles = _MergeOrder.of([places.articles for places in layout.places])
    chunks = _MergeOrder.of([places.chunks for places in layout.places])
    children = _MergeOrder.of([places.children for places in layout.places])
    tokens, token_starts = _tokens(segments, children)
    return Segment(
        configuration=segments[0].configuration,
        digests=articles.items([segment.digests for segment in segments]),
        shape=layout.shape,
        headings=chunks.items([segment.headings for segment in segments]),
        spans=chunks.rows([segment.spans for segment in segments]),
        sketches=chunks.rows([segment.sketches for segment in segments]),
        chunk_of_child=children.rows(
            [places.chunks[segment.chunk_of_child] for segment, places in zip(segments, layout.places, strict=True)]
        ),
        kind_of_child=children.rows([segment.kind_of_child for segment in segments]),
        child_digests=children.rows([segment.child_digests for segment in segments]),
        vectors=VectorIndex.build(children.rows([segment.vectors.vectors for segment in segments])),
        tokens=tokens,
        token_starts=token_starts,
        fields={name: _field(name, level, segments, layout.places) for name, level in LEVELS.items()},
    )


@dataclass(frozen=True, slots=True, eq=False)
class _MergeOrder:
    """Which row of the segments, counted through, becomes row n."""

    rows_of: NDArray[np.int64]

    @classmethod
    def of(cls, places: Sequence[Rows]) -> Self:
        every = np.concatenate(places)
        live = np.flatnonzero(every >= 0)
        order = np.empty(len(live), dtype=np.int64)
        order[every[live]] = live
        return cls(order)

    def rows(self, arrays: Sequence[NDArray[_Scalar]]) -> NDArray[_Scalar]:
        chosen: NDArray[_Scalar] = np.concatenate(arrays)[self.rows_of]
        return chosen

    def items(self, parts: Iterable[Sequence[_Item]]) -> list[_Item]:
        every = list(chain.from_iterable(parts))
        return [every[row] for row in self.rows_of.tolist()]


def _tokens(segments: Sequence[Segment], children: _MergeOrder) -> tuple[TokenVectors, NDArray[np.int64]]:
    before = starts_of(np.array([len(segment.tokens) for segment in segments], dtype=np.int64))[:-1]
    starts = children.rows(
        [segment.token_starts[:-1] + first for segment, first in zip(segments, before.tolist(), strict=True)]
    )
    counts = children.rows([np.diff(segment.token_starts) for segment in segments])
    return np.concatenate([segment.tokens for segment in segments])[runs(starts, counts)], starts_of(counts)


def _field(name: str, level: Level, segments: Sequence[Segment], places: Sequence[Places]) -> Postings:
    parts = [
        (segment.fields[name], segment_places.of(level))
        for segment, segment_places in zip(segments, places, strict=True)
    ]
    return Postings.merge(parts, sum(int(np.count_nonzero(rows >= 0)) for _, rows in parts))
