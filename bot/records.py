"""The command line for everything stored at once: `export`, `backup`, `restore`."""

import asyncio
import os
import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import orjson

from bot.assembly import back_up, open_store, restore
from bot.commands import settings_of
from bot.settings import Settings
from conversation.events import Event, desk_form
from conversation.ports import Store

PAGE_EVENTS = 500
TAIL_BYTES = 64 * 1024  # read backwards at a time to find where an export ended
Cursor = tuple[str, int]  # conversation and number of the last event written


class ExportRefused(Exception):
    """An export cannot be written, or not be continued."""

    code = "export_refused"

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        self.path, self.problem, self.remedy = path, problem, remedy

    def __str__(self) -> str:
        return f"the export {str(self.path)!r} cannot be written ({self.problem}); {self.remedy}"


def add_commands(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Register the commands; each leaves its handler in `run`."""
    exporting = commands.add_parser("export", help="write conversations as JSON lines")
    takes_data(exporting)
    exporting.add_argument(
        "--out", type=Path, metavar="FILE", help="write to a new file; what was interrupted is continued"
    )
    which = exporting.add_mutually_exclusive_group()
    which.add_argument("--conversation", metavar="ID", help="this conversation alone")
    which.add_argument("--visitor", metavar="ID", help="the conversations of this visitor")
    which.add_argument("--email", metavar="ADDRESS", help="the conversations of whoever has or left this address")
    which.add_argument(
        "--since", type=moment, metavar="TIME", help="conversations that changed since, such as 2026-11-01 (UTC)"
    )
    exporting.set_defaults(run=run_export)
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


def moment(text: str) -> datetime:
    """A time of the command line; without a zone it is UTC. Raises ValueError, which argparse reports."""
    given = datetime.fromisoformat(text)
    return given if given.tzinfo else given.replace(tzinfo=UTC)


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


def run_export(args: Namespace) -> int:
    """`handrail export`: to standard output, or to a file that gets its name when it is complete."""
    settings = settings_of(args)
    if args.out is None:
        return _to_stdout(settings, args)
    if args.out.exists():
        raise ExportRefused(args.out, "there is such a file", "name a new one")
    draft = args.out.with_name(f"{args.out.name}.part")
    try:
        with _opened(draft) as file:
            written = asyncio.run(_write(settings, args, file, _resume(file, draft)))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(args.out)
    except OSError as error:
        remedy = "make room or name another place, and run the command again: it goes on where it ended"
        raise ExportRefused(args.out, error.strerror or str(error), remedy) from error
    sys.stderr.write(f"exported {written} events to {args.out}\n")
    return 0


def _to_stdout(settings: Settings, args: Namespace) -> int:
    try:
        asyncio.run(_write(settings, args, sys.stdout.buffer, None))
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains while it ends
        return 1
    return 0


def _opened(draft: Path) -> BinaryIO:
    """Made, or opened as it is; for its owner alone."""
    return os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT, 0o600), "r+b")


def _resume(file: BinaryIO, path: Path) -> Cursor | None:
    """Cut a line that was left half written, go to the end, and say which event was the last."""
    line, end = _last_line(file)
    file.truncate(end)
    file.seek(end)
    if not line:
        return None
    try:
        last = orjson.loads(line)
        return str(last["conversation_id"]), int(last["seq"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise ExportRefused(path, "its last line is no event", "delete it, and export anew") from None


def _last_line(file: BinaryIO) -> tuple[bytes, int]:
    """The last line that is whole, and where it ends."""
    start = file.seek(0, os.SEEK_END)
    tail = b""
    while start and tail.count(b"\n") < 2:  # noqa: PLR2004 - one ends the line, the other the line before it
        step = min(TAIL_BYTES, start)
        start = file.seek(start - step)
        tail = file.read(step) + tail
    whole, _, rest = tail.rpartition(b"\n")
    end = file.seek(0, os.SEEK_END) - len(rest)
    return whole.rpartition(b"\n")[2], end if whole else 0


async def _write(settings: Settings, args: Namespace, file: BinaryIO, after: Cursor | None) -> int:
    count = 0
    async with open_store(settings, patient=True) as store:
        async for page in _pages(store, args, after):
            file.write(b"".join(map(_line, page)))
            count += len(page)
    return count


def _line(event: Event) -> bytes:
    return orjson.dumps({"conversation_id": event.conversation_id, **desk_form(event)}) + b"\n"


async def _pages(store: Store, args: Namespace, after: Cursor | None) -> AsyncIterator[tuple[Event, ...]]:
    """Events by conversation and number, a page at a time: what is written meanwhile leaves no gap and no double."""
    if args.conversation or args.visitor or args.email:
        found = await store.holdings(visitor_id=args.visitor, email=args.email, conversation_id=args.conversation)
        for conversation_id in sorted(found.conversation_ids):
            if after is None or conversation_id >= after[0]:
                seq = after[1] if after is not None and conversation_id == after[0] else 0
                async for page in _conversation(store, conversation_id, seq):
                    yield page
        return
    while page := await store.records(after=after, since=args.since, limit=PAGE_EVENTS):
        yield page
        after = (page[-1].conversation_id, page[-1].seq)


async def _conversation(store: Store, conversation_id: str, after: int) -> AsyncIterator[tuple[Event, ...]]:
    while page := await store.events(conversation_id, after=after, limit=PAGE_EVENTS):
        yield page
        after = page[-1].seq
