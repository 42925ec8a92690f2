"""`handrail export`: what is stored, as JSON lines: events, and of a person asked for their rows as a visitor too."""

import asyncio
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import orjson
from pydantic import TypeAdapter, ValidationError

from bot.assembly.storage import open_store
from bot.cli.options import add_data, settings_of
from bot.errors import ExportRefused
from bot.settings import Settings
from conversation.events import Event, rfc3339
from conversation.ports import Store
from conversation.projections import desk_form
from conversation.values import Visitor

PAGE_EVENTS = 500
TAIL_BYTES = 64 * 1024  # read backwards at a time to find where an export ended
VISITOR = "visitor"  # the `kind` of a line that is no event
Cursor = tuple[str, int]  # conversation and number of the last event written


def add_arguments(parser: ArgumentParser) -> None:
    """Arguments: what to write where; the handler is left in `run`."""
    add_data(parser)
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write to a new file; what was interrupted is continued"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--conversation", metavar="ID", help="this conversation alone")
    which.add_argument("--visitor", metavar="ID", help="this visitor and their conversations")
    which.add_argument("--email", metavar="ADDRESS", help="whoever has or left this address, and their conversations")
    which.add_argument(
        "--since", type=moment, metavar="TIME", help="conversations that changed since, such as 2026-11-01 (UTC)"
    )
    parser.set_defaults(run=run)


def moment(text: str) -> datetime:
    """A time of the command line; without a zone it is UTC. Raises ValueError, which argparse reports."""
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def run(args: Namespace) -> int:
    """`handrail export`: to standard output, or to a file that gets its name when it is complete."""
    settings = settings_of(args)
    if args.out is None:
        return _to_stdout(settings, args)
    if args.out.exists():
        raise ExportRefused(args.out, "there is such a file", "name a new one")
    draft = args.out.with_name(f"{args.out.name}.part")
    try:
        note = _noted(draft, _filters(args))
        with _opened(draft) as file:
            written = asyncio.run(_write(settings, args, file, _resume(file, draft)))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(args.out)
        note.unlink()
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


def _filters(args: Namespace) -> dict[str, str]:
    """What narrows the export down, as it stands in the note beside an unfinished one."""
    since, email = args.since and rfc3339(args.since), args.email and args.email.lower()
    filters = {"conversation": args.conversation, "visitor": args.visitor, "email": email, "since": since}
    return {name: value for name, value in filters.items() if value is not None}


def _noted(draft: Path, filters: Mapping[str, str]) -> Path:
    """The note that says what `draft` is to hold. Raises ExportRefused where it was begun with other filters."""
    note = draft.with_name(f"{draft.name}.json")
    if draft.exists() and draft.stat().st_size:
        try:
            earlier_filters = TypeAdapter(dict[str, str]).validate_json(note.read_bytes())
        except (FileNotFoundError, ValidationError):
            problem = f"{note.name!r}, which said what it was to hold, is missing or broken"
            raise ExportRefused(draft, problem, "delete it, and export anew") from None
        if earlier_filters != filters:
            problem = f"it was begun with {_options(earlier_filters)}, not with {_options(filters)}"
            remedy = "give the same again to go on with it, or delete it to begin anew, or name another file"
            raise ExportRefused(draft, problem, remedy)
    with os.fdopen(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(orjson.dumps(filters))
    return note


def _options(filters: Mapping[str, str]) -> str:
    return " ".join(f"--{name} {value}" for name, value in filters.items()) or "everything"


def _opened(draft: Path) -> BinaryIO:
    """Made, or opened as it is; for its owner alone."""
    return os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT, 0o600), "r+b")


def _resume(file: BinaryIO, path: Path) -> Cursor | None:
    """Cut a line that was left half written, go to the end, and say which event was the last.

    None where there is none yet; visitors, who come first, are then written anew.
    """
    line, end = _last_line(file)
    try:
        last = orjson.loads(line) if line else {"kind": VISITOR}
        cursor = None if last["kind"] == VISITOR else (str(last["conversation_id"]), int(last["seq"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise ExportRefused(path, "its last line is no event", "delete it, and export anew") from None
    file.truncate(0 if cursor is None else end)
    file.seek(0, os.SEEK_END)
    return cursor


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
        if after is None and (args.visitor or args.email):
            holdings = await store.holdings(visitor_id=args.visitor, email=args.email)
            file.write(b"".join(map(_visitor_line, holdings.visitors)))
        async for page in _pages(store, args, after):
            file.write(b"".join(map(_line, page)))
            count += len(page)
    return count


def _line(event: Event) -> bytes:
    return orjson.dumps({"conversation_id": event.conversation_id, **desk_form(event)}) + b"\n"


def _visitor_line(visitor: Visitor) -> bytes:
    """All that is stored of them but the digest of their token, which says nothing of them and could be tried out."""
    stored = {
        "kind": VISITOR,
        "visitor_id": visitor.visitor_id,
        "site": visitor.site_id,
        "user_id": visitor.user_id,
        "name": visitor.name,
        "email": visitor.email,
        "token_expires_at": rfc3339(visitor.expires_at),
    }
    return orjson.dumps(stored) + b"\n"


async def _pages(store: Store, args: Namespace, after: Cursor | None) -> AsyncIterator[tuple[Event, ...]]:
    """Events by conversation and number, a page at a time: what is written meanwhile leaves no gap and no double."""
    if args.conversation or args.visitor or args.email:
        holdings = await store.holdings(visitor_id=args.visitor, email=args.email, conversation_id=args.conversation)
        for conversation_id in sorted(holdings.conversation_ids):
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
