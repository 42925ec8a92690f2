"""The grounding check of a language model's reply: each statement is judged before anyone sees it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.answer.reply.language_model.entailment import Entailment, Fault, stands_in, support
from bot.answer.reply.sentences import SentenceSplitter, Statement

MAX_CLAIM_CHARS = 1_000  # longer ones are no sentences, and checking them would take its time

_MARKER = re.compile(r"[ \t]?\[(\d{1,3}(?: ?, ?\d{1,3}){0,5})\](?!\()")
_OPENING = re.compile(r"\s*(?:`{3,}|~{3,})[ \t]*[\w+#.-]{0,30}[ \t]*")  # of a block of code, with a language at most
_ITEM_START = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")


@dataclass(frozen=True, slots=True)
class Removed:
    """A statement that was not let through, and why."""

    fault: Fault
    text: str


class GroundingCheck:
    """Takes text as a model writes it and keeps the statements that cite a passage which carries them.

    Citations are numbered anew in the order in which they appear. `quotes` maps the number of each cited passage to
    its sentence that comes closest to what it was first cited for.
    """

    def __init__(self, passages: Sequence[str], show: Callable[[str], None]) -> None:
        self.text = ""
        self.quotes: dict[int, str] = {}
        self.removed: list[Removed] = []
        self._passages = passages
        self._show = show
        self._splitter = SentenceSplitter()
        self._gap = ""
        self._lead_in: Statement | None = None
        self._steps_missing = False

    @property
    def suffices(self) -> bool:
        """Whether what was kept is a reply: more than was removed, and no step of a list is missing."""
        removed = sum(len(statement.text.split()) for statement in self.removed)
        return bool(self.quotes) and not self._steps_missing and len(self.text.split()) > removed

    def feed(self, text: str) -> None:
        """More of what the model writes."""
        for statement in self._splitter.feed(text):
            self._judge(statement)

    def end(self) -> None:
        """The model has written everything."""
        for statement in self._splitter.end():
            self._judge(statement)
        if self._lead_in is not None:
            self._remove(self._lead_in, "citation")

    def _judge(self, statement: Statement) -> None:
        numbers = self._cited(statement)
        if not numbers and statement.text.rstrip("*_").endswith(":") and self._lead_in is None:
            self._lead_in = statement  # it stays if what it introduces does, and if the same passage carries it
            return
        verdict = self._verdict(statement, numbers)
        if verdict.fault is None:
            self._introduce(numbers)
            self._keep(statement, numbers, verdict.quote)
        else:
            self._remove(statement, verdict.fault)

    def _cited(self, statement: Statement) -> list[int]:
        """The passages that a statement cites; a block of code names the one that it stands in."""
        if statement.kind == "code":
            opening, *lines = statement.text.splitlines()[:-1]
            body = "\n".join(lines)
            if not body.strip() or not _OPENING.fullmatch(opening):
                return []
            return [n for n, passage in enumerate(self._passages, start=1) if stands_in(body, passage)][:1]
        return [int(number) for marker in _MARKER.findall(statement.text) for number in marker.split(",")]

    def _verdict(self, statement: Statement, numbers: Sequence[int]) -> Entailment:
        if not numbers or not all(1 <= number <= len(self._passages) for number in numbers):
            return Entailment("code" if statement.kind == "code" else "citation")
        if statement.kind == "code":
            return Entailment(None, statement.text.splitlines()[1])
        if len(statement.text) > MAX_CLAIM_CHARS:
            return Entailment("too_long")
        return support(_claim(statement), [self._passages[number - 1] for number in numbers])

    def _introduce(self, numbers: Sequence[int]) -> None:
        """Keep the lead-in of a statement that is kept, where the statement's passages carry it too."""
        lead_in, self._lead_in = self._lead_in, None
        if lead_in is None:
            return
        verdict = support(_claim(lead_in), [self._passages[number - 1] for number in numbers])
        if verdict.fault in (None, "empty"):  # "Do this:" claims nothing
            self._keep(lead_in, (), "")
        else:
            self._remove(lead_in, verdict.fault)

    def _keep(self, statement: Statement, numbers: Sequence[int], quote: str) -> None:
        for number in numbers:
            self.quotes.setdefault(number, quote)
        gap = max(self._gap, statement.gap, key=len) if self.text else ""
        text = gap + (statement.text if statement.kind == "code" else _MARKER.sub(self._renumbered, statement.text))
        self._gap = ""
        self.text += text
        self._show(text)

    def _renumbered(self, marker: "re.Match[str]") -> str:
        places = list(self.quotes)
        numbers = "".join(f"[{places.index(int(number)) + 1}]" for number in marker[1].split(","))
        return marker[0][: marker[0].index("[")] + numbers

    def _remove(self, statement: Statement, fault: Fault) -> None:
        self._gap = max(self._gap, statement.gap, key=len)
        self._steps_missing = self._steps_missing or statement.kind == "step"
        self.removed.append(Removed(fault, statement.text))


def _claim(statement: Statement) -> str:
    """The statement without its citations and the mark of a list item."""
    return _ITEM_START.sub("", _MARKER.sub("", statement.text), count=1) if statement.kind != "code" else statement.text
