"""`handrail doctor`: check the set-up and say what to do."""

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict

import orjson
from rich.console import Console
from rich.markup import escape

from bot.cli.options import add_settings, settings_of
from bot.server import Finding, diagnose

SYMBOLS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "fail": "[red]✗[/]"}


def add_arguments(parser: ArgumentParser) -> None:
    """Arguments; the handler is left in `run`."""
    add_settings(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """`handrail doctor`: 1 where a check failed; a warning alone is no failure."""
    findings = list(diagnose(settings_of(args)))
    if args.json:
        document = {"findings": [asdict(finding) for finding in findings]}
        sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        for finding in findings:
            _show(finding)
    return int(any(finding.status == "fail" for finding in findings))


def _show(finding: Finding) -> None:
    console = Console(highlight=False)
    console.print(f"{SYMBOLS[finding.status]} [bold]{finding.check}[/]: {escape(finding.message)}", soft_wrap=True)
    if finding.remedy:
        console.print(f"    {escape(finding.remedy)}", soft_wrap=True)
