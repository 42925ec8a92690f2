"""The weights that were learned from labelled questions: one file, which `python -m bench.fusion` writes."""

from functools import cache
from importlib import resources
from typing import Literal

import numpy as np
import orjson
from numpy.typing import NDArray

FILE = "fusion.json"
Group = Literal["alone", "in_context", "leaning"]


@cache
def shipped(group: Group, names: tuple[str, ...]) -> NDArray[np.float64]:
    """The weights of a group in the order of `names`. Raises KeyError if the file is not of this version."""
    weights = orjson.loads(resources.files("retrieval").joinpath(FILE).read_bytes())[group]
    return np.array([weights[name] for name in names], dtype=np.float64)
