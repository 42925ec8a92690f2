import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from retrieval.model.hub import is_name
from retrieval.model.onnx_encoder import OnnxEncoder
from retrieval.model.prepare import DEFAULT_PACKAGE, prepare_model

NAME = "somebody/tiny-multilingual"
REVISION = "0123456789abcdef0123456789abcdef01234567"
TEXTS = ["", "How do I get my money back?", "Où est mon colis ?", "Πού είναι το δέμα μου;", "我的包裹在哪里"]
NOWHERE = "http://127.0.0.1:9"  # nobody listens at the discard port
# Two layers that look at their first token, read 20 tokens, and want questions and passages told apart.
MAKE = """
import sys, torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Normalize, Pooling, Transformer
from transformers import AutoTokenizer, BertConfig, BertModel

source, target = sys.argv[1:]
torch.manual_seed(1)
sizes = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, initializer_range=0.5)
BertModel(BertConfig(**sizes)).save_pretrained(target + "/bert")
AutoTokenizer.from_pretrained(source).save_pretrained(target + "/bert")
bert = Transformer(target + "/bert", max_seq_length=20)
prompts = {"query": "query: ", "passage": "passage: "}
modules = [bert, Pooling(32, "cls"), Normalize()]
SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save(target + "/model")
"""
ENCODE = """
import json, sys
from sentence_transformers import SentenceTransformer
model, texts = SentenceTransformer(sys.argv[1], device="cpu"), json.load(sys.stdin)
vectors = [encode(texts, normalize_embeddings=True).tolist() for encode in (model.encode_query, model.encode_document)]
sys.stdout.write(json.dumps(vectors))
"""
PREPARE = """
import pathlib, sys
from retrieval.errors import KnowledgeError
from retrieval.model.prepare import prepare_model
try:
    sys.stdout.write(f"made {prepare_model(sys.argv[1], pathlib.Path(sys.argv[2]))}")
except KnowledgeError as error:
    sys.stdout.write(f"{error.code} {error}")
"""


def python(program, *args, words=None, **environment):
    command = [sys.executable, "-W", "ignore", "-c", program, *map(str, args)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    made = subprocess.run(command, input=words, env=kept | environment, capture_output=True, text=True, check=True)
    return made.stdout


def prepared(model, tmp_path, **environment):
    """What a process with this environment says last."""
    said = python(PREPARE, model, tmp_path / "var", **{"HF_HOME": str(tmp_path / "home"), **environment})
    return said.splitlines()[-1]


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    python(MAKE, Path(find_spec(DEFAULT_PACKAGE).origin).parent / "model", folder)
    return folder / "model"


def cached(home, name, model):
    """A model as huggingface_hub keeps it."""
    repository = home / "hub" / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(REVISION)
    (repository / "snapshots").mkdir()
    (repository / "snapshots" / REVISION).symlink_to(model)


@pytest.mark.parametrize(
    ("model", "named"),
    [
        ("intfloat/multilingual-e5-small", True),
        ("all-MiniLM-L6-v2", False),
        ("./models/mine", False),
        ("/models/mine", False),
        ("a/b/c", False),
        ("../b", False),
        ("a/", False),
        ("a/b\n", False),
        ("https://huggingface.co/a/b", False),
    ],
)
def test_a_name_is_an_owner_and_a_model(model, named):
    assert is_name(model) is named


@pytest.mark.slow
def test_prompts_pooling_and_length_are_those_the_model_defines(tmp_path, tiny_model):
    encoder = OnnxEncoder(prepare_model(str(tiny_model), tmp_path))
    queries, passages = np.array(json.loads(python(ENCODE, tiny_model, words=json.dumps(TEXTS))))
    tolerance = 1e-4 if encoder.name.endswith("-float32") else 0.1
    for embeddings, expected in ((encoder.encode_queries(TEXTS), queries), (encoder.encode(TEXTS), passages)):
        assert np.abs(np.stack([embedding.sentence for embedding in embeddings]) - expected).max() < tolerance
    assert np.abs(queries - passages).max() > 0.1
    assert [len(one.tokens) for one in encoder.encode(["word " * 50])] == [20]


@pytest.mark.slow
def test_a_model_in_the_local_cache_is_used_by_its_name_without_a_network(tmp_path, tiny_model):
    cached(tmp_path / "home", NAME, tiny_model)
    said = prepared(NAME, tmp_path, HF_ENDPOINT=NOWHERE)
    (folder,) = (tmp_path / "var" / "models").iterdir()
    assert said == f"made {folder}"
    assert folder.name.startswith("somebody-tiny-multilingual-")
    assert OnnxEncoder(folder).dimensions == 32


@pytest.mark.slow
def test_without_a_network_the_reason_is_told(tmp_path):
    said = prepared(NAME, tmp_path, HF_ENDPOINT=NOWHERE)
    assert said.startswith(
        f"model_missing embedding model {NAME!r}: it is not in the local cache and cannot be fetched ("
    )
    assert "refused" in said
    offline = prepared(NAME, tmp_path, HF_ENDPOINT=NOWHERE, HF_HUB_OFFLINE="1")
    assert offline.startswith(f"model_missing embedding model {NAME!r}: it is not in the local cache and cannot be ")
    assert not (tmp_path / "var").exists()


class _Empty(BaseHTTPRequestHandler):
    """A hub that has no models."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def empty_hub():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Empty) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_a_model_that_nobody_has_is_told_and_nothing_else_is_asked_for(tmp_path, empty_hub):
    said = prepared(NAME, tmp_path, HF_ENDPOINT=f"http://127.0.0.1:{empty_hub.server_port}")
    assert f"embedding model {NAME!r}: Hugging Face has no such model, or does not show it without a token" in said
    assert {path.split("?")[0] for path in empty_hub.asked} == {f"/api/models/{NAME}/revision/main"}


@pytest.mark.slow
def test_a_cached_model_of_another_kind_is_told(tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    cached(tmp_path / "home", NAME, model)
    said = prepared(NAME, tmp_path, HF_ENDPOINT=NOWHERE)
    assert f"{NAME!r}: it has no 'modules.json' or no weights in safetensors" in said
