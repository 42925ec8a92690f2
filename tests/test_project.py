"""The project keeps its own house rules: sizes, dependencies, decisions, clean text, and what `make` does."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench import sizes

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCK = (ROOT / "constraints.txt").read_text("utf-8")
MAX_FILE_LINES = 400
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|tmp|root)/")
REGISTRY_HOST = re.compile(r"pypi[.]org|npmjs[.]|pythonhosted[.]|deb[.]debian|download[.]pytorch")


def tracked_texts():
    """Every file of the working tree that git does not ignore, if it is text."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            yield name, content.decode("utf-8")


def found(pattern, *, outside=()):
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in tracked_texts()
        if not name.startswith(outside)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_function_is_longer_than_a_screen():
    lengths = [size for house in sizes.HOUSES for size in sizes.functions(house)]
    assert len(lengths) > 300
    assert [size for size in lengths if size.lines > sizes.MAX_FUNCTION_LINES] == []


def test_no_file_wants_to_be_two_rooms():
    lengths = [size for house in sizes.HOUSES for size in sizes.files(house)]
    assert [size for size in lengths if size.lines > MAX_FILE_LINES] == []


def test_no_file_names_a_path_of_one_machine():
    assert found(MACHINE_PATH, outside=("tests/",)) == []


def test_no_file_names_a_package_registry():
    assert found(REGISTRY_HOST) == []


def test_every_dependency_is_documented_and_nothing_else_is():
    named = sum(PROJECT["optional-dependencies"].values(), PROJECT["dependencies"])
    table = (ROOT / "docs/dependencies.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if re.match(r"\| [\w-]+ \|", line)
    ]
    documented = [row[0] for row in rows if row[0] != "package"]
    assert sorted(documented) == sorted({re.match(r"[\w.-]+", requirement)[0] for requirement in named})
    assert all(len(row) == 5 and all(row) for row in rows)


def test_every_dependency_is_pinned_in_a_version_that_the_project_allows():
    pins = dict(line.split("==") for line in LOCK.splitlines() if not line.startswith("#"))
    named = map(Requirement, sum(PROJECT["optional-dependencies"].values(), PROJECT["dependencies"]))
    assert [
        str(needed) for needed in named if pins.get(canonicalize_name(needed.name), "0") not in needed.specifier
    ] == []


def test_the_lock_pins_one_public_version_of_each_package_and_says_how_to_renew_it():
    heading, *lines = LOCK.splitlines()
    assert "make lock" in heading
    names = [line.split("==")[0] for line in lines]
    assert names == sorted(set(names))
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)] == []


def test_a_lock_is_made_of_what_pip_would_install(clone):
    report = {
        "install": [resolved("Some_Package", "1.2+cpu"), resolved("a.b", "2"), resolved("handrail", "0", dir_info={})]
    }
    (clone / "report.json").write_text(json.dumps(report))
    pip = f'test "$1" = -c && exec {sys.executable} "$@"; while test "$1" != --report; do shift; done; cp report.json "$2"'
    program(clone / ".venv/bin/python", pip)
    (clone / "constraints.txt").write_text("some-package==1.1\n")
    assert make(clone, "lock").returncode == 0
    assert (clone / "constraints.txt").read_text().splitlines()[1:] == ["a-b==2", "some-package==1.2"]


def test_a_lock_that_cannot_be_made_leaves_the_one_before(clone):
    (clone / "constraints.txt").write_text("some-package==1.1\n")
    program(clone / ".venv/bin/python", "exit 1")
    assert make(clone, "lock").returncode != 0
    assert (clone / "constraints.txt").read_text() == "some-package==1.1\n"


def resolved(name, version, **source):
    return {"metadata": {"name": name, "version": version}, "download_info": source}


def test_decisions_are_numbered_and_say_context_decision_consequences_and_alternatives():
    files = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [int(file.name[:4]) for file in files] == list(range(1, len(files) + 1))
    for file in files:
        text = file.read_text("utf-8")
        number, title = re.match(r"# (\d+)\. (.+)\n", text).groups()
        assert file.name == f"{int(number):04}-{title.lower().replace(' ', '-').replace(',', '')}.md"
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences", "Alternatives"]


def test_the_workflow_runs_the_command_of_the_readme_and_may_only_read():
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text("utf-8"))
    (job,) = workflow["jobs"].values()
    (command,) = (step["run"] for step in job["steps"] if "run" in step)
    assert f"    {command} " in (ROOT / "README.md").read_text("utf-8")
    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in job
    assert PROJECT["requires-python"] == f">={job['strategy']['matrix']['python'][0]}"


def test_a_hook_before_commits_fetches_nothing():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [repository["repo"] for repository in hooks["repos"]] == ["local"]
    assert [hook["language"] for hook in hooks["repos"][0]["hooks"]] == ["system"]


@pytest.mark.parametrize("name", ["bug", "answer", "idea"])
def test_an_issue_form_asks_for_something_and_names_each_field_once(name):
    form = yaml.safe_load((ROOT / f".github/ISSUE_TEMPLATE/{name}.yml").read_text("utf-8"))
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert form["name"]
    assert form["description"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert any(field.get("validations", {}).get("required") for field in fields)


def test_every_link_of_the_texts_for_contributors_leads_to_a_file():
    texts = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    links = [(text, link) for text in texts for link in re.findall(r"\]\(([\w./-]+)\)", text.read_text("utf-8"))]
    assert len(links) > 10
    assert [(text.name, link) for text, link in links if not (text.parent / link).exists()] == []


def test_the_changelog_has_the_version_of_the_project():
    assert f"\n## [{PROJECT['version']}] - " in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.fixture
def clone(tmp_path):
    """A folder with the Makefile, a project file, and an installation whose programs only say how they were called."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "constraints.txt").touch()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for name in ("pip", "python", "handrail"):
        program(tmp_path / ".venv/bin" / name, f'echo "{name} $*"')
    return tmp_path


def program(path, script):
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def make(folder, *arguments, **environ):
    environ = {"PATH": os.defpath, "HOME": str(folder), **environ}
    return subprocess.run(
        [shutil.which("make"), "-s", *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


def test_the_second_serve_installs_nothing(clone):
    first, second = make(clone, "serve"), make(clone, "serve")
    installing = r"python -m pip install .*--constraint constraints\.txt --editable \."
    assert re.fullmatch(rf"{installing}\nhandrail serve --demo *\n", first.stdout)
    assert re.fullmatch(r"handrail serve --demo *\n", second.stdout)


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_project_file_or_pin_installs_again(clone, name):
    make(clone, "serve")
    stamp_s = (clone / ".venv/serve.stamp").stat().st_mtime
    os.utime(clone / name, (stamp_s + 1, stamp_s + 1))
    assert "pip install" in make(clone, "serve").stdout


def test_what_was_installed_to_test_can_serve(clone):
    assert "--editable .[test]" in make(clone, ".venv/test.stamp").stdout
    assert "pip install" not in make(clone, "serve").stdout


def test_an_install_that_failed_is_tried_again(clone):
    program(clone / ".venv/bin/python", "exit 1")
    assert make(clone, "serve").returncode != 0
    program(clone / ".venv/bin/python", "echo again")
    assert make(clone, "serve").stdout.startswith("again\n")


def test_serve_takes_its_address_from_the_command_and_not_from_the_shell(clone):
    make(clone, "serve")
    assert make(clone, "serve", HOST="0.0.0.0", PORT="1").stdout.split() == ["handrail", "serve", "--demo"]
    given = make(clone, "serve", "HOST=::1", "PORT=8080", "KB=my articles", "DATA=d").stdout
    assert " ".join(given.split()) == "handrail serve --demo --host ::1 --port 8080 --kb my articles --data d"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ('test "$1" = --version && echo Python 3.9.2 || exit 1', "Handrail needs Python 3.11 or newer, and"),
        ('case "$2" in *ensurepip*) exit 1;; esac', "apt-get install python3-venv"),
    ],
)
def test_a_python_that_will_not_do_is_refused_with_what_to_do(clone, script, said):
    shutil.rmtree(clone / ".venv")
    program(clone / "fake", script)
    refused = make(clone, "serve", f"PYTHON={clone / 'fake'}")
    assert refused.returncode == 2
    assert said in refused.stderr


def test_no_python_at_all_is_refused_with_what_to_do(clone):
    shutil.rmtree(clone / ".venv")
    refused = make(clone, "serve", "PYTHON=no-such-python")
    assert refused.returncode == 2
    assert "there is no 'no-such-python'" in refused.stderr


def test_an_installed_browser_is_enough(clone):
    program(clone / "google-chrome", "exit 1")
    program(clone / "apt-get", "echo called")
    assert make(clone, "chromium", PATH=str(clone)).stdout == ""


def test_without_a_browser_apt_is_tried_and_its_failure_is_loud_but_no_end(clone):
    program(clone / "apt-get", 'echo "apt-get $*"; test "$1" = update')
    program(clone / "id", "echo 0")
    tried = make(clone, "chromium", PATH=str(clone))
    assert tried.returncode == 0
    assert "apt-get update\napt-get install --yes --no-install-recommends chromium\n" in tried.stdout
    assert tried.stderr.startswith("WARNING: no browser could be installed")


@pytest.mark.slow
@pytest.mark.parametrize(("ci", "outcome"), [("", "1 skipped"), ("true", "1 error")])
def test_a_missing_browser_skips_loudly_and_fails_in_ci(tmp_path, ci, outcome):
    shutil.copy(ROOT / "tests/conftest.py", tmp_path)
    (tmp_path / "test_it.py").write_text("def test_it(chromium_path):\n    pass\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-ra",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    said = subprocess.run(
        command, env={"PATH": str(tmp_path), "CI": ci}, capture_output=True, text=True, check=False
    ).stdout
    assert outcome in said
    assert "NO BROWSER" in said
