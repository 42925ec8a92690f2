"""What probes on the sentence vector share: example messages made up for this project, and keeping what they taught.

A probe is learned at start from its examples with whatever model is in use, so it needs no data of anybody.
"""

import hashlib
import io
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.digest import publish_file
from retrieval.model import Vectors

FILE = "examples.txt"

Sentences = Callable[[Sequence[str]], Vectors]  # texts to their sentence vectors (n, d)


@cache
def read_examples(package: str) -> tuple[tuple[str, str], ...]:
    """The part of the file, such as `calm`, and the text of each message in the examples of `package`."""
    examples, part = [], ""
    for line in resources.files(package).joinpath(FILE).read_text("utf-8").splitlines():
        if line.startswith("["):
            part = line.strip("[]")
        elif line and not line.startswith("#"):
            examples.append((part, line))
    return tuple(examples)


def kept_weights(
    folder: Path, name: str, made_of: object, learn: Callable[[], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """What `learn` returns, from a file in `folder` once it was learned.

    The file is named by `name` and a digest of all that it depends on (`made_of`, by its `repr`); one that cannot be
    read is learned again. Raises OSError where it cannot be written.
    """
    path = folder / f"{name}-{hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]}.npy"
    try:
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.float64)
    except (FileNotFoundError, ValueError, EOFError):
        weights = learn()
    stream = io.BytesIO()
    np.save(stream, weights)
    folder.mkdir(parents=True, exist_ok=True)
    publish_file(path, stream.getvalue())
    return weights
