import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from retrieval.errors import ModelDigestMismatch, ModelExportFailed, ModelMissing
from retrieval.model.onnx_encoder import OnnxEncoder
from retrieval.model.prepare import DEFAULT_MODEL, DEFAULT_PACKAGE, DEFAULT_SHA256, WEIGHTS, prepare_model


def test_an_unknown_model_is_refused(tmp_path):
    with pytest.raises(
        ModelMissing, match=r"embedding model 'gpt': no folder with a 'modules.json' is there; use 'all-"
    ):
        prepare_model("gpt", tmp_path)


def test_the_bundled_model_with_another_digest_is_refused(tmp_path, monkeypatch):
    package = tmp_path / "site" / DEFAULT_PACKAGE
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "model" / WEIGHTS).write_bytes(b"tampered")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, DEFAULT_PACKAGE, raising=False)
    with pytest.raises(
        ModelDigestMismatch, match=f"has sha256 {sha256(b'tampered').hexdigest()}, expected {DEFAULT_SHA256}; reinstall"
    ) as caught:
        prepare_model(DEFAULT_MODEL, tmp_path / "var")
    assert caught.value.path == str(package / "model" / WEIGHTS)
    assert not (tmp_path / "var").exists()


@pytest.mark.slow
def test_a_folder_that_is_no_model_fails_with_what_the_export_said(tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "modules.json").write_text("[]")
    with pytest.raises(ModelExportFailed, match=r"exporting embedding model .* failed"):
        prepare_model(str(model), tmp_path / "var")
    assert list((tmp_path / "var" / "models").iterdir()) == []


@pytest.mark.slow
def test_an_export_is_made_once_and_refused_once_changed(tmp_path, exported_model):
    data = tmp_path / "var"
    shutil.copytree(exported_model, data)
    said = []
    model = prepare_model(DEFAULT_MODEL, data, said.append)
    assert said == []
    assert sorted(path.name for path in model.iterdir()) == ["manifest.json", "model.onnx", "tokenizer.json"]
    with (model / "tokenizer.json").open("a") as stream:
        stream.write(" ")
    with pytest.raises(ModelDigestMismatch, match=r"tokenizer\.json"):
        prepare_model(DEFAULT_MODEL, data)


@pytest.mark.slow
def test_two_processes_may_prepare_at_once(tmp_path):
    program = (
        "import sys, pathlib; from retrieval.model.prepare import prepare_model;"
        f"sys.stdout.write(str(prepare_model({DEFAULT_MODEL!r}, pathlib.Path(sys.argv[1]))))"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    paths = {process.communicate()[0].splitlines()[-1] for process in both}  # after what is logged
    assert [process.returncode for process in both] == [0, 0]
    assert len(paths) == 1
    assert [str(path) for path in (tmp_path / "models").iterdir()] == list(paths)
    assert OnnxEncoder(Path(paths.pop())).encode(["a"])[0].sentence.shape == (384,)


@pytest.mark.slow
def test_serving_imports_no_torch(exported_model):
    program = (
        "import sys, pathlib, retrieval.index.watch; from retrieval.model.onnx_encoder import OnnxEncoder;"
        "from retrieval.model.prepare import prepare_model;"
        f"OnnxEncoder(prepare_model({DEFAULT_MODEL!r}, pathlib.Path(sys.argv[1]))).encode(['a']);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'sentence_transformers', 'onnx')))"
    )
    subprocess.run([sys.executable, "-c", program, str(exported_model)], check=True)
