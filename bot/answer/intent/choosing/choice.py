"""A choice in the visitor's own words: which of the articles below the bot's last reply a message means."""

import re
from collections.abc import Sequence

from rapidfuzz import fuzz

from bot.answer.intent.asking import asks
from bot.answer.lexicons import read_lexicon
from bot.answer.transcript import Said
from conversation.events import Choice
from retrieval.index import STOPWORDS, words

CHOICE_WORDS = 8  # a longer message says more than which
NAME_CHARS = 3  # with which a name is called for short: "mac" is "macOS"
TYPED_CHARS = 5  # from which on a name may be mistyped
TYPED_LIKE = 80  # of 100

_WORD = re.compile(r"\w+")
_NEGATION = re.compile(
    r"\b(?:not|no|n['’]t|\w+n['’]t|never|neither|without|kein\w*|nicht|pas|aucun\w*|non|não|niet|geen|nie)\b",
    re.IGNORECASE,
)
PACKAGE = "bot.answer.intent.choosing"
_PLACES = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1, "other": 0}


def chosen_by_place(text: str, reply: Said) -> Choice | None:
    """The article that a message chooses by its place alone below `reply`: "the second please". 10 µs.

    "The other one" is none of those between which the bot asked back.
    """
    tokens = _WORD.findall(text.casefold())[: CHOICE_WORDS + 1]
    kinds = [kind for token in tokens for kind in _PLACES if token in read_lexicon(PACKAGE)[kind]]
    if len(tokens) > CHOICE_WORDS or len(kinds) != 1 or len([word for word in tokens if not _is_beside(word)]) > 1:
        return None
    if reply.outcome == "clarify" and kinds == ["other"]:
        return None
    place = _PLACES[kinds[0]]
    return reply.articles[place] if place < len(reply.articles) else None


def chosen_by_name(text: str, reply: Said) -> Choice | None:
    """The article that a message names by words of one label below `reply` alone. 10 µs.

    Of an option by any of them, "I use a Mac"; of a title, which is no name, by nothing else, "the gift cards".
    """
    if not reply.articles or len(text.split()) > CHOICE_WORDS or asks(text) or _NEGATION.search(text):
        return None
    content = [word for word in words(text) if not _is_beside(word)]
    labels = [words(choice.label) for choice in reply.articles]
    if reply.outcome == "clarify":
        own = [[word for word in label if sum(word in other for other in labels) == 1] for label in labels]
        named = [index for index, label in enumerate(own) if any(_in(word, label) for word in content)]
    else:
        told = [words(title) for title in reply.titles[:1]]  # whoever names what was told wants more of it
        every = [*labels, *told] if content else []
        named = [index for index, label in enumerate(every) if all(_in(word, label) for word in content)]
    return reply.articles[named[0]] if len(named) == 1 and named[0] < len(labels) else None


def _is_beside(word: str) -> bool:
    return word in STOPWORDS or word in read_lexicon(PACKAGE)["beside"]


def _in(word: str, label: Sequence[str]) -> bool:
    """Whether a label has a word, also where it is short for one or mistyped."""
    return any(
        word == other
        or (len(word) >= NAME_CHARS and other.startswith(word))
        or (len(word) >= TYPED_CHARS and fuzz.ratio(word, other) >= TYPED_LIKE)
        for other in label
    )
