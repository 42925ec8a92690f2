"""The command line. A house is imported when a command of it runs."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

FAILED, WRONG_USAGE = 1, 2
INTERRUPTED = 130  # as a shell reports SIGINT


@dataclass(frozen=True, slots=True)
class Command:
    """What a command does, in a few words, and the module whose `add_arguments` takes its parser."""

    summary: str
    module: str


COMMANDS: Mapping[str, Command] = {
    "serve": Command("answer visitors and serve the console", "bot.cli.serve"),
    "ask": Command("ask the bot a question in the terminal", "bot.cli.ask"),
    "doctor": Command("check the set-up and say what to do", "bot.cli.doctor"),
    "export": Command("write conversations as JSON lines", "bot.cli.export"),
    "backup": Command("copy the database while the server runs", "bot.cli.backup"),
    "restore": Command("fill an empty data folder or database from a backup", "bot.cli.restore"),
    "erase": Command("overwrite what was written, for good", "bot.cli.erase"),
    "kb": Command("build, check and search the articles", "retrieval.commands"),
    "agent": Command("accounts of those who answer in the console", "bot.cli.agent"),
    "eval": Command("measure how well the bot answers", "eval.commands"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status: 0 done, 1 failed or a gate not met, 2 wrong usage."""
    given = sys.argv[1:] if argv is None else argv
    args = parser([name for name in given[:1] if name in COMMANDS]).parse_args(given)
    return _carry_out(args)


def parser(names: Sequence[str] = tuple(COMMANDS)) -> ArgumentParser:
    """Every command; those of `names` with their options, for which their modules are imported."""
    handrail = ArgumentParser(prog="handrail", description="A support chat that answers from your own knowledge base.")
    commands = handrail.add_subparsers(metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        added = commands.add_parser(name, help=command.summary)
        if name in names:
            import_module(command.module).add_arguments(added)
    return handrail


def _carry_out(args: Namespace) -> int:
    from bot.errors import SetupError
    from bot.settings import SettingsError
    from conversation.errors import BackupRefused, DatabaseNewer, DatabaseUnusable, StorageUnavailable
    from retrieval.errors import KnowledgeError

    try:
        _complete(args)
        return int(args.run(args))
    except SettingsError as problem:
        return _fail(problem, WRONG_USAGE)
    except (SetupError, KnowledgeError, StorageUnavailable, DatabaseNewer, DatabaseUnusable, BackupRefused) as problem:
        return _fail(problem, FAILED)
    except KeyboardInterrupt:
        return INTERRUPTED


def _complete(args: Namespace) -> None:
    """What the command line leaves open comes from the settings, for every command alike. Raises SettingsError."""
    from bot.cli.options import settings_of
    from bot.log import configure_logging

    settings = settings_of(args)
    configure_logging(settings.log_format)
    for name in ("kb", "data", "model"):
        if name in args:
            setattr(args, name, getattr(settings, name))


def _fail(problem: Exception, status: int) -> int:
    sys.stderr.write(f"handrail: {problem}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
