import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import structlog

from retrieval.model.activation_ranges import Texts
from retrieval.model.encoder import HashingEncoder
from retrieval.model.export import PROBES, Agreement
from retrieval.model.onnx_encoder import OnnxEncoder
from retrieval.model.prepare import DEFAULT_PACKAGE, prepare_model

TEXTS = [*PROBES, *Texts.shipped().held_out, "x" * 4000, "你好 émoji 😀"]
ENCODE = (
    "import sys, json; from sentence_transformers import SentenceTransformer as S; model = S(sys.argv[1], device='cpu');"
    "sys.stdout.write(json.dumps(model.encode(json.load(sys.stdin), normalize_embeddings=True).tolist()))"
)
# Two layers that read 24 tokens. The first channel is always zero, and its weights are so large that in 8 bits nothing
# is left of those beside them.
MAKE_HOSTILE = """
import sys, torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from transformers import AutoTokenizer, BertConfig, BertModel

source, target = sys.argv[1:]
torch.manual_seed(1)
sizes = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, initializer_range=0.5)
bert = BertModel(BertConfig(**sizes))
with torch.no_grad():
    for name, parameter in bert.named_parameters():
        if "LayerNorm" in name:
            parameter[0] = 0
        elif any(part in name for part in ("query.weight", "key.weight", "value.weight", "intermediate.dense.weight")):
            parameter[:, 0] = 1e8
bert.save_pretrained(target + "/bert")
AutoTokenizer.from_pretrained(source).save_pretrained(target + "/bert")
bert = Transformer(target + "/bert", max_seq_length=24)
SentenceTransformer(modules=[bert, Pooling(32, "mean")], device="cpu").save(target + "/model")
"""


def python(program, *args, words=None):
    command = [sys.executable, "-W", "ignore", "-c", program, *map(str, args)]
    return subprocess.run(command, input=words, capture_output=True, text=True, check=True).stdout


def sentences(embeddings):
    return np.stack([embedding.sentence for embedding in embeddings])


@pytest.fixture(scope="module")
def default_source():
    return Path(find_spec(DEFAULT_PACKAGE).origin).parent / "model"


@pytest.fixture
def hostile_model(tmp_path, default_source):
    python(MAKE_HOSTILE, default_source, tmp_path)
    return tmp_path / "model"


def test_vectors_agree_with_themselves_and_not_with_those_of_other_texts():
    embeddings = HashingEncoder().encode(["refund my order", "opening hours", "parcel lost", "a new battery"])
    same = Agreement.of(embeddings, embeddings)
    assert same.holds
    assert (round(same.sentence_cosine, 5), round(same.token_cosine, 5), same.same_nearest) == (1, 1, 1)
    words = [embedding for embedding in embeddings if len(embedding.tokens) == 2]
    other = Agreement.of(words, words[::-1])
    assert not other.holds
    assert other.sentence_cosine < 0.5


@pytest.mark.slow
def test_the_default_model_computes_in_int8_and_says_what_the_original_says(exported_model, default_source):
    encoder = OnnxEncoder(next((exported_model / "models").iterdir()))
    assert encoder.name.endswith("-int8")
    assert (encoder.dimensions, encoder.token_dimensions) == (384, 64)
    original = np.array(json.loads(python(ENCODE, default_source, words=json.dumps(TEXTS))))
    cosines = (sentences(encoder.encode(TEXTS)) * original).sum(axis=1)
    assert cosines.mean() > 0.998
    assert cosines.min() > 0.99


@pytest.mark.slow
def test_the_int8_model_is_a_third_of_the_original(exported_model, default_source):
    (model,) = (exported_model / "models").glob("*/model.onnx")
    assert model.stat().st_size < (default_source / "model.safetensors").stat().st_size / 3 + 1_000_000


@pytest.mark.slow
def test_where_int8_says_something_else_float32_is_kept_and_it_is_logged(tmp_path, hostile_model):
    with structlog.testing.capture_logs() as logged:
        folder = prepare_model(str(hostile_model), tmp_path / "var")
    (said,) = logged
    assert (said["event"], said["model"], said["precision"]) == ("model.exported", "model", "float32")
    assert min(said["sentence_cosine"], said["token_cosine"]) < 0.99
    encoder = OnnxEncoder(folder)
    assert encoder.name == f"{folder.name}-float32"
    assert (encoder.dimensions, encoder.token_dimensions) == (32, 32)
    original = np.array(json.loads(python(ENCODE, hostile_model, words=json.dumps(TEXTS))))
    embeddings = encoder.encode(TEXTS)
    assert np.abs(sentences(embeddings) - original).max() < 1e-4
    assert max(len(embedding.tokens) for embedding in embeddings) == 24
