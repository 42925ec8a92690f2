"""The modules of widget and console are well typed, and the widget's own tests, which run in Node, pass."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_modules_are_well_typed(run_tool, node_modules):
    done = run_tool("node", str(node_modules / "typescript" / "bin" / "tsc"), "--project", "tsconfig.json")
    assert done.returncode == 0, done.stdout


def test_modules_pass_their_own_tests(run_tool):
    files = sorted(str(path.relative_to(ROOT)) for path in Path(__file__).parent.glob("*.test.js"))
    assert len(files) >= 5
    done = run_tool("node", "--test", *files)
    assert done.returncode == 0, done.stdout[-8000:]
