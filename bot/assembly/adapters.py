"""The adapters beside the database, as the settings pick them: models, notices, wake-ups; each is loaded where it is picked."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from bot.answer import Calibration, Policy, Sentences, in_use, threshold
from bot.answer.frustration import Tone, cached_probe
from bot.answer.intent import RequestProbe, cached_request_probe
from bot.answer.reply import Extractive, Generator, Phrasebook, default_phrasebook, read_phrasebook
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
from bot.assembly.storage import EMAIL, WEBHOOK
from bot.errors import DataUnwritable
from bot.settings import Settings, SettingsError, mail_server, signing_key
from bot.visitor import Limits
from conversation.bus import LocalBus
from conversation.clock import SystemClock
from conversation.ports import Bus, Clock
from handoff.outbound.dispatcher import ATTEMPT_S, Notifier
from handoff.presence import Attendance
from retrieval.model import Encoder

Probe = TypeVar("Probe", Tone, RequestProbe)

TONE = "tone"  # beside the models, below the data folder


def open_tone(data: Path, encoder: Encoder) -> Tone:
    """The frustration probe of `encoder`: learned at the first start of a model, which takes 3 s, and kept below `data`.

    Raises DataUnwritable.
    """
    return _open_probe(cached_probe, data, encoder)


def open_request_probe(data: Path, encoder: Encoder) -> RequestProbe:
    """How calls for a person lie among the vectors of `encoder`: learned and kept as by `open_tone`, in 4 s.

    Raises DataUnwritable.
    """
    return _open_probe(cached_request_probe, data, encoder)


def _open_probe(cached: Callable[[Path, str, Sentences], Probe], data: Path, encoder: Encoder) -> Probe:
    try:
        return cached(
            data / TONE,
            encoder.name,
            lambda texts: np.stack([encoded.sentence for encoded in encoder.encode_queries(texts)]),
        )
    except OSError as problem:
        raise DataUnwritable(data / TONE, problem.strerror or str(problem)) from problem


def open_calibration(settings: Settings) -> Calibration:
    """The confidence calibration in use: the company's own calibration, if there is one. Raises CalibrationUnusable."""
    return in_use(settings.data, settings.model)


def open_phrasebook(settings: Settings) -> Phrasebook:
    """The catalogues of the bot's phrases, with the operator's own phrases. Raises CatalogueUnusable."""
    return default_phrasebook() if settings.phrases is None else read_phrasebook(settings.phrases)


def policy_of(settings: Settings, calibration: Calibration) -> Policy:
    """The policy the operator chose; where none is made, the bot answers and suggests as much as the two budgets allow."""
    least = settings.answer_confidence
    return Policy(
        answer_confidence=calibration.threshold(settings.error_budget) if least is None else least,
        suggest_usefulness=threshold(calibration.suggest_curve, settings.suggest_budget),
        handoff=settings.handoff,
    )


def connect_model(settings: Settings) -> Stream | None:
    """The connection to the configured language model; None where there is none. Raises SettingsError; sends nothing."""
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
    """The generator of answers: the configured language model, else the articles themselves. Raises SettingsError."""
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
async def open_notifiers(
    settings: Settings, attendance: Attendance, clock: Clock
) -> AsyncIterator[dict[str, Notifier]]:
    """The notifiers of the outbox by target; the clients are loaded only where they are used."""
    notifiers: dict[str, Notifier] = {}
    async with AsyncExitStack() as clients:
        if settings.webhook_url is not None and settings.webhook_secret is not None:
            import httpx2

            from handoff.outbound.webhook import Webhook

            client = await clients.enter_async_context(httpx2.AsyncClient(timeout=ATTEMPT_S))
            key = signing_key(settings.webhook_secret.get_secret_value())
            notifiers[WEBHOOK] = Webhook(client, clock, url=settings.webhook_url.get_secret_value(), key=key)
        if settings.smtp_url is not None and settings.email_from is not None:
            from handoff.outbound.mail import Mail

            notifiers[EMAIL] = Mail(
                mail_server(settings.smtp_url.get_secret_value()),
                clock,
                attendance.present,
                sender=settings.email_from,
                recipients=settings.email_to,
                console_url=None if settings.public_url is None else f"{settings.public_url}/console",
            )
        yield notifiers


@asynccontextmanager
async def open_bus(settings: Settings) -> AsyncIterator[Bus]:
    """The bus of wake-ups: within this process, and over Redis where one is set."""
    if settings.redis_url is None:
        yield LocalBus()
        return
    from conversation.redis_bus import RedisBus

    bus = RedisBus.at(settings.redis_url.get_secret_value(), SystemClock())
    running = asyncio.create_task(bus.run())
    try:
        yield bus
    finally:
        running.cancel()
        await asyncio.wait([running])


@asynccontextmanager
async def open_search_pool() -> AsyncIterator[Executor]:
    """One thread for searches: they are Python for the most part, so more of them only wait for each other.

    64 turns at once on two cores: 90 and 116 a second where six threads made 59 and 100.
    """
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")
    try:
        yield pool
    finally:
        await asyncio.to_thread(pool.shutdown)


@asynccontextmanager
async def open_limits(settings: Settings) -> AsyncIterator[Limits]:
    """The rate limits of visitors: counted over Redis where one is set, else by this process."""
    shared = None
    if settings.redis_url is not None:
        from bot.visitor.redis_limits import RedisLimits

        shared = RedisLimits(settings.redis_url.get_secret_value())
    limits = Limits(enabled=settings.rate_limits == "on", shared=shared, monotonic=SystemClock().monotonic)
    try:
        yield limits
    finally:
        await limits.close()
