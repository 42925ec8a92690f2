"""The composition root of a server. Everything that runs is owned by `assemble`."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import SystemRandom

from bot.answer import SearchCache, SearchedAlone, TurnDeps
from bot.answer.frustration import Tone
from bot.answer.intent import RequestProbe
from bot.assembly.adapters import (
    connect_model,
    open_bus,
    open_calibration,
    open_generator,
    open_limits,
    open_notifiers,
    open_phrasebook,
    open_request_probe,
    open_search_pool,
    open_tone,
    policy_of,
)
from bot.assembly.storage import open_store, prepare_data
from bot.metrics import Metrics
from bot.settings import Settings
from bot.turns import Responder
from bot.visitor import ChatServices, DeskStatus, Limits, VisitorAuthentication
from conversation.clock import SystemClock
from conversation.errors import StorageUnavailable
from conversation.poll import poll
from conversation.ports import Bus, Store
from conversation.publisher import Publisher
from conversation.retention import retain
from handoff.accounts import Accounts
from handoff.assignment import AssignmentLoop
from handoff.console import Console
from handoff.desk import Desk
from handoff.outbound.dispatcher import Notifier, OutboxDispatcher
from handoff.presence import Attendance
from retrieval.index import Knowledge
from retrieval.knowledge import open_knowledge
from retrieval.model import Batcher, Encoder
from widget import modules


@dataclass(frozen=True, slots=True)
class Application:
    """The running application: a server's parts."""

    settings: Settings
    publisher: Publisher
    knowledge: Knowledge
    batcher: Batcher
    desk: Desk
    assignment: AssignmentLoop
    accounts: Accounts
    console: Console
    services: ChatServices
    responder: Responder
    metrics: Metrics


def prepare(settings: Settings) -> tuple[Encoder, Knowledge]:
    """The encoder and the articles' index, made where they are missing.

    Raises SettingsError where the language model cannot be used, CalibrationUnusable, CatalogueUnusable, DataUnwritable
    and KnowledgeError.
    """
    connect_model(settings)
    open_calibration(settings)
    open_phrasebook(settings)
    prepare_data(settings.data)
    return open_knowledge(settings.kb, settings.data, settings.model)


@asynccontextmanager
async def assemble(settings: Settings, encoder: Encoder, knowledge: Knowledge) -> AsyncIterator[Application]:
    """A server's parts, running: turns are answered, articles watched, other processes' writes noticed."""
    async with (
        open_store(settings) as store,
        Batcher(encoder) as batcher,
        open_bus(settings) as bus,
        open_limits(settings) as limits,
        open_search_pool() as pool,
    ):
        tone = await asyncio.to_thread(open_tone, settings.data, encoder)
        asks = await asyncio.to_thread(open_request_probe, settings.data, encoder)
        application = _compose(
            settings, store, bus, limits, knowledge=knowledge, batcher=batcher, tone=tone, asks=asks, pool=pool
        )
        async with (
            open_notifiers(settings, application.desk.attendance, application.publisher.clock) as notifiers,
            asyncio.TaskGroup() as tasks,
        ):
            running = [
                tasks.create_task(application.responder.run()),
                tasks.create_task(application.services.desk_status.run()),
                tasks.create_task(application.assignment.run()),
                tasks.create_task(poll(store, application.publisher.bus, application.publisher.clock)),
                tasks.create_task(knowledge.watch()),
                tasks.create_task(_dispatcher(application, notifiers).run()),
            ]
            if settings.retention_days is not None:
                running.append(tasks.create_task(retain(application.publisher, days=settings.retention_days)))
            try:
                yield application
            finally:
                for task in running:
                    task.cancel()


def _dispatcher(application: Application, notifiers: Mapping[str, Notifier]) -> OutboxDispatcher:
    publisher, observe = application.publisher, application.metrics.observe_notice
    return OutboxDispatcher(publisher.store, publisher.clock, notifiers, observe=observe, random=SystemRandom().random)


def _compose(
    settings: Settings,
    store: Store,
    bus: Bus,
    limits: Limits,
    *,
    knowledge: Knowledge,
    batcher: Batcher,
    tone: Tone,
    asks: RequestProbe,
    pool: Executor,
) -> Application:
    publisher = Publisher(store, bus, SystemClock())
    metrics = Metrics()
    generator = open_generator(settings, publisher.clock, metrics.observe_call)
    calibration, phrasebook, cache = open_calibration(settings), open_phrasebook(settings), SearchCache[SearchedAlone]()
    desk = Desk(publisher, Attendance(store, publisher.clock), max_wait_s=settings.max_wait_s)
    responder = Responder(
        publisher=publisher,
        desk=desk,
        deps=lambda: TurnDeps(
            knowledge.snapshot,
            batcher.encode,
            settings.public_url or "",
            generator,
            calibration,
            tone,
            pool=pool,
            phrasebook=phrasebook,
            request_probe=asks,
            cache=cache,
        ),
        policy=policy_of(settings, calibration),
        observe=metrics.observe,
    )
    authentication = VisitorAuthentication(settings.all_sites(), store, publisher.clock, settings.require_origin)
    services = ChatServices(
        publisher,
        desk,
        responder,
        DeskStatus(desk, publisher.clock),
        authentication,
        limits,
        settings.reopen_h,
        phrasebook,
    )
    accounts = Accounts(store, publisher.clock)
    return Application(
        settings=settings,
        publisher=publisher,
        knowledge=knowledge,
        batcher=batcher,
        desk=desk,
        assignment=AssignmentLoop(desk, assign=settings.assignment == "auto", answer_within_s=settings.answer_within_s),
        accounts=accounts,
        console=Console(desk, accounts, modules("dom.js", "markdown.js")),
        services=services,
        responder=responder,
        metrics=metrics,
    )


async def is_ready(application: Application) -> bool:
    """Whether the database answers; the index is loaded before anything is assembled."""
    try:
        await application.publisher.store.conversation("ready?")
    except StorageUnavailable:
        return False
    return True
