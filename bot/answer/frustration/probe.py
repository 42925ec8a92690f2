"""A linear probe of frustration on sentence vectors: how a message sounds by its meaning.

Its two directions among the vectors of whatever model is in use are learned at start from example messages that were
made up for this project (`examples.txt`), so they need no data of anybody and fit every model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.answer.probes import Sentences, kept_weights, read_examples
from retrieval.model import Vectors

LEVELS = {"calm": 0, "trouble": 1, "frustrated": 2}
RIDGE = 2.0  # best of .3 to 10 by tenfold cross-validation over the examples, for both directions


@dataclass(frozen=True, slots=True)
class Examples:
    """The training examples: messages and the `LEVELS` of each."""

    texts: tuple[str, ...]
    levels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sound:
    """The output of the probe: how far a message sounds frustrated, and how far as if something went wrong; -1 to 1, about."""

    frustrated: float
    trouble: float


@dataclass(frozen=True, slots=True, eq=False)
class Tone:
    """The linear probe: the directions (d, 2) of frustration and of trouble, and where the middle between both sides lies."""

    directions: NDArray[np.float64]
    middle: NDArray[np.float64]

    def sound(self, vector: Vectors) -> Sound:
        """The probe's output for a message by its sentence vector, (d,) of unit length. 5 µs."""
        frustrated, trouble = vector @ self.directions + self.middle
        return Sound(float(frustrated), float(trouble))


@cache
def examples() -> Examples:
    """The shipped training examples."""
    shipped = read_examples("bot.answer.frustration")
    return Examples(tuple(text for _, text in shipped), tuple(LEVELS[part] for part, _ in shipped))


def learn(vectors: Vectors, levels: Sequence[int]) -> Tone:
    """Ridge regression (Hoerl & Kennard, 1970) of ±1: frustrated or not, and anything wrong or not.

    `vectors` (n, d) of unit length. As good as logistic regression here, and one linear system. 20 ms for d = 384.
    """
    rows = vectors.astype(np.float64)
    sides = np.array([[level >= LEVELS["frustrated"], level >= LEVELS["trouble"]] for level in levels]) * 2.0 - 1
    centre, lean = rows.mean(axis=0), sides.mean(axis=0)
    spread = (rows - centre).T @ (rows - centre) + RIDGE * np.eye(rows.shape[1])
    directions = np.linalg.solve(spread, (rows - centre).T @ (sides - lean))
    return Tone(directions, lean - centre @ directions)


def default_probe(sentences: Sentences) -> Tone:
    """The probe learned from the shipped examples. One forward pass of 884 short messages and 20 ms."""
    shipped = examples()
    return learn(sentences(shipped.texts), shipped.levels)


def cached_probe(folder: Path, model: str, sentences: Sentences) -> Tone:
    """As `default_probe`, cached in a file in `folder` once it was learned for `model`, the encoder's name.

    Raises OSError where it cannot be written.
    """

    def learned() -> NDArray[np.float64]:
        tone = default_probe(sentences)
        return np.vstack([tone.directions, tone.middle])

    rows = kept_weights(folder, "tone", (model, RIDGE, examples()), learned)
    return Tone(rows[:-1], rows[-1])
