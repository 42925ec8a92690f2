"""ONNX export: turns a sentence-transformers model into an ONNX folder; run as `python -m retrieval.model.export MODEL TARGET`.

A process of its own: torch and its memory (about a gigabyte) go away with it, and the server never imports them.
"""

import logging
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
import orjson
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

from retrieval.model.activation_ranges import Texts, observe
from retrieval.model.encoder import Embedding, Vectors
from retrieval.model.onnx_encoder import PRECISION, PROMPT_OF_PASSAGES, PROMPT_OF_QUERIES, OnnxEncoder
from retrieval.model.quantisation import quantise, quantised_inputs

MAX_TOKENS = 256  # what the default model was trained to read; a model made for less reads less
MAX_BATCH_AXIS = 4096
TOKEN_DIMENSIONS = 64  # a passage of 90 tokens takes 6 KB
TOLERANCE = 1e-4  # DESIGN, rule 13
PROBES = ["", "a", "How do I get my money back?", "Où est mon colis ?", "A longer text about refunds. " * 100]
# Without smoothing the default model has .993 and .87, and still finds the right article as often as in float32 (hit@1
# .677 for .661, .860 for .863 on two sets); nothing worse was tried on questions.
MEAN_COSINE = 0.99
SAME_NEAREST = 0.8
_SENTENCE, _TOKENS, _HIDDEN = "sentence_vector", "token_vectors", "token_embeddings"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How like the vectors of two graphs are: mean cosines, and the share of texts whose nearest text is the same."""

    sentence_cosine: float
    token_cosine: float
    same_nearest: float

    @classmethod
    def of(cls, ours: Sequence[Embedding], theirs: Sequence[Embedding]) -> "Agreement":
        """Both are of the same texts, in the same order."""
        first, second = (np.stack([embedding.sentence for embedding in embeddings]) for embeddings in (ours, theirs))
        tokens = [
            np.concatenate([embedding.tokens for embedding in embeddings]).astype(np.float32)
            for embeddings in (ours, theirs)
        ]
        return cls(
            sentence_cosine=_mean_cosine(first, second),
            token_cosine=_mean_cosine(*tokens),
            same_nearest=float(np.mean(_nearest(first) == _nearest(second))),
        )

    @property
    def holds(self) -> bool:
        """Whether either may stand for the other."""
        cosines = min(self.sentence_cosine, self.token_cosine)
        return cosines >= MEAN_COSINE and self.same_nearest >= SAME_NEAREST


def export(source: Path, target: Path) -> tuple[str, Agreement]:
    """Writes model.onnx (sentence and token vectors, dynamic batch and length) and tokenizer.json.

    The graph computes in int8 where it then says of texts it has not seen what the model in float32 says of them,
    otherwise in float32: which one is returned, with how well they agreed.
    """
    texts = Texts.shipped()
    model, tokenizer, notes, expected = _traced(source)
    tokenizer.save(str(target / "tokenizer.json"))
    observed = observe(model, tokenizer, texts.fitted, ranges_of=quantised_inputs(model), rows_of=_HIDDEN)
    directions = _principal(observed.rows)
    precise = _with_token_vectors(model, directions)
    encoder = _save(precise, notes | {PRECISION: "float32"}, target)
    _compare([*encoder.encode(PROBES), *encoder.encode_queries(PROBES)], expected)
    reduced = _with_token_vectors(quantise(model, observed.ranges), directions)
    reduced_encoder = _save(reduced, notes | {PRECISION: "int8"}, target)
    agreement = Agreement.of(encoder.encode(texts.held_out), reduced_encoder.encode(texts.held_out))
    if not agreement.holds:
        _save(precise, notes | {PRECISION: "float32"}, target)
    return "int8" if agreement.holds else "float32", agreement


def _traced(source: Path) -> tuple[ModelProto, Tokenizer, dict[str, str], Vectors]:
    """The whole pipeline as one graph, with the tokens' last hidden states; its tokenizer; the prompts it defines.

    And its vectors of PROBES, as passages and then as questions.
    """
    # torch takes seconds to import and stays out of every other process
    import torch  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    # traced from its plain form, attention takes a third less time than from torch's fused one
    plain = {"attn_implementation": "eager"}
    model = SentenceTransformer(str(source), device="cpu", local_files_only=True, model_kwargs=plain).eval()
    model.max_seq_length = min(model.max_seq_length or MAX_TOKENS, MAX_TOKENS)

    class Pipeline(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *columns: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            out = self.model(dict(zip(names, columns, strict=True)))
            return out["sentence_embedding"], out["token_embeddings"]

    sample = model.tokenizer(["a", "two words"], padding=True, return_tensors="pt")
    names = list(sample.keys())
    axes = {
        0: torch.export.Dim("batch", min=1, max=MAX_BATCH_AXIS),
        1: torch.export.Dim("length", min=2, max=model.max_seq_length),
    }
    with torch.no_grad():
        traced = torch.onnx.export(
            Pipeline().eval(),
            tuple(sample[name] for name in names),
            input_names=names,
            output_names=[_SENTENCE, _HIDDEN],
            dynamic_shapes=(tuple(axes for _ in names),),
            dynamo=True,
            verbose=False,
        )
    # as sentence-transformers' `encode_document` chooses
    passages = next((model.prompts[name] for name in ("document", "passage", "corpus") if name in model.prompts), None)
    prompts = {PROMPT_OF_PASSAGES: passages or "", PROMPT_OF_QUERIES: model.prompts.get("query") or ""}
    expected = np.concatenate(
        [encode(PROBES, normalize_embeddings=True) for encode in (model.encode_document, model.encode_query)]
    )
    tokenizer = model.tokenizer.backend_tokenizer
    tokenizer.enable_truncation(model.max_seq_length)
    tokenizer.no_padding()
    assert traced is not None
    return traced.model_proto, tokenizer, prompts, expected


def _principal(rows: Vectors) -> Vectors:
    """The directions that keep most of the rows' length: float32 (width, k), orthonormal.

    Not centred: cosines are what is to be kept, and measured it is as good.
    """
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    _, directions = np.linalg.eigh(unit.T @ unit)
    return np.ascontiguousarray(directions[:, ::-1][:, :TOKEN_DIMENSIONS])


def _with_token_vectors(model: ModelProto, directions: Vectors) -> ModelProto:
    """The graph with the hidden states projected and of unit length in place of themselves. In float32."""
    made = ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    kept = [output for output in graph.output if output.name == _SENTENCE]
    shape = ["batch", "length", directions.shape[1]]
    del graph.output[:]
    graph.output.extend([*kept, helper.make_tensor_value_info(_TOKENS, TensorProto.FLOAT, shape)])
    graph.initializer.append(numpy_helper.from_array(directions, "directions"))
    graph.node.extend(
        [
            helper.make_node("MatMul", [_HIDDEN, "directions"], ["projected"], name="project"),
            helper.make_node("LpNormalization", ["projected"], [_TOKENS], name="to_unit_length", axis=-1, p=2),
        ]
    )
    return made


def _save(model: ModelProto, notes: dict[str, str], target: Path) -> OnnxEncoder:
    del model.metadata_props[:]
    helper.set_model_props(model, notes)
    onnx.save(model, target / "model.onnx")
    return OnnxEncoder(target)


def _compare(embeddings: Sequence[Embedding], expected: Vectors) -> None:
    """An export is good only if it computes what the model computes."""
    difference = float(np.abs(np.stack([embedding.sentence for embedding in embeddings]) - expected).max())
    if not difference < TOLERANCE:
        raise ValueError(f"the exported graph differs from the model by {difference:.2e}, more than {TOLERANCE}")


def _mean_cosine(first: Vectors, second: Vectors) -> float:
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return float(((first * second).sum(axis=1) / lengths).mean())


def _nearest(vectors: Vectors) -> NDArray[np.intp]:
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1)
    nearest: NDArray[np.intp] = np.argmax(cosines, axis=1)
    return nearest


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # torch's own deprecations; a failure is an exception
    logging.disable(logging.WARNING)
    kept, agreed = export(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.buffer.write(orjson.dumps({PRECISION: kept, **asdict(agreed)}) + b"\n")
