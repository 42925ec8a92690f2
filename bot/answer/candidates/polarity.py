"""Polarity: whether a passage denies what a question asks for, and so is no answer to it."""

import re
from collections.abc import Sequence

from bot.answer.reply import split_sentences
from retrieval.articles import plain
from retrieval.index import words
from retrieval.search import Hit

LEAST_SHARE = 0.5  # of the question's content words: a sentence with fewer is about something else

_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nor|without|cannot|can['’]t|won['’]t|does?n['’]t|do not|is ?n['’]t|are ?n['’]t|excluded?|except|unavailable"
    r"|nicht|kein\w*|ohne|pas|sans|aucun\w*|sin|ning[uú]n\w*|non|senza|nessun\w*|não|sem|nenhum\w*|niet|geen|zonder|nie|bez)\b",
    re.IGNORECASE,
)
# Who asks whether something is so is answered by a no too
_ASKS_WHICH = re.compile(
    r"\W*(?:(?:and|but|so|hi|hello|und|et|y|e|en)\b\W*)*"
    r"(?:(?:in|on|for|with|to|from|at|auf|in|mit|pour|dans|en|con|para|com|met|voor|w|na)\s+)?"
    r"(?:which|what|who|whose|where|when|how|welche\w*|was|wer|wo|wann|wie|quel\w*|qui|où|quand|comment|qué|cuál\w*|quién\w*"
    r"|dónde|cuándo|cómo|quale|quali|chi|dove|quando|come|qual|quais|quem|onde|como|welke|wat|waar|wanneer|hoe|który\w*|co|kto|gdzie|kiedy|jak)\b",
    re.IGNORECASE,
)


def affirmed_first(hits: Sequence[Hit], question: str) -> Sequence[Hit]:
    """The hits with those passages of the first article behind the others that deny what is asked for."""
    if not hits or not _asks_for_what_is(question):
        return hits
    first = hits[0].article.article_id
    denying = [hit for hit in hits if hit.article.article_id == first and _denies(hit, question)]
    if not denying:
        return hits
    affirming = [hit for hit in hits if hit.article.article_id == first and hit not in denying]
    return [*affirming, *denying, *(hit for hit in hits if hit.article.article_id != first)]


def denies(hit: Hit, question: str) -> bool:
    """Whether what a passage says of the question is that something is not so, which was not asked."""
    return _asks_for_what_is(question) and _denies(hit, question)


def _asks_for_what_is(question: str) -> bool:
    return _ASKS_WHICH.match(question) is not None and _NEGATION.search(question) is None


def _denies(hit: Hit, question: str) -> bool:
    """Whether every sentence and heading that has most of the question's words has a negation too."""
    asked = {*words(question)}
    lines = [*hit.chunk.heading_path[-1:], *(line for line in hit.chunk.text.splitlines() if not line.startswith("#"))]
    said = [sentence for line in lines for sentence in split_sentences(plain(line))]
    shares = [len(asked & {*words(sentence)}) / max(1, len(asked)) for sentence in said]
    most = max(shares, default=0.0)
    about = [sentence for sentence, share in zip(said, shares, strict=True) if share == most]
    return most >= LEAST_SHARE and all(_NEGATION.search(sentence) for sentence in about)
