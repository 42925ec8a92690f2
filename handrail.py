"""The command line: the houses' commands, put together."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from bot.answer import CalibrationUnusable
from bot.assembly import DataUnwritable, open_store
from bot.cli import backup, erase, export
from bot.cli import commands as bot
from bot.cli.commands import settings_of
from bot.cli.export import ExportRefused
from bot.server import PortTaken, WorkersFailed, configure_logging
from bot.settings import SettingsError, load_settings
from conversation.errors import BackupRefused, DatabaseNewer, DatabaseUnusable, StorageUnavailable
from eval import commands as evaluation
from handoff.accounts import commands as handoff
from retrieval import commands as retrieval
from retrieval.errors import KnowledgeError

FAILED, WRONG_USAGE = 1, 2
OPERATIONAL = (
    CalibrationUnusable,
    DataUnwritable,
    PortTaken,
    KnowledgeError,
    StorageUnavailable,
    DatabaseNewer,
    DatabaseUnusable,
    BackupRefused,
    ExportRefused,
    WorkersFailed,
)
INTERRUPTED = 130  # as a shell reports SIGINT


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status: 0 done, 1 failed or a gate not met, 2 wrong usage."""
    args = parser().parse_args(argv)
    try:
        _complete(args)
        return int(args.run(args))
    except SettingsError as problem:
        return _fail(problem, WRONG_USAGE)
    except OPERATIONAL as problem:
        return _fail(problem, FAILED)
    except KeyboardInterrupt:
        return INTERRUPTED


def parser() -> ArgumentParser:
    """Every command with its options."""
    handrail = ArgumentParser(prog="handrail", description="A support chat that answers from your own knowledge base.")
    commands = handrail.add_subparsers(metavar="COMMAND", required=True)
    bot.add_commands(commands)
    export.add_commands(commands)
    backup.add_commands(commands)
    erase.add_commands(commands)
    retrieval.add_commands(commands)
    handoff.add_commands(commands, lambda data: open_store(load_settings(data=data)))
    evaluation.add_commands(commands)
    return handrail


def _complete(args: Namespace) -> None:
    """What the command line leaves open comes from the settings, for every command alike. Raises SettingsError."""
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
