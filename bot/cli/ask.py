"""`handrail ask`: ask the bot a question in the terminal."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict

import orjson
from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.text import Text

from bot.answer import Reply, TurnDeps, TurnInput, take_turn
from bot.assembly.adapters import (
    open_calibration,
    open_generator,
    open_phrasebook,
    open_request_probe,
    open_tone,
    policy_of,
)
from bot.assembly.compose import prepare
from bot.cli.loop import run_on_uvloop
from bot.cli.options import add_settings, settings_of
from bot.settings import Settings
from conversation.clock import SystemClock
from conversation.events import Citation
from retrieval.articles import Audience
from retrieval.index import Knowledge
from retrieval.model import Batcher, Encoder


def add_arguments(parser: ArgumentParser) -> None:
    """Arguments: the question; the handler is left in `run`."""
    add_settings(parser)
    parser.add_argument("question", help="what a visitor would write")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """`handrail ask`: one question through the same `turn` as live traffic; nothing is stored."""
    settings = settings_of(args)
    encoder, knowledge = prepare(settings)
    reply = run_on_uvloop(_ask(args.question, settings, encoder, knowledge))
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
        asks = open_request_probe(settings.data, encoder)
        deps = TurnDeps(
            knowledge.snapshot,
            batcher.encode,
            settings.public_url or "",
            generator,
            calibration,
            tone,
            phrasebook=open_phrasebook(settings),
            request_probe=asks,
        )
        return await take_turn(TurnInput(question, Audience("default")), deps, policy_of(settings, calibration))


def _document(question: str, reply: Reply) -> dict[str, object]:
    return {
        "question": question,
        "outcome": reply.outcome,
        "confidence": reply.confidence,
        "answer": reply.text,
        "offers_person": reply.offers_person,
        "citations": [asdict(citation) for citation in reply.citations],
        "shown": [*reply.shown],
        "choices": [asdict(choice) for choice in reply.choices],
        "suggestions": [choice.label for choice in reply.choices],
        "kb_version": reply.kb_version,
        "trace": reply.trace,
    }


def _show(reply: Reply) -> None:
    console = Console()
    console.print(Markdown(reply.text))
    others = reply.citations[1:] if reply.outcome == "suggest" else ()
    _show_others(others, console)
    cited = {citation.article_id for citation in others}
    buttons = [choice.label for choice in reply.choices if choice.article_id not in cited]
    if buttons:
        console.print(*("", *(f"  ▸ {label}" for label in buttons)), sep="\n", highlight=False, markup=False)
    console.print(
        f"\n[bold]{reply.outcome}[/] · confidence {reply.confidence:.2f} · {reply.decision.why}", highlight=False
    )
    for rank, article_id in enumerate(reply.ranked[:5], start=1):
        console.print(f"  {rank}. {article_id}", highlight=False, markup=False)


def _show_others(others: Sequence[Citation], console: Console) -> None:
    """The cards of a suggestion: title, where in the article, and a line of what stands there."""
    if others:
        console.print("\nYou may also look at:")
    for other in others:
        place = f" › {other.heading}" if other.heading and other.heading != other.title else ""
        console.print(f"  • {other.title}{place}", highlight=False, markup=False)
        console.print(Padding(Text(other.quote), (0, 0, 0, 4)))
