"""Several questions in one message, told apart by how it is built: lines, sentences, "and also"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from retrieval.index import words

MOST_QUESTIONS = 3  # that one reply answers: more are a letter, which is searched for as a whole
LEAST_WORDS = 2  # content words of a question that can be found alone

_SENTENCE = re.compile(r"(?<=[?!.])\s+|\n+")
_ASKS = (
    r"(?:how|what|where|when|why|which|who|whose|can|could|may|do|does|did|is|are|was|will|would|should|must"
    r"|i (?:also )?(?:want|need|would like|have to|can['’]?t|cannot)|i['’]d like|please|tell me"
    r"|wie|was|wo|wann|warum|wer|kann|können|muss|ist|sind|gibt es|ich (?:möchte|will|brauche)"
    r"|comment|où|quand|pourquoi|est-ce|puis-je|je (?:veux|voudrais)|cómo|qué|dónde|cuándo|puedo|quiero"
    r"|come|dove|quando|posso|voglio|como|onde|quero|hoe|waar|wanneer|kan|ik wil|jak|gdzie|kiedy|czy|chcę)\b"
)
_ALSO = re.compile(
    r",?\s+(?:and also|as well as|and i also|and additionally|und außerdem|et aussi|y también|e anche|e também|en ook)\s+",
    re.IGNORECASE,
)
_AND = re.compile(rf",?\s+(?:and|plus|but|also|und|et|y|e|en|oraz|i)\s+(?={_ASKS})", re.IGNORECASE)
_BESIDE = re.compile(r"^\W*(?:and|but|also|und|et|y|e|en)\b[\s,]*(?=\w)", re.IGNORECASE)
_OPENS = re.compile(rf"\W*(?:(?:and|but|also|so|then|or|hi|hello|hey|und|et|y|e|en)\b\W*)*{_ASKS}", re.IGNORECASE)


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
