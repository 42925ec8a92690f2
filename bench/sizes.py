"""Code size: how long our functions and files are, by house: `python bench/sizes.py`.

A function's length is its lines from `def` to its last one, without decorators and docstring; a function inside another
counts by itself and as part of the other. A file's length is all its lines. Of JavaScript only files are measured.
"""

import ast
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
HOUSES = ("conversation", "retrieval", "handoff", "widget", "bot", "eval", "handrail.py")
MAX_FUNCTION_LINES = 60  # none over
WANTED_FILE_LINES = 300  # rarely over


@dataclass(frozen=True, slots=True)
class Size:
    """`lines` of the file or function found at `where` (path, or path:line name)."""

    where: str
    lines: int


def files(house: str) -> tuple[Size, ...]:
    """Every Python and JavaScript file of a house."""
    return tuple(Size(_name(path), len(path.read_text("utf-8").splitlines())) for path in _sources(house))


def functions(house: str) -> tuple[Size, ...]:
    """Every Python function and method of a house."""
    return tuple(size for path in _sources(house) if path.suffix == ".py" for size in _functions(path))


def _sources(house: str) -> list[Path]:
    path = ROOT / house
    return [path] if path.is_file() else sorted(file for suffix in ("py", "js") for file in path.rglob(f"*.{suffix}"))


def _functions(path: Path) -> Iterator[Size]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Size(f"{_name(path)}:{node.lineno} {node.name}", _length(node))


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _summary(sizes: Iterable[Size]) -> tuple[str, str, str, str]:
    """Number, median, 95th percentile, longest."""
    lines = sorted(size.lines for size in sizes)
    if not lines:
        return ("0", "-", "-", "-")
    p95 = lines[-(-95 * len(lines) // 100) - 1]
    return (str(len(lines)), f"{statistics.median(lines):g}", str(p95), str(lines[-1]))


def main() -> None:
    """Print the table, then what is too long."""
    table = Table("house", *(f"{what} {n}" for what in ("functions", "files") for n in ("n", "median", "p95", "max")))
    for house in HOUSES:
        table.add_row(house, *_summary(functions(house)), *_summary(files(house)))
    every_function = [size for house in HOUSES for size in functions(house)]
    every_file = [size for house in HOUSES for size in files(house)]
    table.add_section()
    table.add_row("all", *_summary(every_function), *_summary(every_file))
    console = Console()
    console.print(table)
    too_long = [size for size in every_function if size.lines > MAX_FUNCTION_LINES]
    too_long += [size for size in every_file if size.lines > WANTED_FILE_LINES]
    for size in too_long:
        console.print(f"{size.where}: {size.lines} lines")
    console.print(f"{len(too_long)} over {MAX_FUNCTION_LINES} lines a function or {WANTED_FILE_LINES} a file")


if __name__ == "__main__":
    main()
