"""Context dependence: how much a follow-up leans on what was said before, by its words and its ranking signals."""

import re

import numpy as np

from retrieval.search.learned_parameters import default_parameters
from retrieval.search.signals import SIGNALS, Floats, compared

LEAST = 0.2  # who leans less is understood alone: held out, as many first articles are found as with every context read
# Set by hand: what is learned from are whole questions, of which few are fragments
FRAGMENT_WEIGHT = 0.5
OWN_SUBJECT = 0.6  # cosine; a fragment with a nearer child chunk, heading or title is a subject of its own: "I forgot my password"
CONTEXT_FEATURES = ("always", "spread", "nearest", "titled", "points_back")
_POINTS_BACK = re.compile(
    r"^\W*(?:and|but|so|also|then|what about|how about|what if|why not|which one)\b"
    r"|\b(?:it|its|this|that|these|those|them|they|there|the same|the other|instead)\b",
    re.IGNORECASE,
)


def context_features(question: str, signals: Floats) -> Floats:
    """Features that tell a follow-up from a new subject, float64 (len(CONTEXT_FEATURES),).

    A question that fits many articles alike ("does it have wifi?" of a hundred hotels) asks about the one that was
    talked of: its nearest child chunk (`nearest`, a cosine) hardly stands out from the twenty nearest (`spread`), and no
    title has its words (`titled`, the share of them). `points_back`: it has an English word like "it" or "instead".
    """
    piece, title = signals[SIGNALS.index("piece")], signals[SIGNALS.index("title_words")]
    top = compared(piece)
    points_back = _POINTS_BACK.search(question) is not None
    return np.array([1.0, top.max() - top.mean(), top.max(), title.max(), points_back])


def context_weight(question: str, signals: Floats) -> float:
    """Context weight: 0 for a new subject, to 1 for a question that only its context explains; none below LEAST."""
    weight = float(
        logistic_weight(context_features(question, signals), default_parameters("leaning", CONTEXT_FEATURES))
    )
    return weight if weight >= LEAST else 0.0


def fragment_weight(signals: Floats) -> float:
    """The context weight of a few words that ask nothing by themselves ("I live in Norway"): 0 where they name a subject."""
    nearest = max(float(signals[SIGNALS.index(name)].max()) for name in ("piece", "question", "heading", "title"))
    return FRAGMENT_WEIGHT if nearest < OWN_SUBJECT else 0.0


def logistic_weight(features: Floats, weights: Floats) -> Floats:
    """Context weights by logistic regression: float64 (...,) from 0 to 1, of features (..., len(CONTEXT_FEATURES))."""
    weight: Floats = 1 / (1 + np.exp(-(features @ weights)))
    return weight
