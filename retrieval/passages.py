"""The passages of a snapshot by their position, each made when somebody looks at it."""

from collections.abc import Iterator, Sequence
from typing import overload

from retrieval.article import Article
from retrieval.chunk import Chunk
from retrieval.layout import Homes, Shape, owners
from retrieval.segment import Segment


class Passages(Sequence[Chunk]):
    """A sequence of `Chunk`s that holds none of them: their texts are parts of the articles'."""

    def __init__(self, articles: Sequence[Article], shape: Shape, segments: Sequence[Segment], homes: Homes) -> None:
        """`articles` in the order of `shape`; `homes` says where each passage lies in the segments."""
        self._articles = articles
        self._starts = shape.chunk_starts
        self._article_of = owners(shape.chunk_starts)
        self._segments = segments
        self._homes = homes

    def __len__(self) -> int:
        return len(self._article_of)

    @overload
    def __getitem__(self, position: int) -> Chunk: ...

    @overload
    def __getitem__(self, position: slice) -> Sequence[Chunk]: ...

    def __getitem__(self, position: int | slice) -> Chunk | Sequence[Chunk]:
        if isinstance(position, slice):
            return [self._at(at) for at in range(*position.indices(len(self)))]
        return self._at(range(len(self))[position])

    def __iter__(self) -> Iterator[Chunk]:
        return map(self._at, range(len(self)))

    def _at(self, position: int) -> Chunk:
        owner = int(self._article_of[position])
        part, row = self._homes[position]
        heading_path, anchor = self._segments[part].headings[row]
        start, end = self._segments[part].spans[row].tolist()
        article = self._articles[owner]
        ordinal = position - int(self._starts[owner])
        return Chunk(article.article_id, ordinal, heading_path, anchor, article.body[start:end], start, end)
