"""The embedding model: text to vectors."""

from retrieval.model.encoder import TOKEN_STEPS, Batcher, Embedding, Encoder, TokenVectors, Vectors
from retrieval.model.onnx_encoder import OnnxEncoder
from retrieval.model.prepare import DEFAULT_MODEL, prepare_model

__all__ = [
    "DEFAULT_MODEL",
    "TOKEN_STEPS",
    "Batcher",
    "Embedding",
    "Encoder",
    "OnnxEncoder",
    "TokenVectors",
    "Vectors",
    "prepare_model",
]
