"""`handrail backup`: copy the database while the server runs."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from bot.assembly.maintenance import back_up
from bot.cli.options import add_data, settings_of


def add_arguments(parser: ArgumentParser) -> None:
    """Arguments: the file to make; the handler is left in `run`."""
    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to make")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """`handrail backup`: a checked copy of this moment."""
    size = back_up(settings_of(args), args.out)
    sys.stderr.write(f"backed up to {args.out} ({size / 1024**2:.1f} MiB)\n")
    return 0
