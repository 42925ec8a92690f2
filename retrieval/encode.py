"""The port `Encoder`: text to unit-length vectors; and the two things around it, hashing without a model and batching."""

import asyncio
import re
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import EncoderBusy

Vectors = NDArray[np.float32]

MAX_BATCH = 32  # larger batches are no faster on two cores, and the first text waits for the last
MAX_WAITING = 1024  # a second of work; whoever comes later is better told at once
_WORD = re.compile(r"\w+")
_NGRAM = 4


class Encoder(Protocol):
    """Turns texts into vectors. A vector is a function of its text: equal within 1e-4 alone and in any batch."""

    @property
    def name(self) -> str:
        """Model and digest; part of `kb_version`."""

    @property
    def dimensions(self) -> int:
        """The length of a vector."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit-length embeddings: float32 (n, d). Blocks while it computes."""


class HashingEncoder:
    """Words and their four-letter pieces, hashed into a vector: no model, equal in every process.

    For trials on machines without a model and for fast tests; it matches words, not meaning
    (feature hashing, Weinberger et al., ICML 2009).
    """

    def __init__(self, dimensions: int = 256) -> None:
        self.dimensions = dimensions
        self.name = f"hashing-{dimensions}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit-length embeddings: float32 (n, d)."""
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for feature in _features(text):
                hashed = zlib.crc32(feature.encode("utf-8", "replace"))
                vector[hashed % self.dimensions] += 1.0 if hashed & 0x8000_0000 else -1.0
            if not vector.any():
                vector[0] = 1.0  # a text without words still has a direction
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


class Batcher:
    """Encodes for many askers at once: all who wait share one forward pass in one worker thread.

    `async with Batcher(encoder) as batcher: vector = await batcher.encode(text)`.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._waiting: deque[tuple[str, asyncio.Future[Vectors]]] = deque()
        self._arrived = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="encode")

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._worker = self._tasks.create_task(self._work())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.cancel()
        try:
            await self._tasks.__aexit__(None, None, None)  # an error of the body stays itself, not part of a group
        finally:
            for _, future in self._waiting:
                future.cancel()
            await asyncio.to_thread(self._executor.shutdown)

    async def encode(self, text: str) -> Vectors:
        """The vector of one text: float32 (d,). Raises EncoderBusy when too many already wait."""
        if self._worker.done():
            raise RuntimeError("the batcher is closed; encode inside its 'async with'")
        if len(self._waiting) >= MAX_WAITING:
            raise EncoderBusy(len(self._waiting))
        future: asyncio.Future[Vectors] = asyncio.get_running_loop().create_future()
        self._waiting.append((text, future))
        self._arrived.set()
        return await future

    async def _work(self) -> None:
        while True:
            await self._arrived.wait()
            batch = list(self._next_batch())
            if batch:
                await self._pass([text for text, _ in batch], [future for _, future in batch])

    def _next_batch(self) -> Iterator[tuple[str, asyncio.Future[Vectors]]]:
        taken = 0
        while self._waiting and taken < MAX_BATCH:
            text, future = self._waiting.popleft()
            if not future.done():  # its asker may have gone
                taken += 1
                yield text, future
        if not self._waiting:
            self._arrived.clear()

    async def _pass(self, texts: list[str], futures: list[asyncio.Future[Vectors]]) -> None:
        try:
            vectors = await asyncio.get_running_loop().run_in_executor(self._executor, self._encoder.encode, texts)
        except asyncio.CancelledError:
            for future in futures:
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - every asker must hear of it, and the worker must live on
            for future in futures:
                if not future.done():
                    future.set_exception(error)
        else:
            for future, vector in zip(futures, vectors, strict=True):
                if not future.done():
                    future.set_result(vector)


def _features(text: str) -> Iterator[str]:
    for word in _WORD.findall(text.casefold()):
        yield word
        padded = f"<{word}>"
        yield from (padded[at : at + _NGRAM] for at in range(len(padded) - _NGRAM + 1))
