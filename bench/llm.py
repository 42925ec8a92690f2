"""Language model faults: what a visitor gets, and after how long, whatever the language model does: one real server for each misbehaviour.

    python -m bench.llm

Each row is a `handrail serve` of its own with `HANDRAIL_LLM` pointing at a server on loopback that behaves as the row
says. A visitor asks one question over the socket. `result` is what the trace of the stored reply says.
"""

import argparse
import asyncio
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from tests.harness.llm_server import BEHAVIOURS, serving
from tests.harness.running import Running, handrail, start
from tests.harness.visitor import visit

ARTICLE = """# Refunds

## When the money arrives

A refund takes five working days to reach your bank account. You get a mail when it is on its way.
"""
AGENT = "bench@example.com"
QUESTION = "How many days does a refund take to reach my bank account?"
HEAD = f"{'the model ...':<24}{'the visitor got':<22}{'drafts':>7}{'first':>9}{'reply':>9}   result"


@dataclass(frozen=True, slots=True)
class BehaviourRow:
    """One behaviour; `first_s` is the time to the first draft or, without one, to the reply."""

    behaviour: str
    text: str
    drafts: tuple[str, ...]
    first_s: float
    reply_s: float
    result: str

    def __str__(self) -> str:
        got = "the model's words" if self.result == "worded" else "the article's words"
        times = f"{self.first_s:>7.2f} s{self.reply_s:>7.2f} s"
        return f"{self.behaviour:<24}{got:<22}{len(self.drafts):>7}{times}   {self.result}"


async def play(behaviour: str, data: Path, kb: Path) -> BehaviourRow:
    """Serve with a model that behaves so, ask once, and stop."""
    async with serving() as model:
        settings = {
            "HANDRAIL_LLM": f"openai:{behaviour}",
            "HANDRAIL_LLM_BASE_URL": model.base_url,
            "HANDRAIL_LLM_API_KEY": "not-a-key",
            "HANDRAIL_ANSWER_CONFIDENCE": "0.5",  # what is measured is the wording
        }
        server = await asyncio.to_thread(start, data, kb=kb, settings=settings)
        try:
            return await _ask(behaviour, server, data)
        finally:
            await asyncio.to_thread(server.stop)


async def _ask(behaviour: str, server: Running, data: Path) -> BehaviourRow:
    async with visit(server.chat_url) as visitor:
        began = time.perf_counter()
        await visitor.send("say", text=QUESTION)
        drafts: list[str] = []
        first_s = 0.0
        while True:
            frame = await visitor.hear()
            if frame["type"] == "draft" or frame.get("kind") == "bot_said":
                first_s = first_s or time.perf_counter() - began
            if frame["type"] == "draft":
                drafts.append(str(frame["text"]))
            if frame.get("kind") == "bot_said":
                break
        reply_s = time.perf_counter() - began
        conversation_id = str(visitor.welcome["conversation_id"])
    result = await asyncio.to_thread(_result, server.url, conversation_id, data)
    return BehaviourRow(behaviour, str(frame["text"]), tuple(drafts), first_s, reply_s, result)


def _result(url: str, conversation_id: str, data: Path) -> str:
    """What the trace says, as an agent reads it."""
    token = handrail("agent", "token", AGENT, data=data)
    address = f"{url}/v1/conversations/{conversation_id}/events?after=0"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as response:
        events = orjson.loads(response.read())["events"]
    return str(next(event["trace"]["model"]["result"] for event in events if event["kind"] == "bot_said"))


def prepare(folder: Path) -> tuple[Path, Path]:
    """Data and articles for `play`, under `folder`; the embedding model is exported and an agent may read traces."""
    data, kb = folder / "data", folder / "kb"
    kb.mkdir()
    (kb / "refunds.md").write_text(ARTICLE, encoding="utf-8")
    start(data, kb=kb).stop()
    handrail("agent", "add", AGENT, "--name", "Bench", "--role", "admin", data=data)
    return data, kb


async def _table(behaviours: Sequence[str], folder: Path) -> None:
    data, kb = await asyncio.to_thread(prepare, folder)
    print(HEAD)
    for behaviour in behaviours:
        print(await play(behaviour, data, kb), flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("behaviours", nargs="*", help="some of them (default: all)", metavar="BEHAVIOUR")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_table(args.behaviours or list(BEHAVIOURS), Path(folder)))


if __name__ == "__main__":
    main()
