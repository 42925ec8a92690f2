"""The command line as a whole: what holds for every command alike."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys

import pytest

import handrail


def run(*words, cwd, env=None):
    """A real process, so that exit status and streams are what a shell sees."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HANDRAIL_")}
    return subprocess.run(
        [sys.executable, handrail.__file__, *map(str, words)],
        cwd=cwd,
        env=environment | (env or {}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_unknown_variable_is_refused_by_every_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HANDRAIL_PROT", "1")
    for words in (["kb", "lint"], ["agent", "list"], ["doctor"], ["serve"], ["ask", "x"]):
        assert handrail.main(words) == 2
        assert "HANDRAIL_PROT is not a setting" in capsys.readouterr().err


def test_settings_reach_the_commands_of_every_house(tmp_path, small_kb, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "handrail.toml").write_text(f'kb = "{small_kb}"\ndata = "elsewhere"\n')
    assert handrail.main(["kb", "lint"]) == 0
    assert capsys.readouterr().out.startswith("3 articles")
    assert handrail.main(["agent", "list"]) == 0
    assert (tmp_path / "elsewhere" / "handrail.db").exists()


def test_the_command_line_wins_over_variables_and_these_over_the_file(tmp_path, small_kb, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "handrail.toml").write_text('kb = "from-file"\n')
    monkeypatch.setenv("HANDRAIL_KB", "from-variable")
    assert handrail.main(["kb", "lint"]) == 1
    assert "'from-variable'" in capsys.readouterr().err
    assert handrail.main(["kb", "lint", "--kb", str(small_kb)]) == 0


def test_a_broken_settings_file_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "handrail.toml").write_text("port = \n")
    assert handrail.main(["kb", "lint"]) == 2
    assert "handrail.toml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["kb", "build", "--kb", "nowhere"], "'nowhere'"),
        (["serve", "--kb", "nowhere", "--port", "0"], "'nowhere'"),
        (["ask", "x", "--kb", "empty"], "'empty'"),
    ],
)
def test_a_missing_or_empty_folder_of_articles_is_named_before_any_slow_work(
    tmp_path, monkeypatch, capsys, words, told
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert handrail.main([*words, "--data", "var"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert told in said.err
    assert not (tmp_path / "var" / "models").exists()


def test_a_port_in_use_is_named_before_any_slow_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert handrail.main(["serve", "--port", str(port), "--kb", "nowhere"]) == 1
    said = capsys.readouterr().err
    assert f"cannot listen on 127.0.0.1:{port}" in said
    assert "--port" in said


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path, small_kb, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").write_text("a file is in the way")
    assert handrail.main(["serve", "--port", "0", "--kb", str(small_kb)]) == 1
    said = capsys.readouterr().err
    assert "the data folder 'var' cannot be written" in said
    assert "--data" in said


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path):
    (tmp_path / "var").mkdir()
    database = tmp_path / "var" / "handrail.db"
    database.write_bytes(b"not a database" * 1000)
    done = run("agent", "list", cwd=tmp_path)
    assert done.returncode == 1
    assert "handrail.db" in done.stderr
    assert "Traceback" not in done.stderr
    assert database.read_bytes() == b"not a database" * 1000


@pytest.mark.slow
def test_ask_answers_with_its_sources_and_its_trace(tmp_path, small_kb, data_dir):
    done = run(
        "ask", "When does the money of a refund arrive?", "--json", "--kb", small_kb, "--data", data_dir, cwd=tmp_path
    )
    document = json.loads(done.stdout)
    assert document["outcome"] == "answer"
    assert "within five working days" in document["answer"]
    assert document["citations"][0]["url"] == "/help/refunds#when-the-money-arrives"
    assert document["trace"]["hits"][0]["article_id"] == "refunds"


@pytest.mark.slow
def test_doctor_finds_nothing_wrong_in_a_fresh_set_up_but_what_is_yet_to_do(tmp_path, small_kb, data_dir):
    done = run("doctor", "--json", "--kb", small_kb, "--data", data_dir, cwd=tmp_path)
    findings = {finding["check"]: finding["status"] for finding in json.loads(done.stdout)["findings"]}
    assert done.returncode == 0
    assert (findings["articles"], findings["model"], findings["data"]) == ("ok", "ok", "ok")
    assert (findings["index"], findings["origins"]) == ("warn", "warn")


@pytest.mark.slow
def test_doctor_names_a_broken_article_and_a_changed_model(tmp_path, small_kb, data_dir, exported_model):
    (small_kb / "broken.md").write_text("---\ntitle: [\n---\n\ntext\n")
    (data_dir / "models").unlink()
    shutil.copytree(exported_model / "models", data_dir / "models")
    (model,) = (data_dir / "models").glob("*/model.onnx")
    model.write_bytes(model.read_bytes() + b"x")
    done = run("doctor", "--kb", small_kb, "--data", data_dir, cwd=tmp_path)
    assert done.returncode == 1
    assert re.search(r"broken\.md:\d+: ", done.stdout)
    assert "model.onnx" in done.stdout
