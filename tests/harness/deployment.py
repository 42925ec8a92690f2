"""Deployments, servers on one database of their own: what experiments with failures, and measurements of throughput, stand on."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness.backing import Postgres, Redis
from tests.harness.running import Running, borrow_model, start


@dataclass(slots=True)
class Deployment:
    """Servers on one database, and what they stand on."""

    data: Path
    kb: Path
    settings: Mapping[str, str]
    postgres: Postgres | None = None
    redis: Redis | None = None
    servers: list[Running] = field(default_factory=list)

    @property
    def urls(self) -> Sequence[str]:
        """Where the servers are, or were a moment ago."""
        return [server.url for server in self.servers]

    def open(self, count: int = 1) -> None:
        """Start so many servers."""
        self.servers += [start(self.data, kb=self.kb, settings=self.settings) for _ in range(count)]

    def close(self) -> None:
        """Stop the servers."""
        while self.servers:
            self.servers.pop().stop()

    async def again(self, place: int, end: Callable[[Running], object]) -> None:
        """End a server and start it again at its port."""
        server = self.servers[place]
        port = int(server.url.rsplit(":", 1)[1])
        await asyncio.to_thread(end, server)
        self.servers[place] = await asyncio.to_thread(start, self.data, kb=self.kb, port=port, settings=self.settings)


def prepare(stack: ExitStack, folder: Path, kb: Path, on: str, models: Path, *, workers: int = 1) -> Deployment:
    """Databases for servers of so many workers, on sqlite or postgres (with Redis), until `stack` ends.

    What is learned of the model is taken from the folder `models`.
    """
    borrow_model(folder / "data", models)
    settings = {"HANDRAIL_WORKERS": str(workers)}
    if on == "sqlite":
        deployment = Deployment(folder / "data", kb, settings)
    else:
        postgres, redis = Postgres.make(folder / "postgres"), Redis.make(folder)
        stack.callback(postgres.stop)
        stack.callback(redis.kill)
        settings |= {"HANDRAIL_DATABASE_URL": postgres.url, "HANDRAIL_REDIS_URL": redis.url}
        deployment = Deployment(folder / "data", kb, settings, postgres, redis)
    stack.callback(deployment.close)
    return deployment
