"""How likely a message asks for a person: logistic regression on its sentence vector and on the signs in its words.

Learned at start from messages that were made up for this project (`examples.txt`), for whatever model is in use: a
multilingual one makes it work in all languages of the model.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.answer.intent.human_request.lexicon import PACKAGE, entries, wording
from bot.answer.probes import Sentences, kept_weights, read_examples
from retrieval.model import Vectors

SIGN = 0.6  # what a sign counts beside a vector of unit length: best of .3 and .6 over the examples
RIDGE = 0.3  # best of .3 and 1 by fivefold cross-validation over the examples
STEPS = 12  # of Newton's method; it has converged after eight


@dataclass(frozen=True, slots=True, eq=False)
class RequestProbe:
    """The weights (d + signs,) of a sentence vector and of the signs behind it, and the log-odds without either."""

    weights: NDArray[np.float64]
    intercept: float

    def probability(self, text: str, vector: Vectors) -> float:
        """That whoever writes `text` asks for a person; `vector` is its sentence vector, (d,) of unit length. 60 µs."""
        logit = float(_features([text], vector[np.newaxis])[0] @ self.weights) + self.intercept
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def learn(texts: Sequence[str], vectors: Vectors, asks: Sequence[bool]) -> RequestProbe:
    """Logistic regression with a ridge, by Newton's method. 0.3 s for 1,400 texts and d = 384."""
    features = _features(texts, vectors)
    centre = features.mean(axis=0)
    rows = np.column_stack([features - centre, np.ones(len(texts))])
    penalty = RIDGE * np.eye(rows.shape[1])
    penalty[-1, -1] = 0.0
    weights, sides = np.zeros(rows.shape[1]), np.array(asks, dtype=np.float64)
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-rows @ weights))
        curvature = (rows.T * (chance * (1 - chance))) @ rows + penalty
        weights -= np.linalg.solve(curvature, rows.T @ (chance - sides) + penalty @ weights)
    return RequestProbe(weights[:-1], float(weights[-1] - centre @ weights[:-1]))


def default_probe(sentences: Sentences) -> RequestProbe:
    """Learned from the shipped examples: one forward pass of 1,422 short messages."""
    texts = [text for _, text in read_examples(PACKAGE)]
    return learn(texts, sentences(texts), [part == "call" for part, _ in read_examples(PACKAGE)])


def cached_request_probe(folder: Path, model: str, sentences: Sentences) -> RequestProbe:
    """As `default_probe`, from a file in `folder` once it was learned for `model`, the encoder's name.

    Raises OSError where it cannot be written.
    """

    def learned() -> NDArray[np.float64]:
        probe = default_probe(sentences)
        return np.append(probe.weights, probe.intercept)

    made_of = (model, SIGN, RIDGE, read_examples(PACKAGE), sorted(entries().items()))
    wording("")  # compiles the lexicon, 0.1 s, before a visitor waits for it
    weights = kept_weights(folder, "human-request", made_of, learned)
    return RequestProbe(weights[:-1], float(weights[-1]))


def _features(texts: Sequence[str], vectors: Vectors) -> NDArray[np.float64]:
    signs = np.array([wording(text).signs for text in texts])
    return np.column_stack([vectors.astype(np.float64), SIGN * signs])
