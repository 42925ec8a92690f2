"""Global ordinals: the rows of several segments counted as one, by the ids of their articles, whatever was edited when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.index.structures import GONE, Mask, Rows, starts_of

Level = Literal["articles", "chunks", "children"]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """The shape of a segment: its articles in the order of their ids; article n has passages chunk_starts[n] to [n + 1] and so on."""

    article_ids: Sequence[str]
    chunk_starts: NDArray[np.int64]
    child_starts: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """The global ordinal of each article, passage and child chunk of a segment, -1 for what is no longer served."""

    articles: Rows
    chunks: Rows
    children: Rows

    def of(self, level: Level) -> Rows:
        """The global ordinals of one kind of rows."""
        match level:
            case "articles":
                return self.articles
            case "chunks":
                return self.chunks
            case "children":
                return self.children


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The layout of the whole: a shape of its own, and where what is live of each segment stands in it."""

    shape: Shape
    places: tuple[Places, ...]


def lay_out(parts: Sequence[tuple[Shape, Mask]]) -> Layout:
    """Articles of all segments in the order of their ids, of each segment only those its mask has.

    No id may be live twice. 10 ms for 10,000 articles.
    """
    ids = [article_id for shape, _ in parts for article_id in shape.article_ids]
    live = np.concatenate([np.zeros(0, np.bool_), *(mask for _, mask in parts)])
    order = np.array(sorted(np.flatnonzero(live).tolist(), key=ids.__getitem__), dtype=np.int64)
    place_of = np.full(len(ids), GONE, dtype=np.int32)
    place_of[order] = np.arange(len(order))
    chunk_starts = _starts([shape.chunk_starts for shape, _ in parts], order)
    child_starts = _starts([shape.child_starts for shape, _ in parts], order)
    first = starts_of(np.array([len(mask) for _, mask in parts], dtype=np.int64))
    articles = [place_of[first[number] : first[number + 1]] for number in range(len(parts))]
    return Layout(
        Shape([ids[position] for position in order.tolist()], chunk_starts, child_starts),
        tuple(
            Places(
                places,
                _spread(places, shape.chunk_starts, chunk_starts),
                _spread(places, shape.child_starts, child_starts),
            )
            for places, (shape, _) in zip(articles, parts, strict=True)
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class GlobalOrdinals:
    """Global ordinals to segments: for each row of the whole the segment it lies in, and its row there."""

    parts: Rows
    rows: Rows

    @classmethod
    def of(cls, places: Sequence[Rows]) -> Self:
        """From the places of each segment's rows."""
        total = sum(int(np.count_nonzero(segment_places >= 0)) for segment_places in places)
        parts, rows = np.zeros(total, dtype=np.int32), np.zeros(total, dtype=np.int32)
        for number, segment_places in enumerate(places):
            live = np.flatnonzero(segment_places >= 0)
            parts[segment_places[live]], rows[segment_places[live]] = number, live
        return cls(parts, rows)

    def of_each(self, places: NDArray[np.integer]) -> Iterator[tuple[int, int]]:
        """The segment and the row of each of these rows of the whole."""
        return zip(self.parts[places].tolist(), self.rows[places].tolist(), strict=True)


def owners(starts: NDArray[np.int64]) -> Rows:
    """For each passage (or child chunk) the article it belongs to."""
    return np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))


def _starts(parts: Sequence[NDArray[np.int64]], order: NDArray[np.int64]) -> NDArray[np.int64]:
    counts = np.concatenate([np.zeros(0, np.int64), *(np.diff(starts) for starts in parts)])
    return starts_of(counts[order])


def _spread(articles: Rows, starts: NDArray[np.int64], whole_starts: NDArray[np.int64]) -> Rows:
    """The places of passages (or child chunks), from those of their articles."""
    owner = owners(starts)
    place = articles[owner]
    within = np.arange(len(owner)) - starts[owner]
    return np.where(place >= 0, whole_starts[place] + within, GONE).astype(np.int32)
