"""A web server that takes webhooks: it keeps each request as it came, and answers with the bytes it is told to."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Request:
    """A request as it came over the wire; names of headers in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answer` is sent to every request; None: none is, and the connection stays open."""

    answer: bytes | None = b"HTTP/1.1 204 No Content\r\n\r\n"
    requests: list[Request] = field(default_factory=list)
    came: asyncio.Queue = field(default_factory=asyncio.Queue)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def serve(self, reader, writer):
        try:
            while line := await reader.readline():
                await self._take(line, reader)
                if self.answer is not None:
                    writer.write(self.answer)
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.closed.set()
            writer.close()

    async def _take(self, line, reader):
        headers = {}
        while (header := (await reader.readline()).decode("latin-1").strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append(Request(line.decode().strip(), headers, body))
        self.came.put_nowait(self.requests[-1])


@asynccontextmanager
async def receiving(**more):
    """A receiver on loopback."""
    tls = more.pop("tls", None)
    receiver = Receiver(**more)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
