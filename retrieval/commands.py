"""`handrail kb`: build the index, check the articles, try a search."""

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:  # the articles are checked without a model, an index or a search
    from argparse import _SubParsersAction

    from rich.table import Table
    from rich.text import Text

    from retrieval.search import CorrectedQuery, Hit

DONE, FAILED = 0, 1
SHOWN_CHARS = 160


def add_arguments(parser: ArgumentParser) -> None:
    """The sub-commands; each leaves its handler in `run`, which expects kb, data and model in its args."""
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add(commands, "build", run_build, "build the index that serve uses")
    _add(commands, "lint", run_lint, "check the articles").add_argument(
        "--json", action="store_true", help="print JSON"
    )
    search = _add(commands, "search", run_search, "search as an answer would")
    search.add_argument("query", metavar="QUERY", help="what a visitor might ask")
    search.add_argument("--json", action="store_true", help="print JSON")
    search.add_argument("--internal", action="store_true", help="also find what only agents may see")
    search.add_argument(
        "--limit", type=_positive, default=5, metavar="N", help="articles to show (default %(default)s)"
    )


def run_build(args: Namespace) -> int:
    """`kb build`: broken articles are named and make it fail, though the index of what is good stands."""
    from retrieval.knowledge import open_knowledge

    _, knowledge = open_knowledge(args.kb, args.data, args.model)
    snapshot = knowledge.snapshot
    for error in knowledge.errors:
        sys.stderr.write(f"{error}\n")
    count = f"{len(snapshot.articles)} articles, {len(snapshot.chunks)} passages"
    sys.stdout.write(f"{count}, version {snapshot.kb_version}\n")
    return FAILED if knowledge.errors else DONE


def run_lint(args: Namespace) -> int:
    """`kb lint`: everything wrong with the articles; errors make it fail, warnings do not."""
    from retrieval.articles import lint_articles, read

    reading = read(args.kb)
    problems = lint_articles(reading)
    if args.json:
        _write_json([asdict(problem) for problem in problems])
    else:
        sys.stdout.writelines(f"{problem}\n" for problem in problems)
        sys.stdout.write(f"{len(reading.articles)} articles, {len(problems)} problems\n")
    return FAILED if any(problem.severity == "error" for problem in problems) else DONE


def run_search(args: Namespace) -> int:
    """`kb search`: the best passage of each article, with the score of each signal."""
    from rich.console import Console

    from retrieval.articles import Audience
    from retrieval.knowledge import open_knowledge
    from retrieval.search import Query, correct_spelling, search

    encoder, knowledge = open_knowledge(args.kb, args.data, args.model)
    audience = Audience("default", internal=args.internal)
    reading = correct_spelling(knowledge.snapshot, args.query, audience)
    query = Query(reading.text, encoder.encode_queries([reading.text])[0])
    hits = search(knowledge.snapshot, query, audience, args.limit)
    if args.json:
        documents = [_document(hit) for hit in hits]
        version = knowledge.snapshot.kb_version
        _write_json({"kb_version": version, "read_as": dict(reading.corrections), "hits": documents})
    else:
        Console().print(*_read_as(reading), _table(hits), sep="\n")
    return DONE


def _add(
    commands: "_SubParsersAction[ArgumentParser]", name: str, run: Callable[[Namespace], int], words: str
) -> ArgumentParser:
    parser = commands.add_parser(name, help=words, description=words)
    parser.add_argument("--kb", type=Path, metavar="DIR", help="folder of the articles (default kb_articles)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of index and model (default var)")
    parser.add_argument("--model", help="embedding model: a name or a path (default all-MiniLM-L6-v2)")
    parser.set_defaults(run=run)
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _read_as(reading: "CorrectedQuery") -> "Iterator[Text]":
    from rich.text import Text

    for typed, meant in reading.corrections.items():
        yield Text(f"{typed!r} read as {meant!r}")


def _table(hits: "Sequence[Hit]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    from retrieval.articles import plain
    from retrieval.search import best_passages

    table = Table("article", "passage", "dense", "lexical")
    for hit in best_passages(hits):
        where = " › ".join((hit.article.title, *hit.chunk.heading_path))
        words = f"{where}\n{plain(hit.chunk.text)[:SHOWN_CHARS]}"
        scores = (f"{signal.score:.2f}" if signal else "" for signal in map(hit.signals.get, ("dense", "lexical")))
        table.add_row(*(Text(cell) for cell in (hit.article.article_id, words, *scores)))
    return table


def _document(hit: "Hit") -> dict[str, object]:
    return {
        "article_id": hit.article.article_id,
        "title": hit.article.title,
        "heading_path": hit.chunk.heading_path,
        "anchor": hit.chunk.anchor,
        "score": hit.score,
        "signals": {name: asdict(signal) for name, signal in hit.signals.items()},
        "text": hit.chunk.text,
    }


def _write_json(document: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
