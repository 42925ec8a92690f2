"""The file of labelled questions that grows by a line a label, and beside it the ids of what a person skipped."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

import orjson
from pydantic import TypeAdapter

from eval.cases import Question, read_questions
from eval.results import ResultError


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A `questions.jsonl` and its `questions.jsonl.skipped`; made with the first line, for their owner alone."""

    path: Path

    @property
    def skipped_path(self) -> Path:
        """Where the ids of skipped candidates stand, one a line."""
        return self.path.with_name(f"{self.path.name}.skipped")

    def questions(self) -> tuple[Question, ...]:
        """The cases so far. Raises CaseError where a line is none."""
        return read_questions(self.path) if self.path.exists() and self.path.stat().st_size else ()

    def known_ids(self) -> frozenset[str]:
        """The ids of what a person has labelled or skipped. Raises CaseError and ResultError."""
        return frozenset([*self._skipped(), *(question.case_id for question in self.questions())])

    def add(self, question: Question) -> None:
        """Append a case; when this returns, it is in the file. Raises ResultError."""
        _append(self.path, line_of(question))

    def skip(self, case_id: str) -> None:
        """Note that this candidate is not to be asked again. Raises ResultError."""
        _append(self.skipped_path, case_id.encode() + b"\n")

    def _skipped(self) -> list[str]:
        try:
            return self.skipped_path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            problem = f"cannot be read ({error}); delete it, and what was skipped is asked again"
            raise ResultError(self.skipped_path, problem) from error


def line_of(question: Question) -> bytes:
    """The line of a `questions.jsonl` that is read as this case."""
    stated = _question().dump_python(question, mode="json", by_alias=True, exclude_defaults=True)
    stated["gold_articles"] = sorted(question.gold_articles)
    in_order: dict[str, object] = {
        "id": None,
        "question": None,
        "history": [],
        "gold_articles": [],
        "reference_answer": None,
    }
    return orjson.dumps(in_order | stated) + b"\n"


@cache
def _question() -> TypeAdapter[Question]:
    return TypeAdapter(Question)


def _append(path: Path, line: bytes) -> None:
    try:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b") as file:
            file.write(line if _ends_a_line(file) else b"\n" + line)
    except OSError as error:
        problem = f"cannot be written ({error.strerror}); choose another file with --out"
        raise ResultError(path, problem) from error


def _ends_a_line(file: BinaryIO) -> bool:
    """Whether what comes next begins a line: an editor may have left the last one open."""
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
