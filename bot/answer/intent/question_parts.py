"""Several questions in one message, told apart by how it is built: lines, sentences, "and also"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.answer.intent.asking import ASKS
from retrieval.index import words

MOST_QUESTIONS = 3  # that one reply answers: more are a letter, which is searched for as a whole
LEAST_WORDS = 2  # content words of a question that can be found alone

_SENTENCE = re.compile(r"(?<=[?!.])\s+|\n+")
_ALSO = re.compile(
    r",?\s+(?:and also|as well as|and i also|and additionally|und außerdem|et aussi|y también|e anche|e também|en ook)\s+",
    re.IGNORECASE,
)
_AND = re.compile(
    rf",?\s+(?:and|plus|but|also|und|et|y|e|en|oraz)\s+(?={ASKS})"
    r"|,?\s+i\s+(?=(?:jak|gdzie|kiedy|czy|chcę)\b)",  # in English it is a person
    re.IGNORECASE,
)
_BESIDE = re.compile(r"^\W*(?:and|but|also|und|et|y|e|en)\b[\s,]*(?=\w)", re.IGNORECASE)
_OPENS = re.compile(rf"\W*(?:(?:and|but|also|so|then|or|hi|hello|hey|und|et|y|e|en)\b\W*)*{ASKS}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QuestionPart:
    """One question of a message, and what the message told before it that is no question."""

    question: str
    told: str = ""


def several_questions(text: str) -> list[QuestionPart]:
    """The questions of a message that asks more than one, in order; none where it asks one, or too many for one reply."""
    questions: list[QuestionPart] = []
    told = ""
    for part, asks in _parts(text):
        if asks:
            questions.append(QuestionPart(part, told))
        told = "" if asks else f"{told} {part}".strip()
    return questions if 1 < len(questions) <= MOST_QUESTIONS else []


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The parts of a message, each with whether it asks something that can be found alone."""
    for sentence in _SENTENCE.split(text):
        wishes = _ALSO.split(sentence.strip())
        asking = len(wishes) > 1 or sentence.rstrip().endswith("?")
        for wish in wishes:
            for index, clause in enumerate(_AND.split(wish)):
                asks = asking or index > 0 or _OPENS.match(clause) is not None
                yield _BESIDE.sub("", clause), asks and len(words(clause)) >= LEAST_WORDS
