"""Alternatives: articles that say different things for different products, plans, countries or systems."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.answer.candidates.likelihood import Candidate, choosable
from retrieval.index import words

NEAR = 0.4  # of the confidence of the first: the others must be about as likely meant
MOST_WORDS = 3  # that differ: what is named by more is another subject
MOST_ALTERNATIVES = 4  # more are a menu that nobody reads

_WORD = re.compile(r"\S+")
# What a visitor can name is called by a name or a number, or stands behind one of these: "on Linux", "for gift cards"
_PREPOSITION = re.compile(
    r"\b(?:for|on|in|with|to|from|by|via|using|without|within|outside"
    r"|für|auf|mit|nach|aus|pour|sur|avec|en|para|con|per|voor|op|met)(?:\s+(?:the|an?))?\Z",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=\w)[A-Z]|\d")


@dataclass(frozen=True, slots=True)
class Alternative:
    """A candidate, and the words of its title that tell it from the others, as they stand there."""

    candidate: Candidate
    difference: str


def alternatives(ranked: Sequence[Candidate], question: str) -> list[Alternative]:
    """The best candidates whose titles are the same but for a few words in one place, each title once.

    None where the question has some of these words. "Install the app on Windows" and "Install the app on macOS" differ by what a visitor can name.
    """
    if not ranked:
        return []
    near = [candidate for candidate in ranked if candidate.confidence >= NEAR * ranked[0].confidence]
    others = [candidate for candidate in choosable(near[1:]) if _differ_by_one(ranked[0].title, candidate.title)]
    if not others:
        return []
    kin = [ranked[0], *others]
    differences = _differences([candidate.title for candidate in kin])
    asked = {*words(question)}
    if any(not difference or asked & {*words(difference)} for difference in differences):
        return []
    named = zip(kin, differences, strict=True)
    return [Alternative(candidate, difference) for candidate, difference in named][:MOST_ALTERNATIVES]


def _differ_by_one(title: str, other: str) -> bool:
    """Whether two titles are the same but for a few words in one place, by which a visitor can name what is theirs."""
    rows = [_WORD.findall(text) for text in (title, other)]
    before, after = _shared(rows)
    opening, ending = rows[0][:before], rows[0][len(rows[0]) - after :]
    differences = [row[before : len(row) - after] for row in rows]
    if not all(0 < len(difference) <= MOST_WORDS for difference in differences) or not words(
        " ".join(opening + ending)
    ):
        return False
    if _PREPOSITION.search(" ".join(opening)):
        return True
    return all(_is_name(" ".join(difference), opens=not opening) for difference in differences)


def _is_name(difference: str, *, opens: bool) -> bool:
    """Every title begins with a capital, so there one within the word tells."""
    return _NAME.search(difference) is not None or (not opens and difference[:1].isupper())


def _differences(titles: Sequence[str]) -> list[str]:
    """What stands in each title between the words with which all begin, and those with which all end."""
    rows = [_WORD.findall(title) for title in titles]
    before, after = _shared(rows)
    return [" ".join(row[before : len(row) - after]).strip(" ,.:;()?!") for row in rows]


def _shared(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """With how many words all begin, and with how many of the others all end."""
    before = _common(rows)
    return before, _common([row[before:][::-1] for row in rows])


def _common(rows: Sequence[Sequence[str]]) -> int:
    """With how many words all begin."""
    shortest = min(len(row) for row in rows)
    alike = ({row[index].casefold() for row in rows} for index in range(shortest))
    return next((index for index, forms in enumerate(alike) if len(forms) > 1), shortest)
