"""Answer throughput and latency: how many questions a second are answered durably, beside what the encoder alone could do at most.

    python -m bench.answers --kb ../shared/data/arduino_help/kb --questions ../shared/data/banking77/dev/questions.jsonl

For each database and number of workers there are a server and a data folder of their own (with PostgreSQL and Redis of
their own where those are asked for), and a table with a line for each number of sockets. Sockets go round in a closed
loop: each sends a question, waits for the reply, which is stored durably before it is sent, and asks the next. Without
`--says` a socket keeps one conversation for ever, so that all questions but its first are read with what was said
before; with `--says 1` every question is the first of a new visitor over a new socket; with more, so many questions are
asked in each conversation. Opening sockets counts in answers/s alone; ms are from a question to its reply.

Before each line the same questions go through the encoder alone, in a process of its own while the server is idle: one
at a time, and in batches of 32; the ratios are answers/s to these. Memory is the proportional set size of the supervisor
and all its processes, so what they share counts once. Client and server share the machine: where the client takes nearly
a core, it is the client that is measured. In the end everything stored is read: each question must have exactly one
reply. Whatever is refused, broken or answered otherwise ends the table with a line that says so, and this with status 1.

The tutorials' server takes the same questions in the same loop, beside the same encoder; divide answers/s by its:

    python -m bench.tutorial --kb ../shared/data/arduino_help/kb --questions ../shared/data/banking77/dev/questions.jsonl
"""

import argparse
import itertools
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import orjson

from bench import encoder_baseline
from bench.loop import HEAD, SOCKETS, Ask, ask_for, row
from retrieval.knowledge import INDEX
from tests.harness.deployment import Deployment, prepare
from tests.harness.running import ROOT, borrow_model, handrail
from tests.harness.visitor import visit


class AnsweredOtherwise(Exception):
    """What is stored is not one reply to each question asked."""

    def __init__(self, asked: int, answers: Counter[int]) -> None:
        super().__init__(asked, answers)
        self.asked, self.answers = asked, answers

    def __str__(self) -> str:
        stored = ", ".join(f"{count} have {replies} replies" for replies, count in sorted(self.answers.items()))
        return f"{self.asked} questions were asked; of those stored {stored or 'there are none'}"


def main() -> None:
    """Run every combination and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kb", type=Path, default=Path("kb_articles"))
    parser.add_argument("--questions", type=Path, required=True, help="questions.jsonl; only the questions are used")
    parser.add_argument("--data", type=Path, default=ROOT / "var", help="where the exported model lies, or is put")
    parser.add_argument("--on", choices=("sqlite", "postgres"), nargs="+", default=["sqlite", "postgres"])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--sockets", type=int, nargs="+", default=SOCKETS)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to ask with each number of sockets")
    parser.add_argument("--says", type=int, help="questions of a conversation before a new visitor comes")
    args = parser.parse_args()
    kb, models, wrong = args.kb.resolve(), args.data.resolve(), False
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "built"
        borrow_model(built, models)
        handrail("kb", "build", "--kb", str(kb), data=built)
        for on, workers in itertools.product(args.on, args.workers):
            print(f"\n{on}, {workers} worker{'' if workers == 1 else 's'}", flush=True)
            with ExitStack() as stack:
                deployment = prepare(stack, Path(folder) / f"{on}-{workers}", kb, on, models, workers=workers)
                shutil.copytree(built / INDEX, deployment.data / INDEX)
                try:
                    measure(
                        deployment, args.questions, args.sockets, seconds=args.seconds, says=args.says, models=models
                    )
                except (ExceptionGroup, AnsweredOtherwise) as problem:
                    wrong = True
                    print(f"WRONG: {type(_first(problem)).__name__}: {_first(problem)}", flush=True)
    raise SystemExit(wrong)


def _first(problem: Exception) -> Exception:
    """What went wrong on one line, of all those that went down with it."""
    return _first(problem.exceptions[0]) if isinstance(problem, ExceptionGroup) else problem


def measure(
    deployment: Deployment, questions: Path, sockets: Sequence[int], *, seconds: float, says: int | None, models: Path
) -> None:
    """Start the server, ask, and compare with what is stored. Raises AnsweredOtherwise."""
    endless = itertools.cycle(encoder_baseline.asked_in(questions))
    began = time.perf_counter()
    deployment.open()
    (server,) = deployment.servers

    @asynccontextmanager
    async def line() -> AsyncIterator[Ask]:
        async with visit(server.chat_url) as visitor:
            yield visitor.ask

    asked = len(ask_for(line, endless, sockets=1, seconds=0.0).took_ms)
    print(f"start to first answer {time.perf_counter() - began:.2f} s, memory then {server.pss_mib():.0f} MiB")
    print(HEAD, flush=True)
    for count in sockets:
        encoder = encoder_baseline.measure(questions, models)
        done = ask_for(line, endless, sockets=count, seconds=seconds, says=says)
        asked += len(done.took_ms)
        print(row(count, done, server.pss_mib(), encoder), flush=True)
    deployment.close()
    _compare(deployment, asked)
    print(f"{asked} questions, each stored and answered once")


def _compare(deployment: Deployment, asked: int) -> None:
    exported = deployment.data / "everything.jsonl"
    handrail("export", "--out", str(exported), data=deployment.data, settings=deployment.settings)
    answers = replies(exported)
    if answers != {1: asked}:
        raise AnsweredOtherwise(asked, answers)


def replies(exported: Path) -> Counter[int]:
    """How many questions have how many replies, in an export of everything."""
    answers: dict[tuple[str, int], int] = {}
    with exported.open("rb") as lines:
        for event in map(orjson.loads, lines):
            if event["kind"] == "visitor_said":
                answers.setdefault((event["conversation_id"], event["seq"]), 0)
            for seq in event.get("answers", ()):
                answers[event["conversation_id"], seq] = answers.get((event["conversation_id"], seq), 0) + 1
    return Counter(answers.values())


if __name__ == "__main__":
    main()
