"""Puts a server together: the only place that picks adapters. Everything that runs is owned by `assemble`."""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

import numpy as np

from bot.answer import Calibration, Policy, TurnDeps, in_use
from bot.answer.frustration import Tone, kept
from bot.answer.reply import Extractive, Generator
from bot.answer.reply.language_model import (
    Bounds,
    Breaker,
    Budget,
    Call,
    ModelGenerator,
    ModelUnusable,
    Service,
    Stream,
    connect,
)
from bot.metrics import Metrics
from bot.settings import Settings, SettingsError, mail_server, signing_key
from bot.turns import Responder
from bot.visitor import ChatServices, DeskStatus, Limits, VisitorAuthentication
from conversation.bus import LocalBus
from conversation.clock import SystemClock
from conversation.errors import StorageUnavailable
from conversation.poll import poll
from conversation.ports import Bus, Clock, Store
from conversation.publisher import Publisher
from conversation.redis_bus import RedisBus
from conversation.retention import retain
from conversation.sql.backup import postgres, sqlite
from conversation.sql.postgres import PATIENT_S, STATEMENT_S, PostgresStore
from conversation.sql.sqlite import SqliteStore
from conversation.values import Subscriptions
from handoff.accounts import Accounts
from handoff.assignment import AssignmentLoop
from handoff.console import Console
from handoff.desk import Desk
from handoff.outbound.dispatcher import ATTEMPT_S, MAIL_KINDS, Notifier, OutboxDispatcher
from handoff.presence import Attendance
from retrieval.index import Knowledge
from retrieval.knowledge import open_knowledge
from retrieval.model import Batcher, Encoder
from widget.delivery import modules

DATABASE = "handrail.db"
WEBHOOK, EMAIL = "webhook", "email"  # targets of notices, as the store names them
TONE = "tone"  # beside the models, below the data folder


class DataUnwritable(Exception):
    """The data folder cannot be written."""

    code = "data_unwritable"

    def __init__(self, path: Path, problem: str) -> None:
        self.path, self.problem = path, problem

    def __str__(self) -> str:
        return f"the data folder {str(self.path)!r} cannot be written ({self.problem}); choose another with --data DIR"


@dataclass(frozen=True, slots=True)
class Application:
    """A running server's parts."""

    settings: Settings
    publisher: Publisher
    knowledge: Knowledge
    batcher: Batcher
    desk: Desk
    rounds: AssignmentLoop
    accounts: Accounts
    console: Console
    counter: ChatServices
    responder: Responder
    metrics: Metrics


def prepare_data(data: Path) -> None:
    """Make the data folder, for its owner alone. Raises DataUnwritable."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = data / f".probe-{uuid.uuid4().hex}"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise DataUnwritable(data, problem.strerror or str(problem)) from problem


def prepare(settings: Settings) -> tuple[Encoder, Knowledge]:
    """The encoder and the articles' index, made where they are missing.

    Raises SettingsError where the language model cannot be used, CalibrationUnusable, DataUnwritable and KnowledgeError.
    """
    connect_model(settings)
    open_calibration(settings)
    prepare_data(settings.data)
    return open_knowledge(settings.kb, settings.data, settings.model)


def open_tone(data: Path, encoder: Encoder) -> Tone:
    """How messages sound to `encoder`: learned at the first start of a model, which takes 3 s, and kept below `data`.

    Raises DataUnwritable.
    """
    try:
        return kept(
            data / TONE, encoder.name, lambda texts: np.stack([one.sentence for one in encoder.encode_queries(texts)])
        )
    except OSError as problem:
        raise DataUnwritable(data / TONE, problem.strerror or str(problem)) from problem


def open_calibration(settings: Settings) -> Calibration:
    """How sure the bot is of what it finds: the company's own calibration, if there is one. Raises CalibrationUnusable."""
    return in_use(settings.data, settings.model)


def policy_of(settings: Settings, calibration: Calibration) -> Policy:
    """The operator's choices; where none is made, the bot answers from the confidence that keeps the error budget."""
    least = settings.answer_confidence
    return Policy(calibration.threshold(settings.error_budget) if least is None else least, settings.handoff)


def connect_model(settings: Settings) -> Stream | None:
    """What asks the configured language model; None where there is none. Raises SettingsError; sends nothing."""
    if settings.llm is None:
        return None
    service = Service(
        name=settings.llm,
        base_url=settings.llm_base_url,
        api_key=None if settings.llm_api_key is None else settings.llm_api_key.get_secret_value(),
        timeout_s=settings.llm_timeout_s,
        max_output_tokens=settings.llm_max_output_tokens,
        temperature=settings.llm_temperature,
    )
    try:
        return connect(service, os.environ)
    except ModelUnusable as unusable:
        raise SettingsError([f"llm: {unusable}"]) from None


def open_generator(settings: Settings, clock: Clock, observe: Callable[[Call], None]) -> Generator:
    """Who words answers: the configured language model, else the articles themselves. Raises SettingsError."""
    stream = connect_model(settings)
    if stream is None:
        return Extractive()
    return ModelGenerator(
        stream,
        Bounds(
            first_token_s=min(settings.llm_first_token_s, settings.llm_timeout_s),
            whole_s=settings.llm_timeout_s,
            input_tokens=settings.llm_max_input_tokens,
            output_tokens=settings.llm_max_output_tokens,
        ),
        clock=clock,
        breaker=Breaker(clock),
        budget=Budget(clock, settings.llm_tokens_per_day // settings.workers),  # each process counts for itself
        observe=observe,
    )


@asynccontextmanager
async def open_store(settings: Settings, *, patient: bool = False) -> AsyncIterator[Store]:
    """The database, for one process. `patient`: its statements may take an hour.

    Raises DataUnwritable, DatabaseNewer, DatabaseUnusable and StorageUnavailable.
    """
    prepare_data(settings.data)
    worker = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    store: Store
    if settings.database_url is None:
        store = await SqliteStore.open(settings.data / DATABASE, worker=worker, subscriptions=subscriptions(settings))
    else:
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
    """Who outside is told of which events."""
    wanted = {
        WEBHOOK: settings.webhook_events if settings.webhook_url else (),
        EMAIL: MAIL_KINDS if settings.email_to else (),
    }
    kinds = {kind for some in wanted.values() for kind in some}
    return {kind: tuple(target for target, some in wanted.items() if kind in some) for kind in sorted(kinds)}


@asynccontextmanager
async def open_notifiers(
    settings: Settings, attendance: Attendance, clock: Clock
) -> AsyncIterator[dict[str, Notifier]]:
    """Who tells whom, by target; the clients are loaded only where they are used."""
    notifiers: dict[str, Notifier] = {}
    async with AsyncExitStack() as clients:
        if settings.webhook_url is not None and settings.webhook_secret is not None:
            import httpx2  # noqa: PLC0415

            from handoff.outbound.webhook import Webhook  # noqa: PLC0415

            client = await clients.enter_async_context(httpx2.AsyncClient(timeout=ATTEMPT_S))
            key = signing_key(settings.webhook_secret.get_secret_value())
            notifiers[WEBHOOK] = Webhook(client, clock, url=settings.webhook_url.get_secret_value(), key=key)
        if settings.smtp_url is not None and settings.email_from is not None:
            from handoff.outbound.mail import Mail  # noqa: PLC0415

            notifiers[EMAIL] = Mail(
                mail_server(settings.smtp_url.get_secret_value()),
                clock,
                attendance.present,
                sender=settings.email_from,
                recipients=settings.email_to,
                console_url=None if settings.public_url is None else f"{settings.public_url}/console",
            )
        yield notifiers


def back_up(settings: Settings, out: Path) -> int:
    """Copy the database to the new file `out` while others write; its size in bytes.

    Raises BackupRefused and DatabaseUnusable.
    """
    if settings.database_url is None:
        return sqlite.back_up(settings.data / DATABASE, out).bytes
    return postgres.back_up(settings.database_url.get_secret_value(), out)


def restore(settings: Settings, file: Path) -> None:
    """Fill the database, which must be empty, from a sqlite.

    Raises BackupRefused, DatabaseNewer and DataUnwritable.
    """
    if settings.database_url is None:
        prepare_data(settings.data)
        sqlite.restore(file, settings.data / DATABASE)
    else:
        postgres.restore(file, settings.database_url.get_secret_value())


@asynccontextmanager
async def open_bus(settings: Settings) -> AsyncIterator[Bus]:
    """Wake-ups: within this process, and over Redis where one is set."""
    if settings.redis_url is None:
        yield LocalBus()
        return
    bus = RedisBus.at(settings.redis_url.get_secret_value(), SystemClock())
    running = asyncio.create_task(bus.run())
    try:
        yield bus
    finally:
        running.cancel()
        await asyncio.wait([running])


@asynccontextmanager
async def open_limits(settings: Settings) -> AsyncIterator[Limits]:
    """What bounds visitors: counted over Redis where one is set, else by this process."""
    shared = None
    if settings.redis_url is not None:
        from bot.visitor.redis_limits import RedisLimits  # noqa: PLC0415 - slow to import, and one process needs none of it

        shared = RedisLimits(settings.redis_url.get_secret_value())
    limits = Limits(enabled=settings.rate_limits == "on", shared=shared, monotonic=SystemClock().monotonic)
    try:
        yield limits
    finally:
        await limits.close()


@asynccontextmanager
async def assemble(settings: Settings, encoder: Encoder, knowledge: Knowledge) -> AsyncIterator[Application]:
    """A server's parts, running: turns are answered, articles watched, other processes' writes noticed."""
    async with (
        open_store(settings) as store,
        Batcher(encoder) as batcher,
        open_bus(settings) as bus,
        open_limits(settings) as limits,
    ):
        tone = await asyncio.to_thread(open_tone, settings.data, encoder)
        house = _compose(settings, store, bus, limits, knowledge=knowledge, batcher=batcher, tone=tone)
        async with (
            open_notifiers(settings, house.desk.attendance, house.publisher.clock) as notifiers,
            asyncio.TaskGroup() as tasks,
        ):
            running = [
                tasks.create_task(house.responder.run()),
                tasks.create_task(house.counter.sign.run()),
                tasks.create_task(house.rounds.run()),
                tasks.create_task(poll(store, house.publisher.bus, house.publisher.clock)),
                tasks.create_task(knowledge.watch()),
                tasks.create_task(_courier(house, notifiers).run()),
            ]
            if settings.retention_days is not None:
                running.append(tasks.create_task(retain(house.publisher, days=settings.retention_days)))
            try:
                yield house
            finally:
                for task in running:
                    task.cancel()


def _courier(house: Application, notifiers: Mapping[str, Notifier]) -> OutboxDispatcher:
    publisher, observe = house.publisher, house.metrics.observe_notice
    return OutboxDispatcher(publisher.store, publisher.clock, notifiers, observe=observe, random=SystemRandom().random)


def _compose(
    settings: Settings, store: Store, bus: Bus, limits: Limits, *, knowledge: Knowledge, batcher: Batcher, tone: Tone
) -> Application:
    publisher = Publisher(store, bus, SystemClock())
    metrics = Metrics()
    generator = open_generator(settings, publisher.clock, metrics.observe_call)
    calibration = open_calibration(settings)
    desk = Desk(publisher, Attendance(store, publisher.clock), max_wait_s=settings.max_wait_s)
    responder = Responder(
        publisher=publisher,
        desk=desk,
        knows=lambda: TurnDeps(
            knowledge.snapshot, batcher.encode, settings.public_url or "", generator, calibration, tone
        ),
        policy=policy_of(settings, calibration),
        observe=metrics.observe,
    )
    reception = VisitorAuthentication(settings.all_sites(), store, publisher.clock, settings.require_origin)
    counter = ChatServices(
        publisher, desk, responder, DeskStatus(desk, publisher.clock), reception, limits, settings.reopen_h
    )
    accounts = Accounts(store, publisher.clock)
    return Application(
        settings=settings,
        publisher=publisher,
        knowledge=knowledge,
        batcher=batcher,
        desk=desk,
        rounds=AssignmentLoop(desk, assign=settings.assignment == "auto", answer_within_s=settings.answer_within_s),
        accounts=accounts,
        console=Console(desk, accounts, modules("dom.js", "markdown.js")),
        counter=counter,
        responder=responder,
        metrics=metrics,
    )


async def is_ready(house: Application) -> bool:
    """Whether the database answers; the index is loaded before anything is assembled."""
    try:
        await house.publisher.store.conversation("ready?")
    except StorageUnavailable:
        return False
    return True
