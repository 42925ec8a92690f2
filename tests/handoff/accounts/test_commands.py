import argparse
import asyncio
import io
import re
from contextlib import asynccontextmanager

import pytest

from conversation.clock import SystemClock
from conversation.memory import MemoryStore
from handoff.accounts.accounts import Accounts
from handoff.accounts.commands import add_arguments


class Shell:
    """The command line over one store."""

    def __init__(self):
        self.store = MemoryStore(clock=SystemClock())
        self.folders = []
        self.parser = argparse.ArgumentParser()

        @asynccontextmanager
        async def open_store(folder):
            self.folders.append(str(folder))
            yield self.store

        add_arguments(self.parser, open_store)

    def __call__(self, *words):
        args = self.parser.parse_args(words)
        return args.run(args)

    def agent(self, email="ana@example.com"):
        return asyncio.run(self.store.agent_by_email(email))


@pytest.fixture
def shell():
    return Shell()


def test_add_prints_a_login_link_alone_on_stdout(shell, capsys):
    assert shell("add", "Ana@example.com", "--name", "Ana", "--role", "lead", "--url", "https://help.example/") == 0
    output = capsys.readouterr()
    token = re.fullmatch(r"https://help\.example/console/login\?token=([\w-]{43})\n", output.out).group(1)
    assert "within 30 minutes" in output.err
    issued = asyncio.run(Accounts(shell.store, SystemClock()).spend_login_link(token))
    assert (issued.agent.email, issued.agent.role) == ("ana@example.com", "lead")


def test_password_comes_from_standard_input(shell, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    assert shell("add", "ana@example.com", "--name", "Ana", "--password-stdin", "--data", "elsewhere") == 0
    assert "token=" not in capsys.readouterr().out
    assert asyncio.run(Accounts(shell.store, SystemClock()).sign_in("ana@example.com", "correct horse")).csrf
    assert shell.folders == ["elsewhere"]


def test_skills_and_languages_are_given_with_the_account_and_replaced_later(shell, capsys):
    able = (
        "--skill",
        "billing",
        "--skill",
        " billing",
        "--skill",
        "returns",
        "--language",
        "de-AT",
        "--language",
        "EN",
    )
    shell("add", "ana@example.com", "--name", "Ana", *able)
    ana, _ = shell.agent()
    assert (ana.skills, ana.languages) == (("billing", "returns"), ("de", "en"))
    capsys.readouterr()
    shell("list")
    assert capsys.readouterr().out == "ana@example.com\tagent\tAna\tskills: billing, returns\tspeaks: de, en\n"
    assert shell("skills", "ana@example.com", "--language", "fr") == 0
    ana, _ = shell.agent()
    assert (ana.skills, ana.languages) == ((), ("fr",))


@pytest.mark.parametrize("wrong", [("--language", "German language"), ("--language", ""), ("--skill", " ")])
def test_what_is_no_skill_or_language_is_refused(shell, capsys, wrong):
    shell("add", "ana@example.com", "--name", "Ana")
    capsys.readouterr()
    assert shell("skills", "ana@example.com", *wrong) == 1
    assert wrong[0].removeprefix("--") in capsys.readouterr().err


def test_token_is_alone_on_stdout_and_opens_the_door(shell, capsys):
    shell("add", "ana@example.com", "--name", "Ana")
    capsys.readouterr()
    assert shell("token", "ana@example.com") == 0
    token = capsys.readouterr().out.removesuffix("\n")
    who = asyncio.run(Accounts(shell.store, SystemClock()).authenticate(token, "bearer"))
    assert who.agent.name == "Ana"


def test_link_is_printed_anew_for_an_account_without_password(shell, capsys):
    shell("add", "ana@example.com", "--name", "Ana")
    first = capsys.readouterr().out
    assert shell("link", "ana@example.com") == 0
    assert capsys.readouterr().out.startswith("http://127.0.0.1:8000/console/login?token=")
    assert first


def test_list_shows_who_is_disabled(shell, capsys):
    shell("add", "ben@example.com", "--name", "Ben", "--role", "qa")
    shell("add", "ana@example.com", "--name", "Ana")
    shell("disable", "ben@example.com")
    capsys.readouterr()
    assert shell("list") == 0
    assert capsys.readouterr().out == "ana@example.com\tagent\tAna\nben@example.com\tqa\tBen (disabled)\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("token", "nobody@example.com"), "no agent has the address 'nobody@example.com'"),
        (("disable", "nobody@example.com"), "handrail agent list"),
        (("add", "nobody", "--name", "N"), "is no e-mail address"),
        (("add", "n@example.com", "--name", " "), "name: has 0 characters"),
    ],
)
def test_refusal_exits_with_1_and_says_what_to_do(shell, capsys, words, says):
    assert shell(*words) == 1
    output = capsys.readouterr()
    assert says in output.err
    assert output.out == ""


def test_same_address_twice_exits_with_1(shell, capsys):
    shell("add", "ana@example.com", "--name", "Ana")
    capsys.readouterr()
    assert shell("add", "ANA@example.com", "--name", "Ana") == 1
    assert "already exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [(), ("add", "a@b.c"), ("add", "a@b.c", "--name", "A", "--role", "boss"), ("fire", "a@b.c")]
)
def test_wrong_usage_exits_with_2(shell, words):
    with pytest.raises(SystemExit) as exited:
        shell(*words)
    assert exited.value.code == 2
