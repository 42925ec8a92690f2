"""Index builds: which segments are reused for the present articles, what is encoded, what is compacted."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import orjson

from retrieval.articles import CHILD_CHUNKS, Article, ChildChunk, Cut, cut
from retrieval.index.fields import FIELDS
from retrieval.index.merge import merge_segments
from retrieval.index.segment import FULL_CHILD_CHUNKS, Segment, build_segment, child_digest
from retrieval.index.snapshot import LiveSegment, Snapshot
from retrieval.index.structures import K1, SKETCHES, B, runs
from retrieval.model import Embedding, Encoder

Progress = Callable[[int, int], None]

ENCODED_AT_ONCE = 256  # texts between two reports of progress; enough for the encoder to put like lengths together
MANY = 8  # segments that are not full: each costs a query some 30 µs, and a merge rewrites at most 130 MB
_LAYOUT = 3  # of the files of a segment
_VERSION_CHARS = 16
_DIGEST_CHARS = 32


class KeepSegment(Protocol):
    """A callback that takes a new segment with its articles (to store it), and gives what is to be used from now on."""

    def __call__(self, segment: Segment, articles: Sequence[Article]) -> Segment:
        """The segment itself, or the same one mapped from its files."""


def in_memory(segment: Segment, articles: Sequence[Article]) -> Segment:  # noqa: ARG001 - a `KeepSegment`
    """Keeps a segment where it is."""
    return segment


def configuration_of(encoder: Encoder) -> str:
    """The configuration fingerprint: everything besides the articles that an index depends on, as text."""
    parts = [_LAYOUT, encoder.name, encoder.dimensions, encoder.token_dimensions, CHILD_CHUNKS, FIELDS, SKETCHES, K1, B]
    return orjson.dumps(parts).decode()


def article_digest(article: Article) -> str:
    """The content hash of an article; 5 µs."""
    return hashlib.sha256(orjson.dumps(article, option=orjson.OPT_SORT_KEYS)).hexdigest()[:_DIGEST_CHARS]


def version_of(configuration: str, digests: Iterable[str]) -> str:
    """The version of a snapshot: a hash of configuration and articles."""
    return hashlib.sha256(orjson.dumps([configuration, sorted(digests)])).hexdigest()[:_VERSION_CHARS]


def kb_version(articles: Iterable[Article], encoder: Encoder, previous: Snapshot | None = None) -> str:
    """The version of what `build` makes of these articles: equal wherever sources, model and configuration are equal.

    Articles that are the very objects of `previous` are not hashed again: 5 ms for 10,000 instead of 50.
    """
    return version_of(configuration_of(encoder), _digests(_served(articles), previous).values())


def build(
    articles: Iterable[Article],
    encoder: Encoder,
    *,
    previous: Snapshot | None = None,
    progress: Progress = lambda _done, _total: None,
    keep: KeepSegment = in_memory,
) -> Snapshot:
    """Build the snapshot of these articles incrementally; drafts are left out. What `previous` has is neither cut nor encoded again.

    What is new becomes a segment of its own, or several of at most 16,384 child chunks, each handed to `keep` when it is done.
    """
    served = {article.article_id: article for article in _served(articles)}
    digests = _digests(served.values(), previous)
    configuration = configuration_of(encoder)
    if previous is not None and previous.configuration != configuration:
        previous = None
    parts = list(_reused(previous.parts, digests)) if previous else []
    reused_ids = {article_id for part in parts for article_id in _live_ids(part)}
    known = _known(previous, reused_ids) if previous else {}
    cuts = [cut(article) for article in served.values() if article.article_id not in reused_ids]
    work = _EncodingJob(encoder, known, progress)
    for group, embeddings in work.encoded(list(_groups(cuts))):
        segment = build_segment(
            group,
            [digests[cut_article.article.article_id] for cut_article in group],
            embeddings,
            configuration=configuration,
            widths=(encoder.dimensions, encoder.token_dimensions),
        )
        kept = keep(segment, [cut_article.article for cut_article in group])
        parts.append(LiveSegment(kept, np.ones(len(group), dtype=np.bool_)))
    return Snapshot(version_of(configuration, digests.values()), configuration, served, parts, encoder.is_word)


def compact(snapshot: Snapshot, keep: KeepSegment = in_memory) -> Snapshot | None:
    """Compaction: the same snapshot in fewer segments, or None where it is well as it is. Takes as long as copying 130 MB, at most."""
    due = mergeable([(_live_children(part), float(part.live.mean())) for part in snapshot.parts])
    if not due:
        return None
    merged = merge_segments([(snapshot.parts[index].segment, snapshot.parts[index].live) for index in due])
    kept = keep(merged, [snapshot.articles[article_id] for article_id in merged.shape.article_ids])
    rest = [part for index, part in enumerate(snapshot.parts) if index not in due]
    parts = [*rest, LiveSegment(kept, np.ones(len(merged.digests), dtype=np.bool_))]
    return Snapshot(snapshot.kb_version, snapshot.configuration, snapshot.articles, parts, snapshot.ordinary)


def mergeable(sizes: Sequence[tuple[int, float]]) -> list[int]:
    """The merge policy: which segments should become one, by the child chunks and the share of the articles that are live in each.

    Those of which less than half is live; and, when more than 8 are less than half full, the smallest, up to one that is
    larger than all before it together. So there are at most 8 and the full ones, and a child chunk is copied a number of
    times that grows with the logarithm of their number. Together they are never more than full.
    """
    half = FULL_CHILD_CHUNKS // 2
    small = sorted(
        (index for index, (children, _) in enumerate(sizes) if children < half), key=lambda index: sizes[index][0]
    )
    due = [index for index, (_, share) in enumerate(sizes) if share < 1 / 2]
    merged = sum(sizes[index][0] for index in due)
    taken = 0
    for number, index in enumerate(small if len(small) > MANY else ()):
        children = sizes[index][0]
        if number > 1 and children > taken:
            break
        taken += children
        if index not in due and merged + children <= FULL_CHILD_CHUNKS:
            due.append(index)
            merged += children
    return due


def _served(articles: Iterable[Article]) -> list[Article]:
    return sorted((article for article in articles if not article.draft), key=lambda article: article.article_id)


def _digests(articles: Iterable[Article], previous: Snapshot | None) -> dict[str, str]:
    """The digest of each article by id; unchanged objects keep theirs."""
    known = previous.articles if previous else {}
    digests = previous.digests if previous else {}
    return {
        article.article_id: digests[article.article_id]
        if known.get(article.article_id) is article
        else article_digest(article)
        for article in articles
    }


def _reused(parts: Iterable[LiveSegment], digests: Mapping[str, str]) -> Iterator[LiveSegment]:
    """The segments that still hold something, with what is live of them now; an edit that is undone revives its old row."""
    taken: set[str] = set()
    for segment in (part.segment for part in parts):
        live = np.zeros(len(segment.digests), dtype=np.bool_)
        for row, (article_id, digest) in enumerate(zip(segment.shape.article_ids, segment.digests, strict=True)):
            if digests.get(article_id) == digest and article_id not in taken:
                taken.add(article_id)
                live[row] = True
        if live.any():
            yield LiveSegment(segment, live)


def _live_ids(part: LiveSegment) -> Iterator[str]:
    return (part.segment.shape.article_ids[row] for row in np.flatnonzero(part.live).tolist())


def _live_children(part: LiveSegment) -> int:
    return int(np.diff(part.segment.shape.child_starts)[part.live].sum())


def _known(previous: Snapshot, reused_ids: set[str]) -> dict[bytes, Embedding]:
    """The vectors of the child chunks of articles that were changed or removed, by the digests of their texts."""
    known: dict[bytes, Embedding] = {}
    for part in previous.parts:
        ids, starts = part.segment.shape.article_ids, part.segment.shape.child_starts
        remaining = np.array(
            [row for row in np.flatnonzero(part.live).tolist() if ids[row] not in reused_ids], dtype=np.int64
        )
        for child in runs(starts[remaining], starts[remaining + 1] - starts[remaining]).tolist():
            known[part.segment.child_digests[child].tobytes()] = part.segment.embedding(child)
    return known


def _groups(cuts: Iterable[Cut]) -> Iterator[list[Cut]]:
    """Articles that fit into one segment each; an article is never divided."""
    group: list[Cut] = []
    children = 0
    for cut_article in cuts:
        if group and children + len(cut_article.children) > FULL_CHILD_CHUNKS:
            yield group
            group, children = [], 0
        group.append(cut_article)
        children += len(cut_article.children)
    if group:
        yield group


@dataclass(frozen=True, slots=True)
class _EncodingJob:
    """The encoding of a build, and whom to tell how far it is."""

    encoder: Encoder
    known: Mapping[bytes, Embedding]
    progress: Progress

    def encoded(self, groups: Sequence[list[Cut]]) -> Iterator[tuple[list[Cut], Mapping[bytes, Embedding]]]:
        """Each group with the vectors of its texts; within a group each new text is encoded once."""
        total = sum(len(self._new(group)) for group in groups)
        done = 0
        self.progress(done, total)
        for group in groups:
            new = list(self._new(group).items())
            embeddings = dict(self.known)
            for start in range(0, len(new), ENCODED_AT_ONCE):
                batch = new[start : start + ENCODED_AT_ONCE]
                vectors = self.encoder.encode([text for _, text in batch])
                embeddings.update(zip((digest for digest, _ in batch), vectors, strict=True))
                done += len(batch)
                self.progress(done, total)
            yield group, embeddings

    def _new(self, group: Iterable[Cut]) -> dict[bytes, str]:
        children: Iterator[ChildChunk] = (child for cut_article in group for child in cut_article.children)
        texts = {child_digest(child): child.text for child in children}
        return {digest: text for digest, text in texts.items() if digest not in self.known}
