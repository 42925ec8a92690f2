"""The doctor: health checks of a set-up, each with what to do about it."""

import asyncio
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.answer import OWN, default_calibration, in_use
from bot.assembly.adapters import connect_model, open_phrasebook
from bot.assembly.storage import DATABASE, open_store, prepare_data, subscriptions
from bot.errors import CalibrationUnusable, CatalogueUnusable, DataUnwritable, PortTaken
from bot.server.serve import take_port
from bot.settings import Settings, SettingsError, is_loopback
from conversation.errors import DatabaseNewer, DatabaseUnusable, StorageUnavailable
from conversation.values import Undelivered
from retrieval.articles import read
from retrieval.errors import KnowledgeError
from retrieval.index import load, newest
from retrieval.knowledge import INDEX
from retrieval.model import prepare_model

STALE_SHARE = 0.25  # of the articles; a few are edited every day, and a calibration is of all of them together
CALIBRATE = "handrail eval calibrate --questions FILE makes it anew"
FREE_BYTES = 500 * 1024**2  # the exported model, an index and some weeks of conversations

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check; `remedy` says what to do unless it is ok."""

    check: str
    status: Status
    message: str
    remedy: str = ""


def diagnose(settings: Settings) -> Iterator[Finding]:
    """Every check in turn, most basic first. Changes nothing but may export the model, as `serve` would."""
    checks: Iterable[Callable[[Settings], Iterable[Finding]]] = (
        _python,
        _data,
        _articles,
        _model,
        _index,
        _calibration,
        _phrases,
        _llm,
        _database,
        _notices,
        _redis,
        _port,
        _exposure,
    )
    for check in checks:
        yield from check(settings)


def _python(_: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", "ok", f"Python {version}")


def _data(settings: Settings) -> Iterator[Finding]:
    try:
        prepare_data(settings.data)
    except DataUnwritable as problem:
        yield Finding("data", "fail", str(problem), "give the folder to the user who runs Handrail, or choose another")
        return
    free = shutil.disk_usage(settings.data).free
    if free < FREE_BYTES:
        message = f"only {free // 1024**2} MiB are free below {str(settings.data)!r}"
        yield Finding("data", "warn", message, "make room: a full disk stops new messages from being stored")
    else:
        yield Finding("data", "ok", f"{str(settings.data)!r} is writable, {free // 1024**3} GiB free")


def _articles(settings: Settings) -> Iterator[Finding]:
    try:
        reading = read(settings.kb)
    except KnowledgeError as problem:
        yield Finding("articles", "fail", str(problem), "point --kb at a folder of Markdown articles")
        return
    for error in reading.errors:
        yield Finding("articles", "fail", str(error), "mend the file; until then the last good index is served")
    public = sum(article.visibility == "public" and not article.draft for article in reading.articles)
    if public == 0:
        yield Finding(
            "articles", "warn", "no article is public", "without public articles every question goes to a person"
        )
    else:
        yield Finding("articles", "ok", f"{len(reading.articles)} articles, {public} of them public")


def _model(settings: Settings) -> Iterator[Finding]:
    try:
        path = prepare_model(settings.model, settings.data)
    except (KnowledgeError, OSError) as problem:
        yield Finding("model", "fail", str(problem), "reinstall Handrail, or name another model with --model")
    else:
        yield Finding("model", "ok", f"{path.name} is exported and its digest is right")


def _index(settings: Settings) -> Iterator[Finding]:
    saved = newest(settings.data / INDEX)
    if saved is None:
        yield Finding("index", "warn", "no index has been built", "handrail kb build, or handrail serve, builds it")
        return
    try:
        snapshot = load(saved)
    except KnowledgeError as problem:
        yield Finding("index", "warn", str(problem), "nothing to do: handrail serve rebuilds it")
    else:
        yield Finding("index", "ok", f"{len(snapshot.chunks)} passages, version {snapshot.kb_version}")


def _calibration(settings: Settings) -> Iterator[Finding]:
    """Whether the company's own calibration can be used and is of the articles as they are; without one nothing is said of it."""
    try:
        calibration = in_use(settings.data, settings.model)
    except CalibrationUnusable as unusable:
        remedy = f"{CALIBRATE}, or delete the file: then the shipped calibration is used"
        yield Finding("calibration", "fail", f"{unusable.path!r} cannot be used ({unusable.problem})", remedy)
        return
    if calibration is default_calibration():
        yield Finding("calibration", "ok", "the shipped one is used")
        return
    newer, total = _newer_articles(settings.kb, (settings.data / OWN).stat().st_mtime)
    message = f"the company's own is used; {newer} of {total} articles were changed after it was made"
    if newer > STALE_SHARE * total:
        yield Finding("calibration", "warn", message, f"see with handrail eval run whether it still fits; {CALIBRATE}")
    else:
        yield Finding("calibration", "ok", message)


def _phrases(settings: Settings) -> Iterator[Finding]:
    """Whether the operator's own phrases can be used; without any nothing is said of them."""
    if settings.phrases is None:
        return
    try:
        open_phrasebook(settings)
    except CatalogueUnusable as unusable:
        yield Finding("phrases", "fail", str(unusable), "mend the file, or leave out the setting phrases")
    else:
        yield Finding("phrases", "ok", f"{str(settings.phrases)!r} can be used")


def _newer_articles(kb: Path, than_s: float) -> tuple[int, int]:
    """How many articles were saved after that moment, and how many there are; none where they cannot be read."""
    try:
        articles = read(kb).articles
        newer = sum((kb / article.path).stat().st_mtime > than_s for article in articles)
    except (KnowledgeError, OSError):  # the check of the articles says so
        return 0, 0
    return newer, len(articles)


def _llm(settings: Settings) -> Iterator[Finding]:
    """Whether the language model's package is there and takes the settings; it is not asked anything."""
    try:
        connect_model(settings)
    except SettingsError as unusable:
        yield Finding("llm", "fail", unusable.problems[0], "or unset llm: articles answer in their own words")
        return
    words = "none is set, nothing leaves this machine" if settings.llm is None else f"{settings.llm} words answers"
    yield Finding("llm", "ok", words)


def _database(settings: Settings) -> Iterator[Finding]:
    if not _has_database(settings):
        yield Finding("database", "ok", "none yet; handrail serve makes it")
        return
    try:
        agents = asyncio.run(_count_agents(settings))
    except (StorageUnavailable, DatabaseNewer, DatabaseUnusable) as problem:
        yield Finding("database", "fail", str(problem), "restore the last backup, or start anew with an empty database")
        return
    if agents == 0:
        remedy = "handrail agent add EMAIL --name NAME"
        yield Finding("database", "warn", "it opens, but there is no agent to hand over to", remedy)
    else:
        yield Finding("database", "ok", f"it opens, with {agents} agents")


def _has_database(settings: Settings) -> bool:
    return settings.database_url is not None or (settings.data / DATABASE).exists()


def _redis(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url is None:
        yield Finding("redis", "ok", "none is set; several processes hear of each other's messages within 2 s")
        return
    from conversation.redis_bus import problem_with

    problem = asyncio.run(problem_with(settings.redis_url.get_secret_value()))
    if problem is None:
        yield Finding("redis", "ok", "it answers")
    else:
        remedy = "correct redis_url, or start Redis; until then messages between processes take up to 2 s"
        yield Finding("redis", "warn", f"it does not answer ({problem})", remedy)


async def _count_agents(settings: Settings) -> int:
    async with open_store(settings) as store:
        return sum(not agent.disabled for agent in await store.agents())


def _notices(settings: Settings) -> Iterator[Finding]:
    """Whether those outside who are to be told of events are reached. Nothing is sent to them."""
    targets = sorted({target for subscribed in subscriptions(settings).values() for target in subscribed})
    if not targets:
        yield Finding("notices", "ok", "neither webhook_url nor email_to is set, nobody outside is told of events")
        return
    try:
        failing = asyncio.run(_undelivered(settings)) if _has_database(settings) else ()
    except (StorageUnavailable, DatabaseNewer, DatabaseUnusable):
        return  # the check of the database says so
    for undelivered in failing:
        notices = "1 notice" if undelivered.count == 1 else f"{undelivered.count} notices"
        message = (
            f"{notices} to {undelivered.target} could not be told, the oldest {undelivered.oldest_s / 3600:.1f} h ago"
        )
        remedy = "the log says why (notice.put_off); they are tried again, for three days"
        yield Finding("notices", "warn", message, remedy)
    if not failing:
        yield Finding("notices", "ok", f"told by {' and '.join(targets)}, none has failed")


async def _undelivered(settings: Settings) -> tuple[Undelivered, ...]:
    async with open_store(settings) as store:
        return await store.undelivered()


def _port(settings: Settings) -> Iterator[Finding]:
    try:
        take_port(settings.host, settings.port).close()
    except PortTaken as taken:
        yield Finding("port", "warn", str(taken), "fine if that is Handrail itself")
    else:
        yield Finding("port", "ok", f"{settings.host}:{settings.port} is free")


def _exposure(settings: Settings) -> Iterator[Finding]:
    """What matters once others than this machine can connect."""
    if settings.public_url is None and not is_loopback(settings.host):
        message = f"the server listens on {settings.host} without public_url"
        yield Finding(
            "exposure", "warn", message, "put a proxy with HTTPS before it and set public_url to its https:// URL"
        )
    elif settings.public_url is not None and not settings.public_url.startswith("https://"):
        message = f"public_url {settings.public_url!r} is not https"
        yield Finding(
            "exposure", "warn", message, "without HTTPS others on the network read along; use an https:// URL"
        )
    else:
        yield Finding(
            "exposure",
            "ok",
            "reachable from this machine alone" if settings.public_url is None else settings.public_url,
        )
    if not any(site.allowed_origins for site in settings.all_sites().values()):
        remedy = "set allowed_origins to the origin of the pages that embed the widget"
        yield Finding("origins", "warn", "the widget works on this server's own pages only", remedy)
