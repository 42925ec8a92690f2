"""ONNX inference: an exported embedding model, run by onnxruntime; torch is not imported."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from retrieval.model.encoder import Embedding, Vectors, token_rows

MAX_BATCH_TOKENS = 512  # what fits the caches; a token of a pass of 1,024 takes a tenth more time, of 4,096 a third
PASS_COSTS_TOKENS = 16  # reading the weights takes as long as computing so many tokens more
# the graph's own notes: what it computes in (int8 or float32), and what is put before each text of a kind
PRECISION, PROMPT_OF_PASSAGES, PROMPT_OF_QUERIES = "precision", "prompt_of_passages", "prompt_of_queries"
# two fusions that are slower than what they fuse: without them a query takes a quarter less time
_SLOW_FUSIONS = ["SkipLayerNormFusion", "BiasGeluFusion"]


class OnnxEncoder:
    """The encoder of a folder that `prepare_model` made: a graph with pooling inside, in int8 or float32.

    In both a vector does not depend on its batch beyond rounding (1e-6 measured), for int8 scales are constants of
    the graph. `name` says which it is, for their vectors are not the same. Thread-safe.
    """

    def __init__(self, model_dir: Path, threads: int | None = None) -> None:
        self._tokenizer = Tokenizer.from_file(str(model_dir / "tokenizer.json"))  # cuts at what the model can read
        self._session = open_session(str(model_dir / "model.onnx"), threads)
        self._notes = self._session.get_modelmeta().custom_metadata_map
        self.name = f"{model_dir.name}-{self._notes[PRECISION]}"
        self._inputs = [entry.name for entry in self._session.get_inputs()]
        self.dimensions, self.token_dimensions = (int(output.shape[-1]) for output in self._session.get_outputs())

    def encode(self, texts: Sequence[str]) -> list[Embedding]:
        """The vectors of each text, in order. One forward pass per 512 tokens, texts of like length together."""
        return self._encode(texts, self._notes[PROMPT_OF_PASSAGES])

    def encode_queries(self, texts: Sequence[str]) -> list[Embedding]:
        """The same of questions, before which some models want another prompt."""
        return self._encode(texts, self._notes[PROMPT_OF_QUERIES])

    def _encode(self, texts: Sequence[str], prompt: str) -> list[Embedding]:
        encodings = self._tokenizer.encode_batch_fast([f"{prompt}{text}" for text in texts]) if texts else []
        embeddings: dict[int, Embedding] = {}
        for rows in _by_length(encodings):
            embeddings.update(zip(rows, self._pass([encodings[row] for row in rows]), strict=True))
        return [embeddings[row] for row in range(len(texts))]

    def is_word(self, word: str) -> bool:
        """Whether the tokenizer leaves a word in lower case whole, as it does with ordinary ones. 20 µs."""
        return len(self._tokenizer.encode(word, add_special_tokens=False).ids) == 1

    def _pass(self, encodings: Sequence[Encoding]) -> Iterator[Embedding]:
        sentences, tokens = self._session.run(None, feed(self._inputs, encodings))
        unit: Vectors = sentences / np.linalg.norm(sentences, axis=1, keepdims=True)
        for sentence, rows, encoding in zip(unit, token_rows(tokens), encodings, strict=True):
            yield Embedding(sentence.copy(), rows[: len(encoding.ids)].copy())  # a view would keep the whole batch


def feed(inputs: Sequence[str], encodings: Sequence[Encoding]) -> dict[str, NDArray[np.int64]]:
    """The columns of one forward pass, by input: int64 (texts, tokens of the longest); what pads is masked."""
    longest = max(len(encoding.ids) for encoding in encodings)
    columns = {name: np.zeros((len(encodings), longest), dtype=np.int64) for name in inputs}
    for row, encoding in enumerate(encodings):
        length = len(encoding.ids)
        columns["input_ids"][row, :length] = encoding.ids
        columns["attention_mask"][row, :length] = 1
    return columns


def open_session(model: str | bytes, threads: int | None = None) -> onnxruntime.InferenceSession:
    """A session for the graph of a file's path, or for a graph itself, on the CPU."""
    return onnxruntime.InferenceSession(
        model, _options(threads), providers=["CPUExecutionProvider"], disabled_optimizers=_SLOW_FUSIONS
    )


def _options(threads: int | None) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or min(2, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = (
        False  # an arena keeps the memory of the largest batch for ever; without it is as fast
    )
    # threads that spin while they wait would take the event loop's core
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # without VNNI, AVX2 adds two 8-bit products in 16 bits, which overflow: this takes products that cannot, as fast
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 3
    return options


def _by_length(encodings: Sequence[Encoding]) -> Iterator[list[int]]:
    """Rows in batches of like length: padding that would cost more than a further pass begins a new batch."""
    batch: list[int] = []
    tokens = 0
    for row in sorted(range(len(encodings)), key=lambda row: len(encodings[row].ids)):
        length = len(encodings[row].ids)
        padded = (len(batch) + 1) * length
        if batch and (padded > MAX_BATCH_TOKENS or padded - tokens - length > PASS_COSTS_TOKENS):
            yield batch
            batch, tokens = [], 0
        batch.append(row)
        tokens += length
    if batch:
        yield batch
