"""How much a question leans on what was said before it: what it says itself, and how it fits the knowledge base."""

import re

import numpy as np

from retrieval.search.learned_parameters import default_parameters
from retrieval.search.signals import SIGNALS, Numbers, compared

LEAST = (
    0.1  # who leans less is understood alone: of 1,984 questions after others one found another article first for it
)
TRAITS = ("always", "spread", "nearest", "titled", "points_back")
_POINTS_BACK = re.compile(
    r"^\W*(?:and|but|so|also|then|what about|how about|what if|why not|which one)\b"
    r"|\b(?:it|its|this|that|these|those|them|they|there|the same|the other|instead)\b",
    re.IGNORECASE,
)


def traits(question: str, signals: Numbers) -> Numbers:
    """What tells a follow-up from a new subject, float64 (len(TRAITS),).

    A question that fits many articles alike ("does it have wifi?" of a hundred hotels) asks about the one that was
    talked of: its nearest piece (`nearest`, a cosine) hardly stands out from the twenty nearest (`spread`), and no
    title has its words (`titled`, the share of them). `points_back`: it has an English word like "it" or "instead".
    """
    piece, title = signals[SIGNALS.index("piece")], signals[SIGNALS.index("title_words")]
    top = compared(piece)
    points_back = _POINTS_BACK.search(question) is not None
    return np.array([1.0, top.max() - top.mean(), top.max(), title.max(), points_back])


def context_weight(question: str, signals: Numbers) -> float:
    """From 0, a new subject, to 1, a question that can only be understood by what was said before; no share below LEAST."""
    leans = float(share(traits(question, signals), default_parameters("leaning", TRAITS)))
    return leans if leans >= LEAST else 0.0


def share(traits: Numbers, weights: Numbers) -> Numbers:
    """From 0 to 1, float64 (...,), of traits (..., len(TRAITS))."""
    shares: Numbers = 1 / (1 + np.exp(-(traits @ weights)))
    return shares
