"""Retention: conversations are not kept for ever; what has been closed for long enough is erased."""

from datetime import datetime, timedelta

import structlog

from conversation.errors import StorageUnavailable
from conversation.publisher import Publisher

log = structlog.get_logger(__name__)

CHORE = "retention"
EVERY_S = 3600.0
LOOK_S = 60.0  # how often each process asks whether it is its turn
WITHIN_S = 1800.0  # the longest a run takes, so that two never overlap; the next one goes on
PAUSE_S = 0.02  # after each conversation: those who write come first
AT_ONCE = 50


async def retain(publisher: Publisher, *, days: float) -> None:
    """The retention job: once an hour, by one process of all, erase what was closed `days` ago, until cancelled."""
    while True:
        try:
            if await publisher.store.take_chore(CHORE, every_s=EVERY_S):
                before = publisher.clock.now() - timedelta(days=days)
                erased = await erase_older(publisher, before, within_s=WITHIN_S)
                if erased:
                    log.info("retention.erased", conversations=erased)
        except StorageUnavailable as error:
            log.warning("retention.storage_unavailable", problem=error.problem)
        await publisher.clock.sleep(LOOK_S)


async def erase_older(publisher: Publisher, before: datetime, *, within_s: float | None = None) -> int:
    """Erase conversations that are closed and have not changed since `before`, one after another; how many.

    A visitor whose last conversation this was is forgotten. One that is reopened meanwhile is left alone.
    """
    store, began_s, count = publisher.store, publisher.clock.monotonic(), 0
    while heads := await store.closed_before(before, limit=AT_ONCE):
        erased_count = 0
        for head in heads:
            if within_s is not None and publisher.clock.monotonic() - began_s > within_s:
                return count + erased_count
            erased_count += await publisher.erase(head.conversation_id, unless_changed_since=before) is not None
            await store.forget_visitor(head.visitor_id, unless_in_use=True)
            await publisher.clock.sleep(PAUSE_S)
        if not erased_count:
            return count
        count += erased_count
    return count
