"""Encoder baseline: the encoder alone, in a process of its own with nothing else in it: what a server's answers/s are compared with.

    python -m bench.encoder_baseline --questions ../shared/data/banking77/dev/questions.jsonl

Encodes the questions one at a time and in batches, in turns, so that a busy machine is busy for both.
"""

import argparse
import itertools
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from tests.harness.running import ROOT

BATCH = 32
SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class EncoderBaseline:
    """Questions encoded in a second: one at a time, and in batches of 32."""

    alone_per_s: float
    batched_per_s: float


def asked_in(path: Path) -> list[str]:
    """The questions of a questions.jsonl."""
    return [str(orjson.loads(line)["question"]) for line in path.read_bytes().splitlines()]


def measure(questions: Path, models: Path, seconds: float = SECONDS) -> EncoderBaseline:
    """Run this file; `models` is the data folder where the exported model lies, or is put."""
    words = ["--questions", str(questions.resolve()), "--data", str(models.resolve()), "--seconds", str(seconds)]
    command = [sys.executable, "-m", "bench.encoder_baseline", *words]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    return EncoderBaseline(**orjson.loads(output.splitlines()[-1]))


def _encode(questions: Sequence[str], models: Path, seconds: float) -> EncoderBaseline:
    from retrieval.model.onnx_encoder import OnnxEncoder  # noqa: PLC0415 - those who only run this file need no encoder in memory
    from retrieval.model.prepare import DEFAULT_MODEL, prepare_model  # noqa: PLC0415 - as above

    encoder = OnnxEncoder(prepare_model(DEFAULT_MODEL, models))
    endless = itertools.cycle(questions)
    encoder.encode_queries(list(itertools.islice(endless, BATCH)))
    count, alone_s, batched_s = 0, 0.0, 0.0
    while alone_s + batched_s < seconds:
        batch = list(itertools.islice(endless, BATCH))
        began = time.perf_counter()
        for question in batch:
            encoder.encode_queries([question])
        between = time.perf_counter()
        encoder.encode_queries(batch)
        alone_s, batched_s = alone_s + between - began, batched_s + time.perf_counter() - between
        count += BATCH
    return EncoderBaseline(count / alone_s, count / batched_s)


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, required=True, help="questions.jsonl; only the questions are used")
    parser.add_argument("--data", type=Path, default=ROOT / "var", help="where the exported model lies, or is put")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    args = parser.parse_args()
    print(orjson.dumps(asdict(_encode(asked_in(args.questions), args.data, args.seconds))).decode())


if __name__ == "__main__":
    main()
