"""Manifests: a snapshot on disk is a small file that names its segments, and the segments' folders, which they share."""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from retrieval.articles import Article
from retrieval.digest import MANIFEST, publish_file
from retrieval.errors import IndexCorrupt
from retrieval.index.builder import article_digest, version_of
from retrieval.index.segment import Segment, load_articles, load_segment, open_segment, save_segment
from retrieval.index.snapshot import LiveSegment, Snapshot, any_word
from retrieval.index.structures import Mask

KEPT = 3  # the active one, the one before it, and one that another process may still be about to load
POINTER = "active-"  # what a folder of articles was served from last: a file with a version
GRACE_S = 600  # a segment without a manifest may be of a build that another process has not finished
_SNAPSHOTS, _SEGMENTS = "snapshots", "segments"


class _Entry(BaseModel):
    """A segment and which of its articles are not served, by their rows."""

    segment: str
    dead: list[int]


class _Manifest(BaseModel):
    configuration: str
    entries: list[_Entry]


def load(manifest: Path) -> Snapshot:
    """The snapshot of a manifest, once every file of every segment is what it was. Raises IndexCorrupt."""
    snapshot = load_what_is_whole(manifest, (), _raise)
    if snapshot is None or snapshot.kb_version != manifest.stem:
        raise IndexCorrupt(str(manifest), "its segments hold other articles")
    return snapshot


def load_what_is_whole(
    manifest: Path,
    articles: Iterable[Article],
    damaged: Callable[[Path, IndexCorrupt], None],
    ordinary: Callable[[str], bool] = any_word,
) -> Snapshot | None:
    """A snapshot of those segments of a manifest that are whole; its version says what it holds, and differs if some are missing.

    `damaged` hears of each file or folder that is not what it was. Texts are taken from `articles` where those are the
    same, so that they are in memory once.
    """
    try:
        stored = _read(manifest)
    except (OSError, ValueError) as error:
        damaged(manifest, IndexCorrupt(str(manifest), str(error)))
        return None
    folders = [manifest.parent.parent / _SEGMENTS / entry.segment for entry in stored.entries]
    known = {article_digest(article): article for article in articles}
    parts: list[LiveSegment] = []
    texts: dict[str, Article] = {}
    for folder, entry in zip(folders, stored.entries, strict=True):
        try:
            part = _part(load_segment(folder), entry)
            texts |= _texts(part, known, folder)
        except IndexCorrupt as error:
            damaged(folder, error)
        else:
            parts.append(part)
    digests = (part.segment.digests[row] for part in parts for row in np.flatnonzero(part.live).tolist())
    return Snapshot(version_of(stored.configuration, digests), stored.configuration, texts, parts, ordinary)


def is_of_another(configuration: str, manifest: Path) -> bool:
    """Whether a manifest tells of segments made by another configuration, which may have other files; not of one that cannot be read."""
    try:
        return _read(manifest).configuration != configuration
    except (OSError, ValueError):
        return False


def save(snapshot: Snapshot, index_dir: Path) -> Path:
    """Stores a snapshot: the segments that are not there yet, then its manifest, whole or not at all. Raises OSError."""
    for part in snapshot.parts:
        if not (index_dir / _SEGMENTS / part.segment.name).is_dir():
            ids = part.segment.shape.article_ids
            save_segment_in(index_dir, part.segment, [snapshot.articles[ids[row]] for row in _rows(part.live)])
    entries = [_Entry(segment=part.segment.name, dead=_rows(~part.live)) for part in snapshot.parts]
    text = _Manifest(configuration=snapshot.configuration, entries=entries).model_dump_json()
    manifest = manifest_of(index_dir, snapshot.kb_version)
    publish_file(manifest, f"{_sha256(text)}\n{text}".encode())
    prune(index_dir)
    return manifest


def save_segment_in(index_dir: Path, segment: Segment, articles: Sequence[Article]) -> Segment:
    """The segment, stored and mapped from its files. Raises OSError."""
    folder = index_dir / _SEGMENTS / segment.name
    save_segment(segment, articles, folder)
    return open_segment(folder)


def manifest_of(index_dir: Path, version: str) -> Path:
    """Where the manifest of a version lies, if there is one."""
    return index_dir / _SNAPSHOTS / f"{version}.json"


def newest(index_dir: Path) -> Path | None:
    """The manifest of the snapshot that was activated last, if there is one."""
    return next(iter(_stored(index_dir)), None)


def prune(index_dir: Path) -> None:
    """Garbage collection: removes all but the newest manifests and those in use, segments without one, and what earlier versions left here.

    Whoever still uses a segment has its files mapped.
    """
    in_use = {path.read_text("utf-8", "replace") for path in index_dir.glob(f"{POINTER}*")}
    for manifest in _stored(index_dir)[KEPT:]:
        if manifest.stem not in in_use:
            manifest.unlink(missing_ok=True)
    needed = {entry.segment for manifest in _stored(index_dir) for entry in _entries(manifest)}
    for folder in (index_dir / _SEGMENTS).iterdir():
        if folder.name not in needed and time.time() - folder.stat().st_mtime > GRACE_S:
            shutil.rmtree(folder, ignore_errors=True)
    for old in index_dir.glob(f"*/{MANIFEST}"):  # a folder a snapshot, as it was before there were segments
        shutil.rmtree(old.parent, ignore_errors=True)


def _read(manifest: Path) -> _Manifest:
    digest, _, text = manifest.read_text("utf-8").partition("\n")
    if digest != _sha256(text):
        raise ValueError("it is not what was written")
    return _Manifest.model_validate_json(text)


def _entries(manifest: Path) -> list[_Entry]:
    with suppress(OSError, ValueError):
        return _read(manifest).entries
    return []


def _part(segment: Segment, entry: _Entry) -> LiveSegment:
    live = np.ones(len(segment.digests), dtype=np.bool_)
    live[entry.dead] = False
    return LiveSegment(segment, live)


def _texts(part: LiveSegment, known: Mapping[str, Article], folder: Path) -> dict[str, Article]:
    """The articles that are live in a part: those that are known already, others from the segment's folder."""
    wanted = {part.segment.shape.article_ids[row]: part.segment.digests[row] for row in _rows(part.live)}
    if not wanted.keys() <= {known[digest].article_id for digest in wanted.values() if digest in known}:
        try:
            known = {**{article_digest(article): article for article in load_articles(folder)}, **known}
        except (OSError, ValueError) as error:
            raise IndexCorrupt(str(folder), str(error)) from error
    try:
        return {article_id: known[digest] for article_id, digest in wanted.items()}
    except KeyError as error:
        raise IndexCorrupt(str(folder), f"the text with digest {error} is missing") from error


def _stored(index_dir: Path) -> list[Path]:
    manifests = (index_dir / _SNAPSHOTS).glob("[!.]*.json")
    return sorted(manifests, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)


def _rows(mask: Mask) -> list[int]:
    rows: list[int] = np.flatnonzero(mask).tolist()
    return rows


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _raise(_: Path, error: IndexCorrupt) -> None:
    raise error
