"""Command line of agent accounts: `handrail agent`."""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import get_args

from conversation.clock import SystemClock
from conversation.errors import Refused, StorageUnavailable
from conversation.ports import Store
from conversation.values import Agent, Role
from handoff.accounts.accounts import LOGIN_LINK_MIN, Accounts

OpenStore = Callable[[Path], AbstractAsyncContextManager[Store]]
Act = Callable[[Accounts, argparse.Namespace], Awaitable[None]]
DONE, FAILED = 0, 1


def add_arguments(parser: argparse.ArgumentParser, open_store: OpenStore) -> None:
    """The sub-commands `add|list|link|skills|token|disable`; each leaves its handler in `run`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, act: Act, description: str, *, email: bool = True) -> argparse.ArgumentParser:
        leaf = commands.add_parser(name, help=description, description=description)
        leaf.add_argument("--data", type=Path, metavar="DIR", help="folder of the database (default var)")
        if email:
            leaf.add_argument("email", metavar="EMAIL")
        leaf.set_defaults(run=lambda args: _run(act, args, open_store))
        return leaf

    adding = command("add", _add, "add an account; without a password, print a one-time login link")
    adding.add_argument("--name", required=True, help="what visitors see")
    adding.add_argument("--role", choices=get_args(Role), default="agent", help="writer and qa read but do not act")
    _takes_skills(adding)
    adding.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    _takes_url(adding)
    _takes_url(command("link", _link, "print a one-time login link of an account"))
    command("list", _list, "list all accounts", email=False)
    _takes_skills(command("skills", _skills, "replace what an agent can do and speaks; without options, everything"))
    command("token", _token, "print a new bearer token of an account")
    command("disable", _disable, "lock an account; its sessions and tokens end at once")


def _takes_skills(parser: argparse.ArgumentParser) -> None:
    skill = "a tag of chats the agent can answer; may be repeated; without any, all"
    parser.add_argument("--skill", action="append", default=[], metavar="TAG", help=skill)
    language = "a language the agent speaks, such as de; may be repeated; without any, all"
    parser.add_argument("--language", action="append", default=[], metavar="CODE", help=language)


def _takes_url(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the console is reached (%(default)s)")


def _run(act: Act, args: argparse.Namespace, open_store: OpenStore) -> int:
    async def carry_out() -> None:
        async with open_store(args.data) as store:
            await act(Accounts(store, SystemClock()), args)

    try:
        asyncio.run(carry_out())
    except (Refused, StorageUnavailable, OSError) as error:
        sys.stderr.write(f"handrail agent: {error}\n")
        return FAILED
    return DONE


async def _add(accounts: Accounts, args: argparse.Namespace) -> None:
    password = _read_password() if args.password_stdin else None
    added = await accounts.add(
        email=args.email,
        name=args.name,
        role=args.role,
        password=password,
        skills=args.skill,
        languages=args.language,
    )
    if password is None:
        await _print_link(accounts, added, args.url)
    else:
        _say(f"added {_line(added)}")


async def _link(accounts: Accounts, args: argparse.Namespace) -> None:
    token = await accounts.login_link_token(args.email)
    _say(f"{args.url.rstrip('/')}/console/login?token={token}")


async def _list(accounts: Accounts, _: argparse.Namespace) -> None:
    for agent in await accounts.all():
        _say(_line(agent))


async def _skills(accounts: Accounts, args: argparse.Namespace) -> None:
    changed = await accounts.set_skills(args.email, skills=args.skill, languages=args.language)
    _say(f"changed {_line(changed)}")


async def _token(accounts: Accounts, args: argparse.Namespace) -> None:
    _say(await accounts.bearer_token(args.email))


async def _disable(accounts: Accounts, args: argparse.Namespace) -> None:
    _say(f"disabled {_line(await accounts.disable(args.email))}")


async def _print_link(accounts: Accounts, agent: Agent, url: str) -> None:
    """The link alone on stdout, so that a script can take it; what it is, on stderr."""
    sys.stderr.write(f"added {_line(agent)}; this link signs in once, within {LOGIN_LINK_MIN} minutes:\n")
    _say(f"{url.rstrip('/')}/console/login?token={await accounts.login_link_token(agent.email)}")


def _read_password() -> str:
    return getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


def _line(agent: Agent) -> str:
    abilities = [
        f"{name}: {', '.join(names)}"
        for name, names in (("skills", agent.skills), ("speaks", agent.languages))
        if names
    ]
    parts = [agent.email, agent.role, f"{agent.name}{' (disabled)' if agent.disabled else ''}", *abilities]
    return "\t".join(parts)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
