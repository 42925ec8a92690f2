"""Memory-mapped arrays, in files and mapped when they are read: what is not used costs nothing, what is used is shared."""

from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int32]
Mask = NDArray[np.bool_]

GONE = -1  # the new place of a row that is no longer there

_Scalar = TypeVar("_Scalar", bound=np.generic)
_Real = TypeVar("_Real", np.float32, np.float64)


def save_array(path: Path, array: NDArray[_Scalar]) -> None:
    """Stores an array as `.npy`; no pickle."""
    np.save(path, array, allow_pickle=False)


def load_array(path: Path, kind: type[_Scalar]) -> NDArray[_Scalar]:
    """A stored array of numbers of this kind, mapped, read-only. Raises ValueError and OSError."""
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    if mapped.dtype != np.dtype(kind):
        raise ValueError(f"{path.name} holds {mapped.dtype}, not {np.dtype(kind)}")
    return cast("NDArray[_Scalar]", mapped.view(np.ndarray))  # slicing the subclass costs a microsecond each time


def starts_of(counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """Offsets (exclusive prefix sums): where each of several runs of these lengths starts in their concatenation, and where the last ends."""
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def best_rows(rows: NDArray[np.int64], scores: NDArray[_Real], depth: int) -> tuple[NDArray[np.int64], NDArray[_Real]]:
    """Top k: the best `depth` of ascending rows and their scores, best first; equal ones in the order of the rows."""
    if len(scores) > depth:
        good = scores >= np.partition(scores, -depth)[-depth]
        rows, scores = rows[good], scores[good]
    order = np.argsort(-scores, kind="stable")[:depth]
    return rows[order], scores[order]


def runs(starts: NDArray[np.integer], counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """The positions start, start + 1, ... of several runs, one after the other."""
    begins = np.repeat(starts - starts_of(counts)[:-1], counts)
    positions: NDArray[np.int64] = begins + np.arange(len(begins))
    return positions
