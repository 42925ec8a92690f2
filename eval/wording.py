"""How close a reply is to the reference answer: SQuAD's token F1."""

import re
import string
from collections import Counter

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def token_f1(answer: str, reference: str) -> float:
    """Token F1 after SQuAD's normalisation (Rajpurkar et al., 2016; 2.0's evaluate script for empty answers)."""
    got, wanted = normalised(answer), normalised(reference)
    if not got or not wanted:
        return float(got == wanted)
    shared = sum((Counter(got) & Counter(wanted)).values())
    return 2 * shared / (len(got) + len(wanted))


def normalised(text: str) -> list[str]:
    """Lower-case tokens without punctuation and English articles."""
    return _ARTICLES.sub(" ", text.lower().translate(_WITHOUT_PUNCTUATION)).split()
