"""The command line of the bot: `serve`, `ask`, `doctor`."""

import asyncio
import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import orjson
import structlog
import uvloop
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape

from bot.answer import Reply, TurnDeps, TurnInput, take_turn
from bot.assembly import Application, open_calibration, open_generator, open_tone, policy_of, prepare
from bot.server import Finding, diagnose, run_server, supervise, take_port
from bot.settings import Settings, load_settings
from conversation.clock import SystemClock
from handoff.errors import UnknownAgent
from retrieval.articles import Audience
from retrieval.index import Knowledge
from retrieval.model import Batcher, Encoder

log = structlog.get_logger()

Result = TypeVar("Result")

DEMO_EMAIL = "demo@example.com"

SYMBOLS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "fail": "[red]✗[/]"}


def add_commands(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Register the bot's commands; each leaves its handler in `run`."""
    serving = commands.add_parser("serve", help="answer visitors and serve the console")
    add_settings(serving)
    serving.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    serving.add_argument("--port", type=int, help="port to listen on (default 8000)")
    serving.add_argument("--workers", type=int, metavar="N", help="processes that serve on the port (default 1)")
    serving.add_argument("--demo", action="store_true", help="print the demo page, the console and a one-time login")
    serving.set_defaults(run=run_serve)
    asking = commands.add_parser("ask", help="ask the bot a question in the terminal")
    add_settings(asking)
    asking.add_argument("question", help="what a visitor would write")
    asking.add_argument("--json", action="store_true", help="print one JSON document")
    asking.set_defaults(run=run_ask)
    doctor = commands.add_parser("doctor", help="check the set-up and say what to do")
    add_settings(doctor)
    doctor.add_argument("--json", action="store_true", help="print one JSON document")
    doctor.set_defaults(run=run_doctor)


def add_settings(parser: ArgumentParser) -> None:
    """The settings that most commands take; they win over HANDRAIL_* and handrail.toml."""
    parser.add_argument("--kb", type=Path, metavar="DIR", help="folder of the articles (default kb_articles)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of database, index and model (default var)")
    parser.add_argument("--model", help="embedding model: a name or a path (default all-MiniLM-L6-v2)")


def settings_of(args: Namespace) -> Settings:
    """The settings with what the command line chose. Raises SettingsError."""
    given = {name: getattr(args, name, None) for name in ("kb", "data", "model", "host", "port", "workers")}
    return load_settings(**given)


def run_serve(args: Namespace) -> int:
    """`handrail serve`: until SIGTERM, then 0."""
    settings = settings_of(args)
    announce = print_demo if args.demo else print_nothing
    if settings.workers > 1:
        _run(supervise(settings, announce))
        return 0
    listener = take_port(settings.host, settings.port)
    encoder, knowledge = prepare(settings)

    async def say(house: Application, url: str) -> None:
        log.info("serving", url=url, kb=str(settings.kb), articles=len(knowledge.snapshot.articles), workers=1)
        await announce(house, url)

    _run(run_server(settings, listener, encoder, knowledge, say))
    return 0


async def print_nothing(_house: Application, _url: str) -> None:
    """Without `--demo` the log says enough."""


async def print_demo(house: Application, url: str) -> None:
    """Where to look, and a way in that works once."""
    accounts = house.accounts
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


def run_ask(args: Namespace) -> int:
    """`handrail ask`: one question through the same `turn` as live traffic; nothing is stored."""
    settings = settings_of(args)
    encoder, knowledge = prepare(settings)
    reply = _run(_ask(args.question, settings, encoder, knowledge))
    if args.json:
        sys.stdout.buffer.write(orjson.dumps(_document(args.question, reply), option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _show(reply)
    return 0


async def _ask(question: str, settings: Settings, encoder: Encoder, knowledge: Knowledge) -> Reply:
    async with Batcher(encoder) as batcher:
        generator = open_generator(settings, SystemClock(), lambda _call: None)
        tone = open_tone(settings.data, encoder)
        calibration = open_calibration(settings)
        knows = TurnDeps(knowledge.snapshot, batcher.encode, settings.public_url or "", generator, calibration, tone)
        return await take_turn(TurnInput(question, Audience("default")), knows, policy_of(settings, calibration))


def _document(question: str, reply: Reply) -> dict[str, object]:
    return {
        "question": question,
        "outcome": reply.outcome,
        "confidence": reply.confidence,
        "answer": reply.text,
        "citations": [asdict(citation) for citation in reply.citations],
        "suggestions": list(reply.suggestions),
        "kb_version": reply.kb_version,
        "trace": reply.trace,
    }


def _show(reply: Reply) -> None:
    console = Console()
    console.print(Markdown(reply.text))
    for text in reply.suggestions:
        console.print(f"  ▸ {text}", highlight=False, markup=False)
    console.print(
        f"\n[bold]{reply.outcome}[/] · confidence {reply.confidence:.2f} · {reply.trace['why']}", highlight=False
    )
    for rank, article_id in enumerate(reply.ranked[:5], start=1):
        console.print(f"  {rank}. {article_id}", highlight=False, markup=False)


def run_doctor(args: Namespace) -> int:
    """`handrail doctor`: 1 where a check failed; a warning alone is no failure."""
    findings = list(diagnose(settings_of(args)))
    if args.json:
        document = {"findings": [asdict(finding) for finding in findings]}
        sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        for finding in findings:
            _show_finding(finding)
    return int(any(finding.status == "fail" for finding in findings))


def _show_finding(finding: Finding) -> None:
    console = Console(highlight=False)
    console.print(f"{SYMBOLS[finding.status]} [bold]{finding.check}[/]: {escape(finding.message)}", soft_wrap=True)
    if finding.remedy:
        console.print(f"    {escape(finding.remedy)}", soft_wrap=True)


def _run(work: Coroutine[object, object, Result]) -> Result:
    """Run on uvloop, which serves sockets faster than asyncio's own loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
