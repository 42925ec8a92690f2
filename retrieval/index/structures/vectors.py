"""Vector index: nearest-neighbour search over the sentence vectors of one segment; a scan of one byte a dimension, then the exact cosines of the best."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import faiss
import numpy as np
from numpy.typing import NDArray

from retrieval.index.structures.arrays import Mask, load_array, save_array
from retrieval.model import Vectors

Positions = NDArray[np.int64]

STEPS = 127  # a component from -1 to 1 as int8: a cosine is off by .0024 (one standard deviation)
ROUNDING = 0.015  # no cosine is off by more: six standard deviations, one row of a thousand million
FEW = 6_000  # rows whose exact cosines are computed sooner than a heap of the best rounded ones is kept
_SPARE = 1.5  # the rows within ROUNDING of the best thousand of some thousand are a fifth or third more
_CODES, _EXACT = "codes.faiss", "vectors.npy"


class VectorIndex:
    """A flat vector index of unit-length rows. The scan is exhaustive, so that no mask of an audience costs recall.

    0.15 ms over 5,000 rows of 384 dimensions, 0.5 over 15,000, 20 over 200,000: a quarter of a float32 scan, which
    waits for memory. Rows and codes are mapped files once they are stored.
    """

    def __init__(self, vectors: Vectors, codes: faiss.IndexScalarQuantizer) -> None:
        self.vectors = vectors
        self._codes = codes

    @classmethod
    def build(cls, vectors: Vectors) -> Self:
        """From unit-length rows, float32 (n, d)."""
        quantizer = faiss.ScalarQuantizer.QT_8bit_direct_signed
        codes = faiss.IndexScalarQuantizer(vectors.shape[1], quantizer, faiss.METRIC_INNER_PRODUCT)
        if len(vectors):
            codes.add(np.rint(vectors * STEPS))
        return cls(np.ascontiguousarray(vectors), codes)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` stored, mapped into memory. Raises ValueError, OSError and RuntimeError."""
        vectors = load_array(folder / _EXACT, np.float32)
        codes = faiss.read_index(str(folder / _CODES), faiss.IO_FLAG_MMAP_IFC)
        if not isinstance(codes, faiss.IndexScalarQuantizer) or codes.ntotal != len(vectors):
            raise ValueError(f"{_CODES} does not fit {_EXACT}")
        return cls(vectors, codes)

    def save(self, folder: Path) -> None:
        """Stores rows and codes."""
        save_array(folder / _EXACT, self.vectors)
        faiss.write_index(self._codes, str(folder / _CODES))

    def scan(self, vector: Vectors, allowed: Mask | None, depth: int) -> tuple[Positions, Vectors]:
        """About the `depth` best of the allowed rows (None: of all) and their rounded cosines, best first."""
        depth = min(depth, self.count(allowed))
        if depth == 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        _work_alone()
        if len(self.vectors) <= FEW:
            return self._exact(vector, allowed, depth)
        chosen = None if allowed is None else _selecting(allowed)
        steps = STEPS / np.abs(vector).max()  # faiss cuts the decimals of a query off, so it has to be large
        scores, rows = self._codes.search(np.rint(vector * steps).reshape(1, -1), depth, params=chosen)
        return rows[0], scores[0] / (STEPS * steps)

    def count(self, allowed: Mask | None) -> int:
        """How many rows are allowed (None: all)."""
        return len(self.vectors) if allowed is None else int(np.count_nonzero(allowed))

    def _exact(self, vector: Vectors, allowed: Mask | None, depth: int) -> tuple[Positions, Vectors]:
        rows = np.arange(len(self.vectors)) if allowed is None else np.flatnonzero(allowed)
        cosines = self.cosines(vector, rows)
        best = np.argpartition(cosines, len(rows) - depth)[len(rows) - depth :]
        best = best[np.argsort(-cosines[best])]
        return rows[best], cosines[best]

    def cosines(self, vector: Vectors, rows: Positions) -> Vectors:
        """The exact cosine of each of these rows, float32 (n,); of a row always the same, whatever is asked with it."""
        _work_alone()
        query, rows = np.ascontiguousarray(vector, dtype=np.float32), np.ascontiguousarray(rows, dtype=np.int64)
        cosines: Vectors = np.empty(len(rows), dtype=np.float32)
        pointers = (faiss.swig_ptr(array) for array in (cosines, query, self.vectors, rows))
        # the stubs of faiss leave this function out
        faiss.fvec_inner_products_by_idx(*pointers, self.vectors.shape[1], 1, len(rows))  # type: ignore[attr-defined]
        return cosines


def _work_alone() -> None:
    """One query is too little to share, and idle OpenMP threads spin on the encoder's core. Each thread has its own setting."""
    faiss.omp_set_num_threads(1)


def nearest(parts: Sequence[tuple[VectorIndex, Mask | None]], vector: Vectors, depth: int) -> list[Positions]:
    """Nearest neighbours over several indexes: of each the allowed rows that are among the exact `depth` best of all, and few others.

    An index is asked for twice its share of the rows, and again where it may have more: what is far from all questions
    is seldom looked at twice.
    """
    counts = [index.count(allowed) for index, allowed in parts]
    wanted = int(depth * _SPARE)
    depths = [min(wanted, 2 * wanted * count // max(1, sum(counts)) + 1) for count in counts]
    scans = [index.scan(vector, allowed, most) for (index, allowed), most in zip(parts, depths, strict=True)]
    while True:
        least = _least(scans, depth) - ROUNDING
        short = [
            index_number
            for index_number, (rows, scores) in enumerate(scans)
            if len(rows) < counts[index_number] and scores[-1] >= least
        ]
        if not short:
            return [rows[scores >= least] for rows, scores in scans]
        for index_number in short:
            depths[index_number] *= 2
            scans[index_number] = parts[index_number][0].scan(vector, parts[index_number][1], depths[index_number])


def _least(scans: Sequence[tuple[Positions, Vectors]], depth: int) -> float:
    """The score of the last of the `depth` best; minus infinity where there are not so many."""
    scores = np.concatenate([np.zeros(0, np.float32), *(scores for _, scores in scans)])
    return float(np.partition(scores, -depth)[-depth]) if len(scores) >= depth else -np.inf


def _selecting(allowed: Mask) -> faiss.SearchParameters:
    # faiss types its C++ constructors, not the Python ones it puts in their place
    selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))  # type: ignore[call-arg, arg-type]
    return faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
