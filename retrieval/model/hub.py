"""Hugging Face Hub: a sentence-transformers model by its name, from the local cache, else fetched once.

Handrail asks for nothing by itself; that the operator named such a model is what asks. Only weights that hold nothing
but numbers are fetched (safetensors), no code.
"""

import os
import re
from pathlib import Path

from retrieval.errors import ModelMissing

_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]
_LEFT_OUT = ["onnx/*", "openvino/*", "coreml/*"]


def is_name(model: str) -> bool:
    """Whether a model is named as on Hugging Face, such as `intfloat/multilingual-e5-small`."""
    return _NAME.fullmatch(model) is not None


def local_copy(model: str) -> Path:
    """The folder of a model in Hugging Face's cache (`HF_HOME`), fetched if it is not there whole. Raises ModelMissing."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read at import; only what was asked for is asked for
    # takes a quarter of a second to import, for those who name such a model
    from huggingface_hub import errors, snapshot_download  # noqa: PLC0415

    try:
        folder = Path(snapshot_download(model, local_files_only=True, allow_patterns=_FILES, ignore_patterns=_LEFT_OUT))
        if _is_whole(folder):
            return folder
    except errors.LocalEntryNotFoundError:
        pass  # it was never fetched
    try:
        folder = Path(snapshot_download(model, allow_patterns=_FILES, ignore_patterns=_LEFT_OUT))
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise ModelMissing(model, "Hugging Face has no such model, or does not show it without a token") from error
    except OSError as error:  # what the hub refuses, and what keeps it from being reached
        reason = str(error).splitlines()[0]
        raise ModelMissing(model, f"it is not in the local cache and cannot be fetched ({reason})") from error
    if not _is_whole(folder):
        raise ModelMissing(model, "it has no 'modules.json' or no weights in safetensors")
    return folder


def _is_whole(folder: Path) -> bool:
    return (folder / "modules.json").is_file() and any(folder.rglob("*.safetensors"))
