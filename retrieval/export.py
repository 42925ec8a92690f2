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
TOKEN_DIMENSIONS = 64  # a passage of 90 tokens stays below 6 KB
TOLERANCE = 1e-4  # DESIGN, rule 13
PROBES = ["", "a", "How do I get my money back?", "Où est mon colis ?", "A longer text about refunds. " * 100]


def export(source: Path, target: Path) -> None:
    """Writes model.onnx (sentence and token vectors, dynamic batch and length) and tokenizer.json."""
    # torch takes seconds to import and stays out of every other process
    import torch  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    model = SentenceTransformer(str(source), device="cpu", local_files_only=True).eval()

    class Sentence(torch.nn.Module):
        """The whole pipeline as one graph: transformer, pooling and what else the model has."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model
            self.register_buffer("projection", torch.from_numpy(_projection(width)))

        def forward(self, *columns: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            out = self.model(dict(zip(names, columns, strict=True)))
            tokens = torch.nn.functional.normalize(out["token_embeddings"] @ self.projection, dim=-1)
            return out["sentence_embedding"], tokens

    width = model.encode(["a"], output_value="token_embeddings")[0].shape[-1]
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
            output_names=["sentence_vector", "token_vectors"],
            dynamic_shapes=(tuple(axes for _ in names),),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    model.tokenizer.backend_tokenizer.save(str(target / "tokenizer.json"))
    _compare(target, model.encode(PROBES, normalize_embeddings=True))


def _projection(width: int) -> Vectors:
    """Orthonormal directions for the token vectors: float32 (width, k). Equal at every export."""
    directions, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(width, min(width, TOKEN_DIMENSIONS))))
    return directions.astype(np.float32)


def _compare(target: Path, expected: Vectors) -> None:
    """An export is good only if it computes what the model computes."""
    found = np.stack([embedding.sentence for embedding in OnnxEncoder(target).encode(PROBES)])
    difference = float(np.abs(found - expected).max())
    if not difference < TOLERANCE:
        raise ValueError(f"the exported graph differs from the model by {difference:.2e}, more than {TOLERANCE}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # torch's own deprecations; a failure is an exception
    logging.disable(logging.WARNING)
    export(Path(sys.argv[1]), Path(sys.argv[2]))
