import json
import subprocess
import sys
from argparse import ArgumentParser

import pytest

from retrieval.commands import add_arguments

REFUNDS = "---\ntitle: Refunds\n---\nYou get your money back.\n\n## Lost parcels\n\nA lost parcel is paid at once.\n"
RULES = "---\ntitle: Fraud rules\nvisibility: internal\n---\nPay a lost parcel only after a check.\n"


def handrail(*arguments):
    parser = ArgumentParser()
    add_arguments(parser)
    args = parser.parse_args(list(map(str, arguments)))
    return args.run(args)


def test_lint_names_problems_and_fails_on_errors_only(kb, capsys):
    kb.write("a.md", "# A\n\n### Three\n\nText.")
    assert handrail("lint", "--kb", kb.path) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{kb.path}/a.md:3: warning: heading 'Three' jumps from level 1 to 3 [heading_jump]",
        "1 articles, 1 problems",
    ]
    kb.write("b.md", "# B\n\n[x](no.md)")
    assert handrail("lint", "--kb", kb.path) == 1


def test_lint_prints_one_json_document(kb, capsys):
    kb.write("b.md", "# B\n\n[x](no.md)")
    assert handrail("lint", "--json", "--kb", kb.path) == 1
    assert json.loads(capsys.readouterr().out) == [
        {
            "path": f"{kb.path}/b.md",
            "line": 3,
            "code": "broken_link",
            "severity": "error",
            "message": "link 'no.md' leads to no article; check the path",
        }
    ]


@pytest.mark.parametrize("arguments", [["kb"], ["kb", "search"], ["kb", "search", "--limit", "0", "x"], ["kb", "nope"]])
def test_wrong_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        handrail(*arguments)
    assert caught.value.code == 2


def run(*arguments):
    program = "import sys, handrail; sys.exit(handrail.main())"
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_search_finds_what_the_audience_may_see(kb, data_dir):
    kb.write("refunds.md", REFUNDS)
    kb.write("rules.md", RULES)
    asked = ("kb", "search", "my parcel got lost", "--json", "--kb", kb.path, "--data", data_dir)
    visitor, agent = run(*asked), run(*asked, "--internal")
    assert (visitor.returncode, visitor.stderr) == (0, "")
    hits = json.loads(visitor.stdout)["hits"]
    assert hits[0]["heading_path"] == ["Lost parcels"]
    assert {hit["article_id"] for hit in hits} == {"refunds"}
    assert {hit["article_id"] for hit in json.loads(agent.stdout)["hits"]} == {"refunds", "rules"}


@pytest.mark.slow
def test_build_fails_on_a_broken_article_and_keeps_stdout_for_the_result(kb, data_dir):
    kb.write("refunds.md", REFUNDS)
    asked = ("kb", "build", "--kb", kb.path, "--data", data_dir)
    first = run(*asked)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("1 articles, 2 passages, version ")
    kb.write("rules.md", "---\ntitle: a: b\n---\n")
    second = run(*asked)
    assert (second.returncode, second.stdout) == (1, first.stdout)
    assert f"{kb.path}/rules.md:2: front matter is not valid YAML" in second.stderr
