"""Which segments make up the present articles: what is reused, what is encoded, what is merged."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import orjson

from retrieval.articles import UNITS, Article, ChildChunk, Cut, cut
from retrieval.index.fields import FIELDS
from retrieval.index.merge import merge_segments
from retrieval.index.segment import FULL_UNITS, Segment, build_segment, unit_digest
from retrieval.index.snapshot import Part, Snapshot
from retrieval.index.structures import K1, SKETCHES, B, runs
from retrieval.model import Embedding, Encoder

Progress = Callable[[int, int], None]

ENCODED_AT_ONCE = 256  # texts between two reports of progress; enough for the encoder to put like lengths together
MANY = 8  # segments that are not full: each costs a query some 30 µs, and a merge rewrites at most 130 MB
_LAYOUT = 3  # of the files of a segment
_VERSION_CHARS = 16
_DIGEST_CHARS = 32


class Keep(Protocol):
    """Takes a new segment with its articles (to store it), and gives what is to be used from now on."""

    def __call__(self, segment: Segment, articles: Sequence[Article]) -> Segment:
        """The segment itself, or the same one mapped from its files."""


def in_memory(segment: Segment, articles: Sequence[Article]) -> Segment:  # noqa: ARG001 - a `Keep`
    """Keeps a segment where it is."""
    return segment


def configuration_of(encoder: Encoder) -> str:
    """Everything besides the articles that an index depends on, as text."""
    parts = [_LAYOUT, encoder.name, encoder.dimensions, encoder.token_dimensions, UNITS, FIELDS, SKETCHES, K1, B]
    return orjson.dumps(parts).decode()


def article_digest(article: Article) -> str:
    """What an article's content is known by; 5 µs."""
    return hashlib.sha256(orjson.dumps(article, option=orjson.OPT_SORT_KEYS)).hexdigest()[:_DIGEST_CHARS]


def version_of(configuration: str, digests: Iterable[str]) -> str:
    """The name of a snapshot of these articles."""
    return hashlib.sha256(orjson.dumps([configuration, sorted(digests)])).hexdigest()[:_VERSION_CHARS]


def kb_version(articles: Iterable[Article], encoder: Encoder, previous: Snapshot | None = None) -> str:
    """The name of what `build` makes of these articles: equal wherever sources, model and configuration are equal.

    Articles that are the very objects of `previous` are not hashed again: 5 ms for 10,000 instead of 50.
    """
    return version_of(configuration_of(encoder), _digests(_served(articles), previous).values())


def build(
    articles: Iterable[Article],
    encoder: Encoder,
    *,
    previous: Snapshot | None = None,
    progress: Progress = lambda _done, _total: None,
    keep: Keep = in_memory,
) -> Snapshot:
    """The snapshot of these articles; drafts are left out. What `previous` has is neither cut nor encoded again.

    What is new becomes a segment of its own, or several of at most 16,384 units, each handed to `keep` when it is done.
    """
    served = {article.article_id: article for article in _served(articles)}
    digests = _digests(served.values(), previous)
    configuration = configuration_of(encoder)
    if previous is not None and previous.configuration != configuration:
        previous = None
    parts = list(_reused(previous.parts, digests)) if previous else []
    there = {article_id for part in parts for article_id in _live_ids(part)}
    known = _known(previous, there) if previous else {}
    cuts = [cut(article) for article in served.values() if article.article_id not in there]
    work = _Work(encoder, known, progress)
    for group, embeddings in work.encoded(list(_groups(cuts))):
        segment = build_segment(
            group,
            [digests[each.article.article_id] for each in group],
            embeddings,
            configuration=configuration,
            widths=(encoder.dimensions, encoder.token_dimensions),
        )
        kept = keep(segment, [each.article for each in group])
        parts.append(Part(kept, np.ones(len(group), dtype=np.bool_)))
    return Snapshot(version_of(configuration, digests.values()), configuration, served, parts, encoder.is_word)


def compact(snapshot: Snapshot, keep: Keep = in_memory) -> Snapshot | None:
    """The same snapshot in fewer segments, or None where it is well as it is. Takes as long as copying 130 MB, at most."""
    due = mergeable([(_live_units(part), float(part.live.mean())) for part in snapshot.parts])
    if not due:
        return None
    merged = merge_segments([(snapshot.parts[at].segment, snapshot.parts[at].live) for at in due])
    kept = keep(merged, [snapshot.articles[article_id] for article_id in merged.shape.article_ids])
    rest = [part for at, part in enumerate(snapshot.parts) if at not in due]
    parts = [*rest, Part(kept, np.ones(len(merged.digests), dtype=np.bool_))]
    return Snapshot(snapshot.kb_version, snapshot.configuration, snapshot.articles, parts, snapshot.ordinary)


def mergeable(sizes: Sequence[tuple[int, float]]) -> list[int]:
    """Which segments should become one, by the units and the share of the articles that are live in each.

    Those of which less than half is live; and, when more than 8 are less than half full, the smallest, up to one that is
    larger than all before it together. So there are at most 8 and the full ones, and a unit is copied a number of
    times that grows with the logarithm of their number. Together they are never more than full.
    """
    half = FULL_UNITS // 2
    small = sorted((at for at, (units, _) in enumerate(sizes) if units < half), key=lambda at: sizes[at][0])
    due = [at for at, (_, share) in enumerate(sizes) if share < 1 / 2]
    merged = sum(sizes[at][0] for at in due)
    taken = 0
    for number, at in enumerate(small if len(small) > MANY else ()):
        units = sizes[at][0]
        if number > 1 and units > taken:
            break
        taken += units
        if at not in due and merged + units <= FULL_UNITS:
            due.append(at)
            merged += units
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


def _reused(parts: Iterable[Part], digests: Mapping[str, str]) -> Iterator[Part]:
    """The segments that still hold something, with what is live of them now; an edit that is undone revives its old row."""
    taken: set[str] = set()
    for segment in (part.segment for part in parts):
        live = np.zeros(len(segment.digests), dtype=np.bool_)
        for row, (article_id, digest) in enumerate(zip(segment.shape.article_ids, segment.digests, strict=True)):
            if digests.get(article_id) == digest and article_id not in taken:
                taken.add(article_id)
                live[row] = True
        if live.any():
            yield Part(segment, live)


def _live_ids(part: Part) -> Iterator[str]:
    return (part.segment.shape.article_ids[row] for row in np.flatnonzero(part.live).tolist())


def _live_units(part: Part) -> int:
    return int(np.diff(part.segment.shape.unit_starts)[part.live].sum())


def _known(previous: Snapshot, there: set[str]) -> dict[bytes, Embedding]:
    """The vectors of the units of articles that were changed or removed, by the digests of their texts."""
    known: dict[bytes, Embedding] = {}
    for part in previous.parts:
        ids, starts = part.segment.shape.article_ids, part.segment.shape.unit_starts
        left = np.array([row for row in np.flatnonzero(part.live).tolist() if ids[row] not in there], dtype=np.int64)
        for unit in runs(starts[left], starts[left + 1] - starts[left]).tolist():
            known[part.segment.unit_digests[unit].tobytes()] = part.segment.embedding(unit)
    return known


def _groups(cuts: Iterable[Cut]) -> Iterator[list[Cut]]:
    """Articles that fit into one segment each; an article is never divided."""
    group: list[Cut] = []
    units = 0
    for each in cuts:
        if group and units + len(each.units) > FULL_UNITS:
            yield group
            group, units = [], 0
        group.append(each)
        units += len(each.units)
    if group:
        yield group


@dataclass(frozen=True, slots=True)
class _Work:
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
            for at in range(0, len(new), ENCODED_AT_ONCE):
                batch = new[at : at + ENCODED_AT_ONCE]
                vectors = self.encoder.encode([text for _, text in batch])
                embeddings.update(zip((digest for digest, _ in batch), vectors, strict=True))
                done += len(batch)
                self.progress(done, total)
            yield group, embeddings

    def _new(self, group: Iterable[Cut]) -> dict[bytes, str]:
        units: Iterator[ChildChunk] = (unit for each in group for unit in each.units)
        texts = {unit_digest(unit): unit.text for unit in units}
        return {digest: text for digest, text in texts.items() if digest not in self.known}
