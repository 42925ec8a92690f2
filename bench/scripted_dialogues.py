"""Scripted dialogues: five whole conversations, played through the socket of a real server and printed with decisions and reasons.

    python -m bench.scripted_dialogues

An agent sits at the desk and works over HTTP. What is printed is what agents may see: who said what, for every reply of
the bot its outcome, confidence, the visitor's mood and why it was decided so, and for every call what the agent is told.
"""

import argparse
import asyncio
import tempfile
import textwrap
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from conversation.events import JsonObject
from tests.harness.running import Running, handrail, start
from tests.harness.visitor import SocketVisitor, visit

PATIENCE_S = 20.0  # what has not come by then does not come: the course broke off
WIDTH = 120
INDENT = " " * 11


@dataclass(frozen=True, slots=True)
class DialogueScene:
    """A visitor at the socket and an agent at the desk, in one conversation."""

    visitor: SocketVisitor
    desk: httpx.AsyncClient

    @property
    def conversation_id(self) -> str:
        """Whose transcript is printed."""
        return str(self.visitor.welcome["conversation_id"])

    async def ask(self, *texts: str) -> JsonObject:
        """Say one after the other until a person is called; the bot's last reply."""
        for text in texts:
            reply = await self.visitor.ask(text)
            if reply["outcome"] == "handoff":
                break
        return reply

    async def do(self, kind: str, heard: str, **fields: object) -> None:
        """A command of the visitor, until the event it makes is heard."""
        await self.visitor.send(kind, **fields)
        await self.visitor.until(heard)

    async def agent(self, command: str, **fields: object) -> None:
        """A command of the agent. Raises httpx.HTTPStatusError where it is refused."""
        path = f"/v1/conversations/{self.conversation_id}/{command}"
        (await self.desk.post(path, json=fields)).raise_for_status()


async def answered(scene: DialogueScene) -> None:
    """An ordinary question is answered, and the visitor is content."""
    reply = await scene.ask("Hi! How do I put the chat widget on my website?")
    await scene.ask("Great, thanks a lot!")
    await scene.do("rate", "rated", seq=reply["seq"], helpful=True)


async def unanswerable(scene: DialogueScene) -> None:
    """Nobody can answer it, also in other words: a person is called, answers and closes."""
    await scene.ask(
        "Do you ship spare batteries to Norway?", "I mean replacement batteries, can I get them sent to Oslo?"
    )
    await scene.agent("claim")
    await scene.agent("say", text="Hello, Ana here. We sell no batteries, but any shop for laptops has that type.")
    await scene.visitor.until("agent_said")
    await scene.visitor.send("say", text="Ah, good to know. Thank you!")
    await scene.visitor.until("visitor_said")
    await scene.agent("close", reason="answered")


async def frustrated(scene: DialogueScene) -> None:
    """It gets worse until a person is called; given back to the bot, which fails again, it goes straight to a person."""
    await scene.ask(
        "How do I change the colour of the chat button?",
        "No, that is not what I asked. I want another colour for the button",
        "I already told you: how do I change the colour of the chat button?",
        "THIS IS USELESS!!! HOW DO I CHANGE THE COLOUR OF THE BUTTON???",
    )
    await scene.agent("claim")
    await scene.agent("say", text="I am sorry about that. I have set the colour for you; reload the page.")
    await scene.visitor.until("agent_said")
    await scene.agent("return")
    await scene.visitor.until("returned_to_bot")
    await scene.ask("ok. and can the button play our company song when somebody clicks it?", "that does not help me")


async def misspelt(scene: DialogueScene) -> None:
    """A call for a person with a slip, in the middle of a question; the visitor thinks better of it."""
    await scene.ask("my backup from last night looks broken, can i talk to a reprsentative, or how do I check it?")
    await scene.do("cancel_human", "returned_to_bot")
    await scene.ask("How do I restore a backup?")


async def closed_desk(scene: DialogueScene) -> None:
    """Nobody is there: the bot says so and takes an address, and goes on answering."""
    (await scene.desk.put("/v1/presence", json={"status": "offline"})).raise_for_status()
    await scene.ask("Do you ship spare batteries to Norway?")
    await scene.ask("This is ridiculous. Nobody ever helps me here, I want a real person!")
    await scene.do("contact", "contact_left", email="kari@example.com", name="Kari")
    await scene.ask("Well, then: how do I put the chat widget on my website?")


DIALOGUES: Sequence[Callable[[DialogueScene], Awaitable[None]]] = (
    answered,
    unanswerable,
    frustrated,
    misspelt,
    closed_desk,
)


async def play(server: Running, token: str) -> bool:
    """Play and print them all; whether each came to its end."""
    all_ended = True
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as desk:
        for number, dialogue in enumerate(DIALOGUES, start=1):
            (await desk.put("/v1/presence", json={"status": "online", "capacity": 5})).raise_for_status()
            print(f"\n{number}. {dialogue.__doc__}\n")
            async with visit(server.chat_url) as visitor:
                all_ended &= await _play_one(dialogue, DialogueScene(visitor, desk))
    return all_ended


async def _play_one(dialogue: Callable[[DialogueScene], Awaitable[None]], scene: DialogueScene) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await dialogue(scene)
        problem = ""
    except (TimeoutError, httpx.HTTPStatusError) as broken:
        problem = f"broke off: {broken or 'what was waited for did not come'}"
    answer = await scene.desk.get(f"/v1/conversations/{scene.conversation_id}/events")
    for event in answer.raise_for_status().json()["events"]:
        print("\n".join(transcript(event)))
    print(problem)
    return not problem


def transcript(event: JsonObject) -> list[str]:
    """The lines of one event as an agent may read it."""
    by, kind = event["by"], str(event["kind"])
    assert isinstance(by, dict)
    who = str(by["name"] or by["kind"])
    if kind in {"visitor_said", "agent_said"}:
        return _lines(who, str(event["text"]))
    if kind == "bot_said":
        return [*_lines(who, str(event["text"])), *_decision(event)]
    skipped = {"seq", "event_id", "at", "kind", "by", "v", "client_id", "conversation_id", "state", "hold", "holder"}
    details = "\n".join(f"{name}: {value}" for name, value in event.items() if name not in skipped and value)
    return _lines(who, f"[{kind.replace('_', ' ')}]\n{details}".strip())


def _decision(event: JsonObject) -> list[str]:
    trace = event["trace"]
    assert isinstance(trace, dict)
    mood = event["mood"]
    decision = {
        "outcome": event["outcome"],
        "confidence": event["confidence"],
        "mood": f"{mood['score']} {mood['reason']}".strip() if isinstance(mood, dict) else "unknown",
        "reason": event["reason"],
        "why": trace.get("why"),
        "buttons": event["suggestions"],
    }
    return [f"{INDENT}  {name}: {value}" for name, value in decision.items() if value]


def _lines(who: str, text: str) -> list[str]:
    lines = [line for part in text.splitlines() for line in textwrap.wrap(part, WIDTH - len(INDENT)) or [""]]
    return [f"{who if not number else '':{len(INDENT)}}{line}" for number, line in enumerate(lines)]


def main() -> None:
    """Start a server, play, print; exit status 1 where a course broke off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kb", type=Path, default=Path("kb_articles"))
    parser.add_argument("--models", type=Path, default=Path("var/models"), help="where a prepared model may lie")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        if args.models.is_dir():
            (data / "models").symlink_to(args.models.resolve())
        server = start(data, kb=args.kb.resolve())
        try:
            handrail("agent", "add", "ana@example.com", "--name", "Ana", data=data)
            all_ended = asyncio.run(play(server, handrail("agent", "token", "ana@example.com", data=data)))
        finally:
            server.stop()
    raise SystemExit(not all_ended)


if __name__ == "__main__":
    main()
