"""Activation ranges: what flows through an exported graph on texts of every kind, the calibration of its 8-bit scales."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from operator import or_
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper
from tokenizers import Encoding, Tokenizer

from retrieval.model.encoder import Vectors
from retrieval.model.onnx_encoder import feed, open_session
from retrieval.model.quantisation import Range

CALIBRATION = Path(__file__).with_name("calibration.txt")
HELD_OUT_EVERY = 4  # a quarter of the lines judges what the others made


@dataclass(frozen=True, slots=True)
class Texts:
    """Calibration texts such as visitors write and articles hold: to fit scales to, and held out to judge them by."""

    fitted: tuple[str, ...]
    held_out: tuple[str, ...]

    @classmethod
    def shipped(cls) -> "Texts":
        """The lines of `calibration.txt`: questions, steps, tables, code, prose and errors in many tongues."""
        lines = CALIBRATION.read_text("utf-8").splitlines()
        fitted = [line for number, line in enumerate(lines) if number % HELD_OUT_EVERY]
        return cls(tuple(fitted), tuple(lines[::HELD_OUT_EVERY]))


@dataclass(frozen=True, slots=True)
class Observed:
    """Observed activations: `ranges` of the tensors asked for, by name; and the rows of another, float32 (tokens of all texts, width)."""

    ranges: Mapping[str, Range]
    rows: Vectors


def observe(
    model: ModelProto, tokenizer: Tokenizer, texts: Sequence[str], *, ranges_of: Sequence[str], rows_of: str
) -> Observed:
    """Observe activations: runs the graph over the texts. Texts of one length go together, so that no padding is seen."""
    passes = [
        (dict(zip(ranges_of, map(Range.of, values), strict=True)), rows.reshape(-1, rows.shape[-1]))
        for *values, rows in _runs(model, tokenizer, texts, [*ranges_of, rows_of])
    ]
    ranges = {name: reduce(or_, (ranges_of_pass[name] for ranges_of_pass, _ in passes)) for name in ranges_of}
    return Observed(ranges, np.concatenate([rows for _, rows in passes]))


def _runs(
    model: ModelProto, tokenizer: Tokenizer, texts: Sequence[str], names: Sequence[str]
) -> Iterator[Sequence[Vectors]]:
    watched = ModelProto()
    watched.CopyFrom(model)
    known = {output.name for output in model.graph.output}
    watched.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names if name not in known
    )
    session = open_session(watched.SerializeToString())
    inputs = [entry.name for entry in session.get_inputs()]
    for encodings in _of_one_length(tokenizer.encode_batch_fast(list(texts))):
        yield session.run(list(names), feed(inputs, encodings))


def _of_one_length(encodings: Iterable[Encoding]) -> Iterator[list[Encoding]]:
    def length(encoding: Encoding) -> int:
        return len(encoding.ids)

    for _, group in groupby(sorted(encodings, key=length), key=length):
        yield list(group)
