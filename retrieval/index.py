"""Snapshots: built from articles, stored as folders of verified files, loaded again."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import orjson
from pydantic import TypeAdapter

from retrieval.article import Article
from retrieval.audience import Audience
from retrieval.chunk import CHUNKING, Chunk, search_text, split
from retrieval.digest import MANIFEST, publish, verify
from retrieval.encode import Encoder, Vectors
from retrieval.errors import IndexCorrupt
from retrieval.lexical import K1, TOKENS, B, LexicalIndex, words
from retrieval.snapshot import Hit, Signal, Snapshot
from retrieval.vector import VectorIndex

__all__ = ["Audience", "Hit", "Signal", "Snapshot", "build", "kb_version", "load", "newest", "prune", "save"]

Progress = Callable[[int, int], None]

KEPT = 3  # the active one, the one before it, and one that another process may still be about to load
ENCODED_AT_ONCE = 64  # texts between two reports of progress
_VERSION_CHARS = 16
_ARTICLES = TypeAdapter(tuple[Article, ...])
_CHUNKS = TypeAdapter(tuple[Chunk, ...])
_ROWS = TypeAdapter(tuple[tuple[str, ...], tuple[str, ...], list[int]])


def kb_version(articles: Iterable[Article], encoder: Encoder) -> str:
    """The name of what `build` makes of these articles: equal wherever sources, model and configuration are equal."""
    configuration = [encoder.name, encoder.dimensions, CHUNKING, TOKENS, K1, B]
    content = orjson.dumps([configuration, _served(articles)], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()[:_VERSION_CHARS]


def build(
    articles: Iterable[Article],
    encoder: Encoder,
    *,
    previous: Snapshot | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Snapshot:
    """The snapshot of these articles; drafts are left out. What `previous` has is neither cut nor encoded again."""
    served = _served(articles)
    cut = [_cut(article, previous) for article in served]
    chunks = tuple(chunk for chunks, _ in cut for chunk in chunks)
    questions = [
        (question, article.article_id)
        for article, (found, _) in zip(served, cut, strict=True)
        if found
        for question in article.questions
    ]
    texts = tuple([text for _, texts in cut for text in texts] + [question for question, _ in questions])
    digests = tuple(hashlib.sha256(text.encode()).hexdigest() for text in texts)
    vectors = _encode(dict(zip(digests, texts, strict=True)), digests, encoder, previous, progress)
    return Snapshot(
        kb_version=kb_version(served, encoder),
        encoder_name=encoder.name,
        articles={article.article_id: article for article in served},
        chunks=chunks,
        texts=texts,
        digests=digests,
        chunk_of=_chunk_of(chunks, [article_id for _, article_id in questions], vectors),
        vectors=VectorIndex(vectors),
        lexical=LexicalIndex.build([_weighted(text, titled=row < len(chunks)) for row, text in enumerate(texts)]),
    )


def save(snapshot: Snapshot, index_dir: Path) -> Path:
    """Stores a snapshot as `index_dir/<kb_version>` with a manifest of digests, whole or not at all; keeps the newest 3."""
    folder = index_dir / snapshot.kb_version
    with suppress(ValueError):
        verify(folder)
        os.utime(folder)
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    with publish(folder, {"kb_version": snapshot.kb_version, "encoder": snapshot.encoder_name}) as temporary:
        (temporary / "articles.json").write_bytes(orjson.dumps(list(snapshot.articles.values())))
        (temporary / "chunks.json").write_bytes(orjson.dumps(snapshot.chunks))
        (temporary / "rows.json").write_bytes(
            orjson.dumps([snapshot.texts, snapshot.digests, snapshot.chunk_of.tolist()])
        )
        snapshot.vectors.save(temporary / "vectors.npy")
        snapshot.lexical.save(temporary / "lexical")
    prune(index_dir)
    return folder


def load(folder: Path) -> Snapshot:
    """The snapshot of a folder, once every file has the digest its manifest says. Raises IndexCorrupt."""
    try:
        manifest = verify(folder)
        articles = _ARTICLES.validate_json((folder / "articles.json").read_bytes())
        texts, digests, chunk_of = _ROWS.validate_json((folder / "rows.json").read_bytes())
        return Snapshot(
            kb_version=str(manifest["kb_version"]),
            encoder_name=str(manifest["encoder"]),
            articles={article.article_id: article for article in articles},
            chunks=_CHUNKS.validate_json((folder / "chunks.json").read_bytes()),
            texts=texts,
            digests=digests,
            chunk_of=np.array(chunk_of, dtype=np.int64),
            vectors=VectorIndex.load(folder / "vectors.npy"),
            lexical=LexicalIndex.load(folder / "lexical"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexCorrupt(str(folder), str(error)) from error


def newest(index_dir: Path) -> Path | None:
    """The folder of the snapshot that was activated last, if there is one."""
    return next(iter(_stored(index_dir)), None)


def prune(index_dir: Path) -> None:
    """Removes all but the newest snapshots; whoever still uses one has its files in memory or open."""
    for folder in _stored(index_dir)[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)


def _stored(index_dir: Path) -> list[Path]:
    folders = [manifest.parent for manifest in index_dir.glob(f"[!.]*/{MANIFEST}")]
    return sorted(folders, key=lambda folder: (folder.stat().st_mtime_ns, folder.name), reverse=True)


def _served(articles: Iterable[Article]) -> list[Article]:
    return sorted((article for article in articles if not article.draft), key=lambda article: article.article_id)


def _cut(article: Article, previous: Snapshot | None) -> tuple[Sequence[Chunk], Sequence[str]]:
    """An article's chunks and their texts, those of `previous` where the article has not changed."""
    if previous is not None and previous.articles.get(article.article_id) == article:
        known = previous.chunks_of(article.article_id)
        return [previous.chunks[at] for at in known], [previous.texts[at] for at in known]
    chunks = split(article)
    return chunks, [search_text(article, chunk) for chunk in chunks]


def _encode(
    texts: Mapping[str, str], digests: Sequence[str], encoder: Encoder, previous: Snapshot | None, progress: Progress
) -> Vectors:
    """The vector of every row; each new text is encoded once."""
    vectors: dict[str, Vectors] = {}
    if previous is not None and previous.encoder_name == encoder.name:
        vectors.update(zip(previous.digests, previous.vectors.vectors, strict=True))
    new = [digest for digest in texts if digest not in vectors]
    progress(0, len(new))
    for at in range(0, len(new), ENCODED_AT_ONCE):
        batch = new[at : at + ENCODED_AT_ONCE]
        encoded = encoder.encode([texts[digest] for digest in batch])
        vectors.update(zip(batch, (embedding.sentence for embedding in encoded), strict=True))
        progress(at + len(batch), len(new))
    rows: Vectors = np.array([vectors[digest] for digest in digests], dtype=np.float32)
    return rows.reshape(-1, encoder.dimensions)


def _weighted(text: str, *, titled: bool) -> list[str]:
    """The words of a row; those of the title, which is a passage's first line, count twice.

    Measured: BM25's hit@1 on a help centre of 414 articles goes from .49 to .53, unchanged on intents.
    """
    return words(text) + (words(text.split("\n", 1)[0]) if titled else [])


def _chunk_of(
    chunks: Sequence[Chunk], asked_of: Sequence[str], vectors: Vectors
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The chunk of each row; a question belongs to that chunk of its article that is most like it."""
    own: dict[str, list[int]] = {}
    for at, chunk in enumerate(chunks):
        own.setdefault(chunk.article_id, []).append(at)
    best = [
        own[article_id][int(np.argmax(vectors[own[article_id]] @ vectors[row]))]
        for row, article_id in enumerate(asked_of, start=len(chunks))
    ]
    return np.array([*range(len(chunks)), *best], dtype=np.int64)
