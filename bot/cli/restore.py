"""`handrail restore`: fill an empty data folder or database from a backup."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from bot.assembly.maintenance import restore
from bot.cli.options import add_data, settings_of


def add_arguments(parser: ArgumentParser) -> None:
    """Arguments: the file to read; the handler is left in `run`."""
    add_data(parser)
    parser.add_argument("file", type=Path, metavar="FILE", help="a file that handrail backup made")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """`handrail restore`: into a place where there is nothing yet."""
    restore(settings_of(args), args.file)
    sys.stderr.write(f"restored {args.file}; handrail serve goes on from there\n")
    return 0
