"""Evaluation cases and datasets: questions and dialogues, read from the JSON Lines files of an evaluation set.

What a case is scored for follows from its expectations alone (`Question.answerable`, `.judged`, ...), so that anyone
who holds the file can tell it without running anything.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Protocol, TypeVar

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from conversation.events import Choice, Citation, Outcome

Role = Literal["user", "assistant"]
Mood = Literal["ok", "frustrated", "dissatisfied"]
Name = Annotated[str, Field(min_length=1)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]  # as a visitor's message is taken
SHOWN_CHARS = 60  # of a wrong value in an error


class CaseError(Exception):
    """A line of a case file that cannot be played. `code` is stable; `line` is 0 where the whole file is meant."""

    code = "bad_case"

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(path, line, problem)
        self.path, self.line, self.problem = path, line, problem

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.problem}" if self.line else f"{self.path}: {self.problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BotFacts:
    """What a turn of the assistant was, in the fields of `bot_said`, as far as the case says it.

    Where it says nothing, the turn is taken for small talk if its text is nothing else, otherwise for an answer whose
    passage is its whole text, which cites nothing and offers nobody.
    """

    outcome: Outcome | None = None
    citations: tuple[Citation, ...] = ()
    choices: tuple[Choice, ...] = ()
    offers_person: bool = False
    passage: str | None = None
    failed: bool | None = None


@dataclass(frozen=True, slots=True)
class Utterance(BotFacts):
    """One thing said before the question."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class LabelledTurn(BotFacts):
    """One turn of a dialogue; only labels of the user's turns count."""

    role: Role
    text: str
    label: Mood | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question with what came before it and what is expected; no gold articles means: must not be answered."""

    case_id: Annotated[Name, Field(alias="id")]
    question: Text
    gold_articles: frozenset[Name]
    history: tuple[Utterance, ...] = ()
    reference_answer: str | None = None
    labels: Mapping[str, object] = field(default_factory=dict)

    @property
    def asks_for_person(self) -> bool:
        """Expected outcome is `handoff`; such a case is scored for nothing else."""
        return self.labels.get("handoff_request") is True

    @property
    def answerable(self) -> bool:
        """Some article answers it: scored for retrieval."""
        return bool(self.gold_articles) and not self.asks_for_person

    @property
    def judged(self) -> bool:
        """Scored for abstention and calibration: a real question, not small talk or a turn that needs no article."""
        return not (
            self.asks_for_person
            or self.labels.get("knowledge_seeking") is False
            or self.labels.get("scope") in {"chitchat", "other_intent"}
        )

    def has(self, wanted: Mapping[str, str]) -> bool:
        """Whether its labels carry every wanted value, compared as text (`true` for a JSON true)."""
        return all(key in self.labels and _as_text(self.labels[key]) == value for key, value in wanted.items())

    def without(self, withheld: frozenset[str]) -> "Question":
        """The same question after articles were taken away; its reference answer goes with its last article."""
        remaining = self.gold_articles - withheld
        return replace(self, gold_articles=remaining, reference_answer=self.reference_answer if remaining else None)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A whole chat whose user turns are labelled with the visitor's mood."""

    case_id: Annotated[Name, Field(alias="id")]
    turns: tuple[LabelledTurn, ...]

    def labelled(self) -> Iterator[tuple[str, int, Mood]]:
        """(row id `<dialogue id>#<index>`, index, label) of every user turn that is scored."""
        for index, turn in enumerate(self.turns):
            if turn.role == "user" and turn.label is not None and turn.text.strip():
                yield f"{self.case_id}#{index}", index, turn.label


class _Named(Protocol):
    @property
    def case_id(self) -> str: ...


CaseT = TypeVar("CaseT", bound=_Named)


def read_questions(path: Path) -> tuple[Question, ...]:
    """Every question of a `questions.jsonl`, in order. Raises `CaseError` at the first line that is wrong."""
    return tuple(_unique(path, _rows(path, _question())))


def read_dialogues(path: Path) -> tuple[Dialogue, ...]:
    """Every dialogue of a `dialogues.jsonl`, in order. Raises `CaseError` at the first line that is wrong."""
    return tuple(_unique(path, _rows(path, _dialogue())))


def read_withheld(path: Path) -> frozenset[str]:
    """The article ids of a `{"articles": [...]}` file. Raises `CaseError`."""
    return _parsed(path, 0, _read(path), _withheld()).articles


@dataclass(frozen=True, slots=True)
class _Withheld:
    articles: frozenset[Name]


@cache
def _question() -> TypeAdapter[Question]:
    return TypeAdapter(Question)


@cache
def _dialogue() -> TypeAdapter[Dialogue]:
    return TypeAdapter(Dialogue)


@cache
def _withheld() -> TypeAdapter[_Withheld]:
    return TypeAdapter(_Withheld)


def _rows(path: Path, shape: TypeAdapter[CaseT]) -> Iterator[tuple[int, CaseT]]:
    for number, line in enumerate(_read(path).split(b"\n"), start=1):
        if line.strip():
            yield number, _parsed(path, number, line, shape)


def _unique(path: Path, rows: Iterable[tuple[int, CaseT]]) -> Iterator[CaseT]:
    line_of: dict[str, int] = {}
    for number, case in rows:
        if case.case_id in line_of:
            problem = f"id {case.case_id!r} already stands in line {line_of[case.case_id]}; give every case its own id"
            raise CaseError(path, number, problem)
        line_of[case.case_id] = number
        yield case
    if not line_of:
        raise CaseError(path, 0, "the file holds no case; write one JSON object a line")


ShapeT = TypeVar("ShapeT")


def _parsed(path: Path, number: int, text: bytes, shape: TypeAdapter[ShapeT]) -> ShapeT:
    try:
        return shape.validate_json(text, strict=True)
    except ValidationError as error:
        raise CaseError(path, number, _problem(error.errors(include_url=False)[0])) from error


def _problem(first: ErrorDetails) -> str:
    field_name = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"field {field_name!r} is missing; add it"
    value = first["input"]
    shown = repr(value.decode(errors="replace") if isinstance(value, bytes) else value)[:SHOWN_CHARS]
    return f"field {field_name!r} is {shown}: {first['msg']}" if field_name else f"{first['msg']}, not {shown}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes().removeprefix(b"\xef\xbb\xbf")  # some editors put a byte order mark there
    except OSError as error:
        raise CaseError(path, 0, f"cannot be read ({error.strerror}); give the path of a readable file") from error


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
