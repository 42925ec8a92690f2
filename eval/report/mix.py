"""The outcome mix of the report: what visitors got, with and without an article that answers them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from eval.metrics import Answered

WIDTH = 100.0

KINDS = {  # by what they are drawn with, best first
    "right": "answered, right",
    "right-hedged": "suggested, the right passage",
    "right-beside": "suggested, the right article beside it",
    "back": "asked back",
    "person": "handed over",
    "nothing": "told that nothing was found",
    "useless": "suggested, nothing useful",
    "wrong": "answered, wrong",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the bar: what these visitors got, how many they are, and where it lies from 0 to 100."""

    kind: str
    n: int
    x: float
    width: float

    @property
    def text(self) -> str:
        """In words."""
        return KINDS[self.kind]

    @property
    def share(self) -> float:
        """Of all in the bar."""
        return self.width / WIDTH


@dataclass(frozen=True, slots=True)
class MixBar:
    """What the visitors of some questions got."""

    title: str
    n: int
    parts: Sequence[Part]


def outcome_mix(cases: Sequence[Answered]) -> list[MixBar]:
    """A bar of the questions that some article answers and one of those that none does; only those that have any."""
    judged = [case for case in cases if case.question.judged]
    bars = (
        ("An article answers it", [case for case in judged if case.question.answerable]),
        ("No article answers it", [case for case in judged if not case.question.answerable]),
    )
    return [MixBar(title, len(some), _parts(some)) for title, some in bars if some]


def _parts(cases: Sequence[Answered]) -> list[Part]:
    counts = Counter(_kind(case) for case in cases)
    parts, before = list[Part](), 0
    for kind in KINDS:
        if counts[kind]:
            x, end = (round(WIDTH * number / len(cases), 2) for number in (before, before + counts[kind]))
            parts.append(Part(kind, counts[kind], x, round(end - x, 2)))
            before += counts[kind]
    return parts


def _kind(case: Answered) -> str:
    """What the visitor got, a key of KINDS. Small talk in reply to a question says nothing of it either."""
    match case.row.outcome:
        case "answer":
            return "right" if case.right else "wrong"
        case "suggest" if case.right:
            return "right-hedged"
        case "suggest":
            return "right-beside" if case.helps_within(len(case.row.shown)) else "useless"
        case "clarify":
            return "back"
        case "handoff":
            return "person"
        case _:
            return "nothing"
