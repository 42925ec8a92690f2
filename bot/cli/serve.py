"""`handrail serve`: answer visitors and serve the console."""

import sys
from argparse import ArgumentParser, Namespace

import structlog

from bot.assembly.compose import Application, prepare
from bot.cli.loop import run_on_uvloop
from bot.cli.options import add_settings, settings_of
from bot.server import run_server, supervise, take_port
from handoff.errors import UnknownAgent

log = structlog.get_logger()

DEMO_EMAIL = "demo@example.com"


def add_arguments(parser: ArgumentParser) -> None:
    """Arguments: host, port, workers; the handler is left in `run`."""
    add_settings(parser)
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default 8000)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that serve on the port (default 1)")
    parser.add_argument("--demo", action="store_true", help="print the demo page, the console and a one-time login")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """`handrail serve`: until SIGTERM, then 0."""
    settings = settings_of(args)
    announce = print_demo if args.demo else print_nothing
    if settings.workers > 1:
        run_on_uvloop(supervise(settings, announce))
        return 0
    with take_port(settings.host, settings.port) as listener:
        encoder, knowledge = prepare(settings)

        async def say(application: Application, url: str) -> None:
            log.info("serving", url=url, kb=str(settings.kb), articles=len(knowledge.snapshot.articles), workers=1)
            await announce(application, url)

        run_on_uvloop(run_server(settings, listener, encoder, knowledge, say))
    return 0


async def print_nothing(_application: Application, _url: str) -> None:
    """Without `--demo` the log says enough."""


async def print_demo(application: Application, url: str) -> None:
    """Where to look, and a way in that works once."""
    accounts = application.accounts
    try:
        token = await accounts.login_link_token(DEMO_EMAIL)
    except UnknownAgent:
        await accounts.add(email=DEMO_EMAIL, name="Demo agent", role="admin")
        token = await accounts.login_link_token(DEMO_EMAIL)
    sys.stdout.write(
        f"\n  Chat as a visitor   {url}/demo"
        f"\n  Help centre         {url}/help"
        f"\n  Answer as an agent  {url}/console"
        f"\n  Sign in once with   {url}/console/login?token={token}\n\n"
    )
    sys.stdout.flush()
