"""The command line for everything stored at once: `backup` and `restore`; and where commands find it."""

import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from pathlib import Path

from bot.assembly import back_up, restore
from bot.cli.commands import settings_of


def add_commands(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Register the commands; each leaves its handler in `run`."""
    backing = commands.add_parser("backup", help="copy the database while the server runs")
    takes_data(backing)
    backing.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to make")
    backing.set_defaults(run=run_backup)
    restoring = commands.add_parser("restore", help="fill an empty data folder or database from a backup")
    takes_data(restoring)
    restoring.add_argument("file", type=Path, metavar="FILE", help="a file that handrail backup made")
    restoring.set_defaults(run=run_restore)


def takes_data(parser: ArgumentParser) -> None:
    """Where the database is."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the database (default var)")


def run_backup(args: Namespace) -> int:
    """`handrail backup`: a checked copy of this moment."""
    size = back_up(settings_of(args), args.out)
    sys.stderr.write(f"backed up to {args.out} ({size / 1024**2:.1f} MiB)\n")
    return 0


def run_restore(args: Namespace) -> int:
    """`handrail restore`: into a place where there is nothing yet."""
    restore(settings_of(args), args.file)
    sys.stderr.write(f"restored {args.file}; handrail serve goes on from there\n")
    return 0
