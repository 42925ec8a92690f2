"""Answer text metrics: SQuAD's token F1 and containment, how much of a given text it contains."""

import re
import string
from collections import Counter

from retrieval.articles import plain

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def answer_words(passage: str) -> str:
    """What an answer says (Markdown, without the line that names its source), for comparison: its words alone."""
    return plain(passage)


def token_f1(answer: str, reference: str) -> float:
    """Token F1 after SQuAD's normalisation (Rajpurkar et al., 2016; 2.0's evaluate script for empty answers)."""
    got, wanted = normalised(answer), normalised(reference)
    if not got or not wanted:
        return float(got == wanted)
    return 2 * _shared(got, wanted) / (len(got) + len(wanted))


def containment(answer: str, wanted: str) -> float:
    """The share of the tokens of `wanted`, normalised as for the F1, that `answer` has; 1 where nothing is wanted."""
    tokens = normalised(wanted)
    return _shared(normalised(answer), tokens) / len(tokens) if tokens else 1.0


def normalised(text: str) -> list[str]:
    """Lower-case tokens without punctuation and English articles."""
    return _ARTICLES.sub(" ", text.lower().translate(_WITHOUT_PUNCTUATION)).split()


def _shared(tokens: list[str], other: list[str]) -> int:
    return sum((Counter(tokens) & Counter(other)).values())
