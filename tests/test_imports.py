"""What may be imported from where: rooms by their fronts, and a command alone what it runs."""

import ast
import importlib
import json
import pkgutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOUSES = ("bot", "conversation", "eval", "handoff", "retrieval", "widget")
PICKED = {"bot.visitor.redis_limits"}  # an adapter: its front would load it for everybody
SCRIPTS = ("eval.training", "eval.studies")  # they look inside, as tests do


def modules():
    """Every module of ours that runs in production, by its name, with its tree."""
    for house in HOUSES:
        for path in sorted((ROOT / house).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if not name.startswith(SCRIPTS):
                yield name, ast.parse(path.read_text(encoding="utf-8"))


@cache
def front(package):
    """The names that a package hands out; None where it has no front and its modules are imported."""
    return getattr(importlib.import_module(package), "__all__", None)


def outermost_front(importer, module):
    """The front that stands between the importer and a module: of the outermost package that does not hold both."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        package = ".".join(parts[:depth])
        if not (ROOT / Path(*parts[:depth])).is_dir() or f"{importer}.".startswith(f"{package}."):
            continue
        if front(package) is not None:
            return package
    return None


def imports():
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in HOUSES:
                yield name, node.module, [alias.name for alias in node.names]


def test_a_room_is_entered_by_its_front():
    """What is inside a room may change as long as its front stays; a room inside a room may have a front of its own."""
    around = {
        (importer, module)
        for importer, module, _ in imports()
        if (package := outermost_front(importer, module)) is not None
        and module != package
        and front(module) is None
        and module not in PICKED
    }
    assert around == set()


def test_a_front_hands_out_what_there_is_and_shadows_no_module():
    """A name that is a module and a function at once is the one or the other by what was imported first."""
    checked = 0
    for house in HOUSES:
        package = importlib.import_module(house)
        walked = [house, *(found.name for found in pkgutil.walk_packages(package.__path__, f"{house}.") if found.ispkg)]
        for name in walked:
            room = importlib.import_module(name)
            beside = {found.name for found in pkgutil.iter_modules(room.__path__)}
            for handed_out in front(name) or ():
                checked += 1
                assert handed_out not in beside or isinstance(getattr(room, handed_out), ModuleType), (name, handed_out)
    assert checked > 100


def test_an_adapter_is_loaded_where_it_is_picked():
    """A server on SQLite alone, with no model, mail or webhook, has none of what the others need."""
    script = (
        "import sys, bot.server, bot.assembly.maintenance\n"
        "print(*sorted({'aiosmtplib', 'asyncpg', 'httpx2', 'langchain_core', 'openai', 'redis'} & {*sys.modules}))"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "\n"


@pytest.mark.parametrize(
    ("command", "unused"),
    [
        ((), {"bot", "conversation", "eval", "handoff", "retrieval", "numpy"}),
        (("kb", "lint", "--kb", "kb_articles"), {"numpy", "faiss", "onnxruntime", "fastapi", "sqlalchemy"}),
        (("agent", "list"), {"numpy", "faiss", "fastapi", "asyncpg", "redis", "langchain_core", "eval"}),
    ],
)
def test_a_command_imports_what_it_runs(command, unused, tmp_path):
    script = (
        "import json, sys, handrail\n"
        "try:\n    handrail.main(sys.argv[1:] or ['--help'])\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    words = [str(ROOT / word) if word == "kb_articles" else word for word in command]
    ran = subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(json.loads(ran.stderr.splitlines()[-1]))
    assert loaded & unused == set()
    assert "argparse" in loaded
