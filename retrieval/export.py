"""Turns a sentence-transformers model into an ONNX folder; run as `python -m retrieval.export MODEL TARGET`.

A process of its own: torch and its memory (about a gigabyte) go away with it, and the server never imports them.
"""

import logging
import sys
import warnings
from pathlib import Path

import numpy as np

from retrieval.encode import Vectors
from retrieval.onnx import OnnxEncoder

MAX_BATCH_AXIS = 4096
TOLERANCE = 1e-4  # DESIGN, rule 13
PROBES = ["", "a", "How do I get my money back?", "Où est mon colis ?", "A longer text about refunds. " * 100]


def export(source: Path, target: Path) -> None:
    """Writes model.onnx (sentence embeddings, dynamic batch and length) and tokenizer.json."""
    # torch takes seconds to import and stays out of every other process
    import torch  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    model = SentenceTransformer(str(source), device="cpu", local_files_only=True).eval()

    class Sentence(torch.nn.Module):
        """The whole pipeline as one graph: transformer, pooling and what else the model has."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *columns: torch.Tensor) -> torch.Tensor:
            embedding: torch.Tensor = self.model(dict(zip(names, columns, strict=True)))["sentence_embedding"]
            return embedding

    sample = model.tokenizer(["a", "two words"], padding=True, return_tensors="pt")
    names = list(sample.keys())
    axes = {
        0: torch.export.Dim("batch", min=1, max=MAX_BATCH_AXIS),
        1: torch.export.Dim("length", min=2, max=model.max_seq_length),
    }
    with torch.no_grad():
        torch.onnx.export(
            Sentence().eval(),
            tuple(sample[name] for name in names),
            target / "model.onnx",
            input_names=names,
            output_names=["sentence_vector"],
            dynamic_shapes=(tuple(axes for _ in names),),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    model.tokenizer.backend_tokenizer.save(str(target / "tokenizer.json"))
    _compare(target, model.encode(PROBES, normalize_embeddings=True))


def _compare(target: Path, expected: Vectors) -> None:
    """An export is good only if it computes what the model computes."""
    difference = float(np.abs(OnnxEncoder(target).encode(PROBES) - expected).max())
    if not difference < TOLERANCE:
        raise ValueError(f"the exported graph differs from the model by {difference:.2e}, more than {TOLERANCE}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # torch's own deprecations; a failure is an exception
    logging.disable(logging.WARNING)
    export(Path(sys.argv[1]), Path(sys.argv[2]))
