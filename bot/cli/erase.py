"""`handrail erase`: a person's data, or what is old, overwritten for good, with a report of where copies may be."""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from datetime import timedelta

from bot.assembly.storage import open_store
from bot.cli.options import add_data, settings_of
from conversation.bus import LocalBus
from conversation.clock import SystemClock
from conversation.publisher import Publisher
from conversation.retention import erase_older
from conversation.values import Copy, Holdings, Mention, Visitor

DONE, FAILED, WRONG_USAGE = 0, 1, 2
ROUNDS = 5  # a visitor may write while their data is being erased; longer than a few rounds nobody keeps up
BACKUPS = Copy(
    "backups, exports and labelled questions",
    None,
    "delete those made before and the lines of these conversations, or run this command again after restoring a backup",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Arguments: what to erase; the handler is left in `run`."""
    add_data(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--visitor", metavar="ID", help="everything of this visitor")
    which.add_argument("--email", metavar="ADDRESS", help="everything of whoever has or left this address")
    which.add_argument("--conversation", metavar="ID", help="this conversation alone")
    which.add_argument("--older-than", type=_days, metavar="DAYS", help="conversations closed for so long")
    parser.add_argument(
        "--find", action="append", default=[], metavar="TEXT", help="look for this text afterwards; may be repeated"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be erased, and end")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(run=run)


def _days(text: str) -> float:
    """Raises ValueError, which argparse reports."""
    days = float(text)
    if not 0 <= days < 366 * 1000:
        raise ValueError
    return days


def run(args: Namespace) -> int:
    """`handrail erase`: 1 where the address or a text that was looked for still stands somewhere."""
    return asyncio.run(_erase(args))


async def _erase(args: Namespace) -> int:
    async with open_store(settings_of(args), patient=True) as store:
        publisher = Publisher(store, LocalBus(), SystemClock())  # a server that runs notices within two seconds
        if args.older_than is not None:
            return await _older(publisher, args)
        holdings = await _holdings(publisher, args)
        _say(*_plan(holdings))
        if not holdings.conversation_ids and not holdings.visitors:
            _say("nothing to erase")
        elif args.dry_run:
            return DONE
        elif (refused := _confirmed(args)) is not None:
            return refused
        texts = _texts(args, holdings.visitors)
        await _overwrite(publisher, args, holdings)
        return await _prove(publisher, texts)


async def _holdings(publisher: Publisher, args: Namespace) -> Holdings:
    return await publisher.store.holdings(visitor_id=args.visitor, email=args.email, conversation_id=args.conversation)


def _plan(holdings: Holdings) -> Iterator[str]:
    """Ids alone would not let anyone see whether it is the right person."""
    for visitor in holdings.visitors:
        facts = (visitor.name, visitor.email, visitor.user_id and f"customer {visitor.user_id}")
        yield f"visitor {visitor.visitor_id} ({', '.join(filter(None, facts)) or 'anonymous'})"
    for conversation_id in holdings.conversation_ids:
        yield f"conversation {conversation_id}"


def _confirmed(args: Namespace) -> int | None:
    """The exit status where the command does not go on."""
    if args.yes:
        return None
    if not sys.stdin.isatty():
        sys.stderr.write("handrail erase: nobody can answer here; look at it with --dry-run, then give --yes\n")
        return WRONG_USAGE
    sys.stderr.write("This cannot be undone. Erase all of it? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return None
    sys.stderr.write("nothing was erased\n")
    return FAILED


def _texts(args: Namespace, visitors: Sequence[Visitor]) -> Sequence[str]:
    """What must be nowhere afterwards: addresses, which are nobody else's, and what the operator names."""
    addresses = [args.email, *(visitor.email for visitor in visitors)]
    return tuple(dict.fromkeys([text for text in addresses if text] + args.find))


async def _overwrite(publisher: Publisher, args: Namespace, holdings: Holdings) -> None:
    """Conversations first: they lead to the person's other data, should this be interrupted and run again."""
    count = texts = 0
    rows = list(holdings.visitors)
    for _ in range(ROUNDS):
        for conversation_id in holdings.conversation_ids:
            erased = await publisher.erase(conversation_id)
            count += 1
            texts += erased.count if erased is not None else 0
        holdings = await _rest(publisher, args, rows)
        if not holdings.conversation_ids:
            break
    rows.sort(key=lambda visitor: visitor.email is not None)
    forgotten = [await publisher.store.forget_visitor(visitor.visitor_id) for visitor in rows]
    _say(f"erased {count} conversations ({texts} events overwritten) and {sum(forgotten)} visitors")


async def _rest(publisher: Publisher, args: Namespace, rows: Sequence[Visitor]) -> Holdings:
    """What came meanwhile."""
    if args.conversation is not None:
        return await _holdings(publisher, args)
    found_holdings = [await publisher.store.holdings(visitor_id=visitor.visitor_id) for visitor in rows]
    found_holdings.append(await _holdings(publisher, args))
    return Holdings(
        (),
        tuple(
            dict.fromkeys(
                conversation_id for holdings in found_holdings for conversation_id in holdings.conversation_ids
            )
        ),
    )


async def _older(publisher: Publisher, args: Namespace) -> int:
    before = publisher.clock.now() - timedelta(days=args.older_than)
    due = await publisher.store.closed_before(before, limit=1000)
    more = " or more" if len(due) == 1000 else ""  # noqa: PLR2004 - the limit above
    _say(f"{len(due)}{more} conversations were closed before {before:%Y-%m-%d %H:%M} UTC")
    if args.dry_run:
        return DONE
    if due and (refused := _confirmed(args)) is not None:
        return refused
    _say(f"erased {await erase_older(publisher, before)} conversations")
    return await _prove(publisher, args.find)


async def _prove(publisher: Publisher, texts: Sequence[str]) -> int:
    """Look for what must be gone, and say where nobody can look."""
    mentions = await publisher.store.mentions(texts) if texts else ()
    copies = [*await publisher.store.copies(texts), BACKUPS]
    _say(*_report(texts, mentions, copies))
    return FAILED if mentions or any(copy.found for copy in copies) else DONE


def _report(texts: Sequence[str], mentions: Sequence[Mention], copies: Sequence[Copy]) -> Iterator[str]:
    if texts and not mentions:
        yield f"tables: searched for {len(texts)} texts, found none"
    for mention in mentions:
        rows = f"{mention.rows} row{'' if mention.rows == 1 else 's'}"
        yield f"tables: {mention.text!r} still stands in {rows} of {mention.table}.{mention.column}"
    for copy in copies:
        if copy.found is not False:
            yield f"{copy.place}: {'found' if copy.found else 'cannot be searched'}; {copy.remedy}"
        elif texts:
            yield f"{copy.place}: searched byte by byte, found none"


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
