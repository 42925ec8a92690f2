"""Node and the tools of package.json, which check and run the widget's modules."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The test extra brings node into the environment's own folder, which need not be on PATH.
NODE_PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def run(program, *arguments):
    executable = shutil.which(program, path=NODE_PATH)
    assert executable, f"{program!r} is missing; install the test extra: pip install -e '.[test]'"
    return subprocess.run(
        [executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"PATH": NODE_PATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def run_tool():
    """Runs a program of Node from the repository's root; `stdout` is everything it says."""
    return run


@pytest.fixture(scope="session")
def node_modules():
    """What package-lock.json names, installed if it is not there yet; test processes take turns."""
    modules = ROOT / "node_modules"
    with (Path(tempfile.gettempdir()) / "handrail-npm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (modules / "axe-core").is_dir() or not (modules / "typescript").is_dir():
            done = run("npm", "ci")
            assert done.returncode == 0, done.stdout
    return modules
