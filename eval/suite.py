"""An evaluation suite: the cases of its files that its filters leave, and what tells this run from another."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from eval.cases import Dialogue, Question, read_dialogues, read_questions, read_withheld


class NothingToPlay(Exception):
    """The files and filters given leave no case."""

    code = "nothing_to_play"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return self.problem


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of a run. `where` are labels a question must carry, `kb_tag` a tag an article must carry."""

    questions: Path | None = None
    dialogues: Path | None = None
    withhold: Path | None = None
    where: Mapping[str, str] | None = None
    kb_tag: str | None = None

    def config(self) -> dict[str, JsonValue]:
        """The inputs by name and content, and the filters; only those that were given."""
        files = {"questions": self.questions, "dialogues": self.dialogues, "withhold": self.withhold}
        config: dict[str, JsonValue] = {}
        for name, path in files.items():
            if path is not None:
                config |= {name: str(path), f"{name}_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        filters: dict[str, JsonValue] = {"where": dict(self.where or {}) or None, "kb_tag": self.kb_tag}
        return config | {name: value for name, value in filters.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Suite:
    """The cases to play, named by the two folders above their file (`hint3/dev`), and the articles withheld."""

    name: str
    questions: tuple[Question, ...]
    dialogues: tuple[Dialogue, ...]
    withheld: frozenset[str]


def gather(inputs: Inputs) -> Suite:
    """Reads and filters the cases. Raises `CaseError`, and `NothingToPlay` where none is left."""
    named = inputs.questions or inputs.dialogues
    if named is None:
        raise NothingToPlay("there is nothing to play; give --questions FILE, --dialogues FILE or both")
    withheld = frozenset[str]() if inputs.withhold is None else read_withheld(inputs.withhold)
    questions = () if inputs.questions is None else _picked(read_questions(inputs.questions), inputs.where or {})
    return Suite(
        name="/".join(named.resolve().parent.parts[-2:]),
        questions=tuple(question.without(withheld) for question in questions),
        dialogues=() if inputs.dialogues is None else read_dialogues(inputs.dialogues),
        withheld=withheld,
    )


def _picked(questions: Sequence[Question], where: Mapping[str, str]) -> tuple[Question, ...]:
    picked = tuple(question for question in questions if question.has(where))
    if not picked:
        wanted = " ".join(f"{key}={value}" for key, value in where.items())
        known = ", ".join(sorted({key for question in questions for key in question.labels})) or "none"
        raise NothingToPlay(f"no question carries the labels {wanted!r} of --where; labels there are: {known}")
    return picked
