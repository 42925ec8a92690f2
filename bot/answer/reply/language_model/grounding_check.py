"""The reply of a language model as far as it may stay: each piece is judged before anyone sees it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.answer.reply.language_model.entailment import Fault, Support, stands_in, support
from bot.answer.reply.sentences import Cutter, Piece

MAX_CLAIM_CHARS = 1_000  # longer ones are no sentences, and checking them would take its time

_MARKER = re.compile(r"[ \t]?\[(\d{1,3}(?: ?, ?\d{1,3}){0,5})\](?!\()")
_OPENING = re.compile(r"\s*(?:`{3,}|~{3,})[ \t]*[\w+#.-]{0,30}[ \t]*")  # of a block of code, with a language at most
_ITEM_START = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")


@dataclass(frozen=True, slots=True)
class Removed:
    """What was not let through, and why."""

    fault: Fault
    text: str


class GroundingCheck:
    """Takes text as a model writes it and keeps the pieces that cite a passage which carries them.

    Citations are numbered anew in the order in which they appear. `quotes` maps the number of each cited passage to
    its sentence that comes closest to what it was first cited for.
    """

    def __init__(self, passages: Sequence[str], show: Callable[[str], None]) -> None:
        self.text = ""
        self.quotes: dict[int, str] = {}
        self.removed: list[Removed] = []
        self._passages = passages
        self._show = show
        self._cutter = Cutter()
        self._gap = ""
        self._lead_in: Piece | None = None
        self._steps_missing = False

    @property
    def suffices(self) -> bool:
        """Whether what was kept is a reply: more than was removed, and no step of a list is missing."""
        removed = sum(len(piece.text.split()) for piece in self.removed)
        return bool(self.quotes) and not self._steps_missing and len(self.text.split()) > removed

    def feed(self, text: str) -> None:
        """More of what the model writes."""
        for piece in self._cutter.feed(text):
            self._judge(piece)

    def end(self) -> None:
        """The model has written everything."""
        for piece in self._cutter.end():
            self._judge(piece)
        if self._lead_in is not None:
            self._remove(self._lead_in, "citation")

    def _judge(self, piece: Piece) -> None:
        numbers = self._cited(piece)
        if not numbers and piece.text.rstrip("*_").endswith(":") and self._lead_in is None:
            self._lead_in = piece  # it stays if what it introduces does, and if the same passage carries it
            return
        verdict = self._verdict(piece, numbers)
        if verdict.fault is None:
            self._introduce(numbers)
            self._keep(piece, numbers, verdict.quote)
        else:
            self._remove(piece, verdict.fault)

    def _cited(self, piece: Piece) -> list[int]:
        """The passages that a piece names; a block of code names the one that it stands in."""
        if piece.kind == "code":
            opening, *lines = piece.text.splitlines()[:-1]
            body = "\n".join(lines)
            if not body.strip() or not _OPENING.fullmatch(opening):
                return []
            return [n for n, passage in enumerate(self._passages, start=1) if stands_in(body, passage)][:1]
        return [int(number) for marker in _MARKER.findall(piece.text) for number in marker.split(",")]

    def _verdict(self, piece: Piece, numbers: Sequence[int]) -> Support:
        if not numbers or not all(1 <= number <= len(self._passages) for number in numbers):
            return Support("code" if piece.kind == "code" else "citation")
        if piece.kind == "code":
            return Support(None, piece.text.splitlines()[1])
        if len(piece.text) > MAX_CLAIM_CHARS:
            return Support("too_long")
        return support(_claim(piece), [self._passages[number - 1] for number in numbers])

    def _introduce(self, numbers: Sequence[int]) -> None:
        """Keep the lead-in of a piece that is kept, where the piece's passages carry it too."""
        lead_in, self._lead_in = self._lead_in, None
        if lead_in is None:
            return
        verdict = support(_claim(lead_in), [self._passages[number - 1] for number in numbers])
        if verdict.fault in (None, "empty"):  # "Do this:" claims nothing
            self._keep(lead_in, (), "")
        else:
            self._remove(lead_in, verdict.fault)

    def _keep(self, piece: Piece, numbers: Sequence[int], quote: str) -> None:
        for number in numbers:
            self.quotes.setdefault(number, quote)
        gap = max(self._gap, piece.gap, key=len) if self.text else ""
        text = gap + (piece.text if piece.kind == "code" else _MARKER.sub(self._renumbered, piece.text))
        self._gap = ""
        self.text += text
        self._show(text)

    def _renumbered(self, marker: "re.Match[str]") -> str:
        places = list(self.quotes)
        numbers = "".join(f"[{places.index(int(number)) + 1}]" for number in marker[1].split(","))
        return marker[0][: marker[0].index("[")] + numbers

    def _remove(self, piece: Piece, fault: Fault) -> None:
        self._gap = max(self._gap, piece.gap, key=len)
        self._steps_missing = self._steps_missing or piece.kind == "step"
        self.removed.append(Removed(fault, piece.text))


def _claim(piece: Piece) -> str:
    """The piece without its citations and the mark of a list item."""
    return _ITEM_START.sub("", _MARKER.sub("", piece.text), count=1) if piece.kind != "code" else piece.text
