"""Results of a run: the rows of `cases.jsonl` and `results.json`, written and read.

Every metric follows from the rows and the case files (`eval.metrics.measures`); the two files can be checked against each other.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import JsonValue, TypeAdapter, ValidationError

from eval.metrics import Metric
from eval.rows import Row

Shape = TypeVar("Shape")


class ResultError(Exception):
    """A file of results that cannot be read or written. `code` is stable."""

    code = "bad_result"

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(path, problem)
        self.path, self.problem = path, problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Results:
    """A whole `results.json`: what was measured, with what, and the numbers."""

    suite: str
    kb_version: str
    model: str
    config: Mapping[str, JsonValue]
    metrics: Mapping[str, Metric]


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write `cases.jsonl`, one row a line. Raises `ResultError`; a file that stood there is replaced whole or not at all."""
    write(path, b"".join(_row().dump_json(row, by_alias=True) + b"\n" for row in rows))


def read_rows(path: Path) -> tuple[Row, ...]:
    """The rows of a `cases.jsonl`. Raises `ResultError`."""
    return tuple(_parsed(path, line, _row()) for line in _read(path).splitlines())


def write_results(path: Path, results: Results) -> None:
    """Write `results.json`, with sorted keys. Raises `ResultError`."""
    plain = _results().dump_python(results, mode="json")
    write(path, orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def read_results(path: Path) -> Results:
    """The contents of a `results.json`. Raises `ResultError`."""
    return _parsed(path, _read(path), _results())


def write(path: Path, content: bytes, option: str = "--out") -> None:
    """Replace a file whole. Raises `ResultError`, which names the option that chose the folder."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)  # noqa: PTH105  # one atomic rename, also over an existing file
    except OSError as error:
        problem = f"cannot be written ({error.strerror}); choose a writable folder with {option}"
        raise ResultError(path, problem) from error


@cache
def _row() -> TypeAdapter[Row]:
    return TypeAdapter(Row)


@cache
def _results() -> TypeAdapter[Results]:
    return TypeAdapter(Results)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ResultError(path, f"cannot be read ({error.strerror}); run `handrail eval run` first") from error


def _parsed(path: Path, text: bytes, shape: TypeAdapter[Shape]) -> Shape:
    try:
        return shape.validate_json(text)
    except ValidationError as error:
        raise ResultError(path, f"is not a file of results: {error.errors(include_url=False)[0]['msg']}") from error
