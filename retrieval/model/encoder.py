"""The port `Encoder`: text to the vectors of an `Embedding`; and around it, hashing without a model and batching."""

import asyncio
import re
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import EncoderBusy

Vectors = NDArray[np.float32]
TokenVectors = NDArray[np.int8]

MAX_BATCH = 32  # larger batches are no faster on two cores, and the first text waits for the last
MAX_WAITING = 1024  # a second of work; whoever comes later is better told at once
_WORD = re.compile(r"\w+")
_NGRAM = 4
TOKEN_STEPS = 127  # of an int8 from 0 to 1, so that minus one has a value too


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single truth value; compare what is in them
class Embedding:
    """A text's vectors: `sentence`, float32 (d,), of unit length; `tokens`, int8 (t, k): unit-length rows times 127.

    `tokens` has a row for each token or word of the text and at least one; a query's rows against a passage's
    give late interaction (MaxSim; Khattab & Zaharia, SIGIR 2020).
    """

    sentence: Vectors
    tokens: TokenVectors


def token_rows(unit_rows: Vectors) -> TokenVectors:
    """Unit-length rows as an `Embedding` keeps them: int8, times 127; off by at most half a step."""
    return np.rint(unit_rows * TOKEN_STEPS).astype(np.int8)


class Encoder(Protocol):
    """Turns texts into vectors. A vector is a function of its text: the same alone and in any batch.

    The same means: `sentence` within 1e-4, `tokens` within one step of their int8.
    """

    @property
    def name(self) -> str:
        """Model and digest; part of `kb_version`."""

    @property
    def dimensions(self) -> int:
        """The length d of a sentence vector."""

    @property
    def token_dimensions(self) -> int:
        """The length k of a token vector."""

    def encode(self, texts: Sequence[str]) -> list[Embedding]:
        """The vectors of each text of the articles, in order. Blocks while it computes."""

    def encode_queries(self, texts: Sequence[str]) -> list[Embedding]:
        """The vectors of each question, in order; not those of `encode` where a model wants questions marked."""

    def is_word(self, word: str) -> bool:
        """Whether the model has an entry of its own for a word in lower case: an ordinary word of its languages."""


class HashingEncoder:
    """A hashing encoder: words and their four-letter parts, hashed into vectors; no model, equal in every process.

    For trials on machines without a model and for fast tests; it matches words, not meaning
    (feature hashing, Weinberger et al., ICML 2009).
    """

    def __init__(self, dimensions: int = 256, token_dimensions: int = 64) -> None:
        self.dimensions = dimensions
        self.token_dimensions = token_dimensions
        self.name = f"hashing-{dimensions}"

    def encode(self, texts: Sequence[str]) -> list[Embedding]:
        """The vectors of each text, in order: a token vector for every word."""
        return [self._embedding(_WORD.findall(text.casefold())) for text in texts]

    def encode_queries(self, texts: Sequence[str]) -> list[Embedding]:
        """As `encode`."""
        return self.encode(texts)

    def is_word(self, word: str) -> bool:  # noqa: ARG002 - an `Encoder`
        """Always: it knows no words, so none can be told to be mistyped."""
        return True

    def _embedding(self, words: Sequence[str]) -> Embedding:
        return Embedding(
            _hashed([feature for word in words for feature in _features(word)], self.dimensions),
            token_rows(np.stack([_hashed(_features(word), self.token_dimensions) for word in words or [""]])),
        )


class Batcher:
    """Dynamic batching: encodes questions for many askers at once, all who wait share one forward pass in one worker thread.

    `async with Batcher(encoder) as batcher: embedding = await batcher.encode(text)`.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._waiting: deque[tuple[str, asyncio.Future[Embedding]]] = deque()
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

    async def encode(self, text: str) -> Embedding:
        """The vectors of one text. Raises EncoderBusy when too many already wait."""
        if self._worker.done():
            raise RuntimeError("the batcher is closed; encode inside its 'async with'")
        if len(self._waiting) >= MAX_WAITING:
            raise EncoderBusy(len(self._waiting))
        future: asyncio.Future[Embedding] = asyncio.get_running_loop().create_future()
        self._waiting.append((text, future))
        self._arrived.set()
        return await future

    async def _work(self) -> None:
        while True:
            await self._arrived.wait()
            batch = list(self._next_batch())
            if batch:
                await self._pass([text for text, _ in batch], [future for _, future in batch])

    def _next_batch(self) -> Iterator[tuple[str, asyncio.Future[Embedding]]]:
        taken = 0
        while self._waiting and taken < MAX_BATCH:
            text, future = self._waiting.popleft()
            if not future.done():  # its asker may have gone
                taken += 1
                yield text, future
        if not self._waiting:
            self._arrived.clear()

    async def _pass(self, texts: list[str], futures: list[asyncio.Future[Embedding]]) -> None:
        try:
            embeddings = await asyncio.get_running_loop().run_in_executor(
                self._executor, self._encoder.encode_queries, texts
            )
        except asyncio.CancelledError:
            for future in futures:
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - every asker must hear of it, and the worker must live on
            for future in futures:
                if not future.done():
                    future.set_exception(error)
        else:
            for future, embedding in zip(futures, embeddings, strict=True):
                if not future.done():
                    future.set_result(embedding)


def _hashed(features: Iterable[str], dimensions: int) -> Vectors:
    vector = np.zeros(dimensions, dtype=np.float32)
    for feature in features:
        hashed = zlib.crc32(feature.encode("utf-8", "replace"))
        vector[hashed % dimensions] += 1.0 if hashed & 0x8000_0000 else -1.0
    if not vector.any():
        vector[0] = 1.0  # a text without words still has a direction
    unit: Vectors = vector / np.linalg.norm(vector)
    return unit


def _features(word: str) -> Iterator[str]:
    if word:
        yield word
    padded = f"<{word}>"
    yield from (padded[start : start + _NGRAM] for start in range(len(padded) - _NGRAM + 1))
