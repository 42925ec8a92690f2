"""Near-duplicate detection: passages that say nearly the same, by MinHash sketches of their words."""

import hashlib
import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Sketches = NDArray[np.uint32]

SKETCH_HASHES = 64  # the estimate's standard deviation is .04 where it matters, at .9
SAME = 0.9  # of the shingles: one changed word in a hundred passes, two do not; a price or a version is such a word
_SHINGLE = 3
SKETCHES = f"minhash-{SKETCH_HASHES}-{_SHINGLE}"  # part of kb_version
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio, which spreads neighbouring numbers
_NOTHING = 0  # the sketch of a passage without words, which is like no other
_BUCKETS = 4  # near duplicates agree in one of the first four hashes but for one in 10,000


def sketch(words: Sequence[str]) -> Sketches:
    """The MinHash sketch, the 64 least hashes of a passage's runs of three words, uint32 (64,) (Broder, 1997)."""
    if not words:
        return np.full(SKETCH_HASHES, _NOTHING, dtype=np.uint32)
    hashed = np.array([zlib.crc32(word.encode("utf-8", "replace")) for word in words], dtype=np.uint64)
    shingles = hashed if len(words) < _SHINGLE else _runs(hashed)
    multipliers, addends = _family()
    least = ((shingles[:, None] * multipliers + addends) >> np.uint64(32)).min(axis=0)
    sketched: Sketches = np.maximum(least, _NOTHING + 1).astype(np.uint32)
    return sketched


def jaccard(first: Sketches, second: Sketches) -> float:
    """Estimated Jaccard similarity: the share of runs of words that two passages have in common, 0 to 1."""
    return float(np.mean(first == second)) if first[0] != _NOTHING else 0.0


def distinct(sketches: Sketches) -> list[int]:
    """Deduplicate: which of these rows, uint32 (n, 64), to keep: all but those that are nearly the same as a kept one before them.

    30 µs for a hundred rows; only those that agree in one of the first four hashes are compared.
    """
    agree = np.zeros((len(sketches), len(sketches)), dtype=np.bool_)
    for hashes in sketches[:, :_BUCKETS].T:
        agree |= hashes[:, None] == hashes
    dropped: set[int] = set()
    for row, before in np.argwhere(np.tril(agree, -1)).tolist():
        if before not in dropped and jaccard(sketches[row], sketches[before]) >= SAME:
            dropped.add(row)
    return [row for row in range(len(sketches)) if row not in dropped]


def _runs(hashed: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One number for each run of three words, their order included."""
    first, second, third = (hashed[offset : len(hashed) - _SHINGLE + 1 + offset] for offset in range(_SHINGLE))
    return (first * _MIX ^ second) * _MIX ^ third


@cache
def _family() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Multipliers (odd) and addends of 64 hash functions, the same on every machine (multiply-shift; Dietzfelbinger)."""
    numbers = np.frombuffer(hashlib.shake_256(b"handrail sketches").digest(SKETCH_HASHES * 16), dtype="<u8")
    return numbers[:SKETCH_HASHES] | np.uint64(1), numbers[SKETCH_HASHES:]
