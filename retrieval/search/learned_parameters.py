"""Learned parameters: the weights learned from labelled questions, one file, which `python -m eval.training.ranker` writes."""

from functools import cache
from importlib import resources
from typing import Literal

import numpy as np
import orjson
from numpy.typing import NDArray

FILE = "learned_parameters.json"
Group = Literal["alone", "in_context", "leaning"]


@cache
def default_parameters(group: Group, names: tuple[str, ...]) -> NDArray[np.float64]:
    """The weights of a group in the order of `names`. Raises KeyError if the file is not of this version."""
    weights = orjson.loads(resources.files("retrieval.search").joinpath(FILE).read_bytes())[group]
    return np.array([weights[name] for name in names], dtype=np.float64)
