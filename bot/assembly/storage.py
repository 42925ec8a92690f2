"""Opens the storage: the data folder and the database, as the settings say. A driver is loaded where it is picked."""

import os
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.errors import DataUnwritable
from bot.settings import Settings
from conversation.ports import Store
from conversation.values import Subscriptions
from handoff.outbound.dispatcher import MAIL_KINDS

DATABASE = "handrail.db"
WEBHOOK, EMAIL = "webhook", "email"  # targets of notices, as the store names them


def prepare_data(data: Path) -> None:
    """Make the data folder, for its owner alone. Raises DataUnwritable."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = data / f".probe-{uuid.uuid4().hex}"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise DataUnwritable(data, problem.strerror or str(problem)) from problem


@asynccontextmanager
async def open_store(settings: Settings, *, patient: bool = False) -> AsyncIterator[Store]:
    """The database, for one process. `patient`: its statements may take an hour.

    Raises DataUnwritable, DatabaseNewer, DatabaseUnusable and StorageUnavailable.
    """
    prepare_data(settings.data)
    worker = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    store: Store
    if settings.database_url is None:
        from conversation.sql.sqlite import SqliteStore

        store = await SqliteStore.open(settings.data / DATABASE, worker=worker, subscriptions=subscriptions(settings))
    else:
        from conversation.sql.postgres import PATIENT_S, STATEMENT_S, PostgresStore

        store = await PostgresStore.open(
            settings.database_url.get_secret_value(),
            worker=worker,
            statement_s=PATIENT_S if patient else STATEMENT_S,
            subscriptions=subscriptions(settings),
        )
    try:
        yield store
    finally:
        await store.close()


def subscriptions(settings: Settings) -> Subscriptions:
    """The subscriptions of the outbox: which targets outside hear of which events."""
    wanted = {
        WEBHOOK: settings.webhook_events if settings.webhook_url else (),
        EMAIL: MAIL_KINDS if settings.email_to else (),
    }
    kinds = {kind for subscribed in wanted.values() for kind in subscribed}
    return {
        kind: tuple(target for target, subscribed in wanted.items() if kind in subscribed) for kind in sorted(kinds)
    }
