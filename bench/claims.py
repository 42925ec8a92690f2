"""Claim race: many agents claim one chat at the same moment, over HTTP: one wins, the others learn who.

    python -m bench.claims --agents 50 --servers 2

With two servers the agents are spread over two processes on one SQLite file.
"""

import argparse
import asyncio
import io
import tempfile
from collections import Counter
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path

import httpx

import handrail
from conversation.events import JsonObject
from tests.harness.running import Running, start
from tests.harness.visitor import visit


def run(data: Path, *, kb: Path, agents: int, servers: int, chats: int) -> Counter[str]:
    """How often each outcome came: `won`, `refused and told the owner`, or what else was answered."""
    running = [start(data, kb=kb) for _ in range(servers)]
    with ExitStack() as stack:
        for server in running:
            stack.callback(server.stop)
        tokens = [_agent(number, data) for number in range(agents)]
        return asyncio.run(_claim_all(running, tokens, chats))


def _agent(number: int, data: Path) -> str:
    email = f"agent{number}@example.com"
    _printed("agent", "add", email, "--name", f"Agent {number}", "--data", str(data))
    return _printed("agent", "token", email, "--data", str(data))


def _printed(*words: str) -> str:
    """What a command prints, in this process: a hundred processes would take minutes."""
    with redirect_stdout(io.StringIO()) as printed, redirect_stderr(io.StringIO()):
        status = handrail.main(words)
    assert status == 0, words
    return printed.getvalue().strip()


async def _claim_all(servers: list[Running], tokens: list[str], chats: int) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=len(tokens))) as client:
        for _ in range(chats):
            await _come_online(client, servers[0], tokens[0])
            async with visit(servers[0].chat_url) as visitor:
                await visitor.send("call_human")
                await visitor.until("handoff_requested")
                answers = await asyncio.gather(
                    *(
                        _claim(client, servers[n % len(servers)], token, str(visitor.welcome["conversation_id"]))
                        for n, token in enumerate(tokens)
                    )
                )
                claimed = await visitor.until("claimed")
            outcomes.update(_judge(answers, claimed))
    return outcomes


async def _come_online(client: httpx.AsyncClient, server: Running, token: str) -> None:
    """Someone must be at the desk for a visitor to be queued."""
    body = {"status": "online", "capacity": 5}
    answer = await client.put(f"{server.url}/v1/presence", json=body, headers=_bearer(token))
    answer.raise_for_status()


async def _claim(client: httpx.AsyncClient, server: Running, token: str, conversation_id: str) -> httpx.Response:
    return await client.post(f"{server.url}/v1/conversations/{conversation_id}/claim", json={}, headers=_bearer(token))


def _judge(answers: list[httpx.Response], claimed: JsonObject) -> list[str]:
    """The owner every loser names must be the one whom the visitor sees."""
    holder = claimed["holder"]
    assert isinstance(holder, dict)
    return [_outcome(answer, str(holder["name"])) for answer in answers]


def _outcome(answer: httpx.Response, owner: str) -> str:
    if answer.status_code == httpx.codes.OK:
        return "won" if answer.json()["by"]["name"] == owner else "won, but somebody else holds it"
    body = answer.json()
    if answer.status_code == httpx.codes.CONFLICT and body.get("claimed_by") == owner:
        return "refused and told the owner"
    return f"{answer.status_code} {body.get('code')}"


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def main() -> None:
    """Run it and print how often each outcome came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kb", type=Path, default=Path("kb_articles"))
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--servers", type=int, default=1, help="processes on one SQLite file")
    parser.add_argument("--chats", type=int, default=5, help="claimed one after another")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        kb = args.kb.resolve()
        outcomes = run(Path(data), kb=kb, agents=args.agents, servers=args.servers, chats=args.chats)
    for outcome, count in outcomes.most_common():
        print(f"{count:5} {outcome}")
    raise SystemExit(
        dict(outcomes) != {"won": args.chats, "refused and told the owner": args.chats * (args.agents - 1)}
    )


if __name__ == "__main__":
    main()
