"""Displeasure without a question: nothing but anger, which no article answers."""

import re

from bot.answer.frustration.lexicon import READ_CHARS, cues, matter
from retrieval.index import STOPWORDS

_ASKS = re.compile(r"[?\uff1f\u061f]|\b(?:how|where|when|which|please)\b", re.IGNORECASE)


def displeasure_alone(text: str) -> bool:
    """Whether `text` says that the visitor is displeased, and neither asks nor names what it is about. 20 µs."""
    if len(text) > READ_CHARS or _ASKS.search(text):
        return False
    found = cues(text)
    return found["insult"] + found["dissatisfied"] > 0 and STOPWORDS.issuperset(matter(text))
