"""Redis adapter of the bus: publish and subscribe for wake-ups across processes and machines."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict

import orjson
import structlog
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from conversation.bus import LocalBus
from conversation.ports import Clock
from conversation.values import Hint, Listener, Reached, Relayed

log = structlog.get_logger(__name__)

CHANNEL = "handrail:hints:1"  # the number is that of the message's form
WAITING = 4096  # hints; what is dropped beyond them, or while Redis is away, the poll finds
AT_ONCE = 256  # hints a message
RETRY_S = 0.5  # far below the two seconds within which the poll delivers anyway
SILENT_S = 5.0  # after which a connection is asked whether it still lives

_Message = tuple[str, list[Reached | Relayed]]  # who sent it, and the hints
_MESSAGE: TypeAdapter[_Message] = TypeAdapter(_Message)


class RedisBus:
    """The Redis `Bus`: hints reach this process at once, others by publish and subscribe while Redis is there."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis, self._clock = redis, clock
        self._local = LocalBus()
        self._waiting: asyncio.Queue[Hint] = asyncio.Queue(WAITING)
        self._name = uuid.uuid4().hex
        self._is_there = True

    @classmethod
    def at(cls, url: str, clock: Clock) -> "RedisBus":
        """The bus of the Redis at `url`, such as redis://localhost:6379; it is first asked by `run`."""
        return cls(Redis.from_url(url, socket_connect_timeout=RETRY_S, health_check_interval=SILENT_S), clock)

    def publish(self, hint: Hint) -> None:
        """Tell those who listen in this process, and soon those in others."""
        self._local.publish(hint)
        if not self._waiting.full():
            self._waiting.put_nowait(hint)

    def listen(
        self, listener: Listener, *, conversation_id: str | None = None, visitor_id: str | None = None
    ) -> Callable[[], None]:
        """Call `listener` on each hint of the topic, of everything where none is given; returns what ends it."""
        return self._local.listen(listener, conversation_id=conversation_id, visitor_id=visitor_id)

    def topics(self) -> tuple[frozenset[str], frozenset[str], bool]:
        """What is listened to in this process."""
        return self._local.topics()

    async def run(self) -> None:
        """Until cancelled: send and receive; whenever Redis goes away, wait for it."""
        try:
            while True:
                try:
                    await self._connected()
                except (RedisError, OSError) as problem:
                    self._note(there=False, problem=str(problem))
                    await self._redis.connection_pool.disconnect()  # the others are of the same server
                await self._clock.sleep(RETRY_S)
        finally:
            await self._redis.aclose()

    async def _connected(self) -> None:
        async with self._redis.pubsub() as inbox:
            await inbox.subscribe(CHANNEL)
            self._note(there=True)
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._send())
                    tasks.create_task(self._receive(inbox))
            except* (RedisError, OSError) as problems:
                raise problems.exceptions[0] from None

    async def _send(self) -> None:
        while True:
            hints = [await self._waiting.get()]
            while len(hints) < AT_ONCE and not self._waiting.empty():
                hints.append(self._waiting.get_nowait())
            await self._redis.publish(CHANNEL, _packed(self._name, hints))

    async def _receive(self, inbox: PubSub) -> None:
        while True:
            message = await inbox.get_message(ignore_subscribe_messages=True, timeout=SILENT_S)
            for hint in () if message is None else self._of_others(message["data"]):
                self._local.publish(hint)

    def _of_others(self, data: bytes) -> Sequence[Hint]:
        try:
            sender, hints = _MESSAGE.validate_json(data)
        except ValidationError as strange:
            log.warning("bus.strange_message", problem=strange.errors(include_url=False)[0]["msg"])
            return ()
        return () if sender == self._name else hints

    def _note(self, *, there: bool, problem: str = "") -> None:
        """Say it once, not at every try."""
        if there and not self._is_there:
            log.info("bus.redis_back")
        if not there and self._is_there:
            log.warning("bus.redis_away", problem=problem)
        self._is_there = there


async def problem_with(url: str) -> str | None:
    """Health check: what is wrong with the Redis at `url`; None where it answers."""
    try:
        async with asyncio.timeout(SILENT_S), Redis.from_url(url, socket_connect_timeout=RETRY_S) as redis:
            await redis.ping()
    except TimeoutError:
        return f"no answer within {SILENT_S:g} s"
    except (RedisError, OSError) as problem:
        return str(problem)
    return None


def _packed(sender: str, hints: Sequence[Hint]) -> bytes:
    return orjson.dumps([sender, [asdict(hint) for hint in hints]])
