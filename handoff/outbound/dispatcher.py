"""Outbox dispatcher: at-least-once delivery of notices to their targets, with leases, retries and back-off.

Every server process carries. A notice is leased, its event is read from the log and handed to the target's notifier;
what that says decides whether the notice is settled or put off. A process that dies in between leaves a lease that runs
out, and another one tells it again, under the same name. Notices of one conversation may arrive in any order.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog

from conversation.errors import StorageUnavailable
from conversation.events import Event, Unknown
from conversation.ports import Clock, Store
from conversation.state import Conversation
from conversation.values import NoticeLease

ATTEMPT_S = 20.0  # what the Standard Webhooks specification recommends to wait: 15 to 30 s
LEASE_S = 60.0  # well beyond an attempt, so that nothing needs to be renewed
LOOK_EVERY_S = 1.0
AT_ONCE = 8  # of one target, in one process: a target that hangs holds up no other
FIRST_RETRY_S = 5.0
LONGEST_WAIT_S = 6 * 3600.0
GIVE_UP_S = 3 * 24 * 3600.0  # a weekend
MAIL_KINDS = ("handoff_requested", "released", "contact_left")  # what `mail` has words for
_GROWTH = 4.0  # 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, then every 6 h

Result = Literal["sent", "needless", "put_off", "given_up"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification: an event that somebody outside is to be told of, and how its conversation stands now."""

    event: Event
    conversation: Conversation

    @property
    def notice_id(self) -> str:
        """The same for every attempt, so that who is told twice can drop the second."""
        return f"msg_{self.event.event_id}"


@dataclass(frozen=True, slots=True)
class Delivered:
    """Delivered, nothing is left to do; `needless`: there was nothing to tell (any more)."""

    needless: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """Deferred, it is too early to tell: look again in `after_s`."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Failed:
    """A failed delivery, nobody was told. `problem` goes to the log: no address and nothing that was written.

    `after_s`: the target asks to be left alone for so long. `final`: it wants no further attempt.
    """

    problem: str
    after_s: float = 0.0
    final: bool = False


Verdict = Delivered | Later | Failed


class Notifier(Protocol):
    """The delivery port: tells one target. A `tell` may be cancelled at any point and is then repeated."""

    async def tell(self, notice: Notice) -> Verdict:
        """Tell, or say why not. What it raises counts as a failure."""


class MemoryNotifier:
    """The in-memory notifier: it keeps what it was told, and answers with `verdict`."""

    def __init__(self, verdict: Verdict | None = None) -> None:
        self.verdict = verdict or Delivered()
        self.notices: list[Notice] = []

    async def tell(self, notice: Notice) -> Verdict:
        """Keep it."""
        self.notices.append(notice)
        return self.verdict


def retry_in_s(failures: int, random: Callable[[], float]) -> float:
    """Exponential back-off with jitter: how long to wait after so many failures in a row."""
    growing = FIRST_RETRY_S * _GROWTH ** min(failures - 1, 10)
    return min(growing * (0.5 + random()), LONGEST_WAIT_S)


class OutboxDispatcher:
    """The dispatcher: brings what is in the outbox to `notifiers`, by target.

    `observe` hears what came of each attempt; `random` (0 to 1) spreads repeats.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        notifiers: Mapping[str, Notifier],
        *,
        observe: Callable[[str, Result], None],
        random: Callable[[], float],
        attempt_s: float = ATTEMPT_S,
    ) -> None:
        self._store, self._clock, self._notifiers = store, clock, notifiers
        self._observe, self._random, self._attempt_s = observe, random, attempt_s

    async def run(self) -> None:
        """Until cancelled. What is under way then is told again when its lease runs out."""
        async with asyncio.TaskGroup() as tasks:
            for target in self._notifiers:
                tasks.create_task(self._serve(target))

    async def _serve(self, target: str) -> None:
        running: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as tasks:
            while True:
                free = AT_ONCE - len(running)
                taken = await self._take(target, free)
                for lease in taken:
                    task = tasks.create_task(self._deliver(lease))
                    running.add(task)
                    task.add_done_callback(running.discard)
                if len(taken) < free:
                    await self._clock.sleep(LOOK_EVERY_S)
                else:  # there may be more
                    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)

    async def _take(self, target: str, limit: int) -> tuple[NoticeLease, ...]:
        try:
            return await self._store.take_notices(target, limit, lease_s=LEASE_S)
        except StorageUnavailable as unavailable:
            log.warning("notices.not_read", target=target, problem=unavailable.problem)
            return ()

    async def _deliver(self, lease: NoticeLease) -> None:
        try:
            await self._conclude(lease, await self._attempt(lease))
        except StorageUnavailable as unavailable:  # taken up again when the lease runs out
            log.warning("notice.not_settled", **_where(lease), problem=unavailable.problem)
        except Exception:
            log.exception("notice.crashed", **_where(lease))

    async def _attempt(self, lease: NoticeLease) -> Verdict:
        notice = await self._notice(lease)
        if notice is None:
            return Delivered(needless=True)
        try:
            async with asyncio.timeout(self._attempt_s):
                return await self._notifiers[lease.target].tell(notice)
        except TimeoutError:
            return Failed(f"no answer within {self._attempt_s:g} s")
        except StorageUnavailable:
            raise
        except Exception as failure:  # one target's fault is not the others'
            log.exception("notice.failed", **_where(lease))
            return Failed(type(failure).__name__)

    async def _notice(self, lease: NoticeLease) -> Notice | None:
        """What is to be told; None where it was erased."""
        events = await self._store.events(lease.conversation_id, after=lease.seq - 1, limit=1)
        conversation = await self._store.conversation(lease.conversation_id)
        if conversation is None or conversation.erased or not events or isinstance(events[0].payload, Unknown):
            return None
        return Notice(events[0], conversation)

    async def _conclude(self, lease: NoticeLease, verdict: Verdict) -> None:
        match verdict:
            case Delivered(needless=needless):
                await self._store.settle_notice(lease)
                self._observe(lease.target, "needless" if needless else "sent")
            case Later(after_s=after_s) if lease.age_s < GIVE_UP_S:
                await self._store.put_off_notice(lease, after_s, failed=False)
            case Later():
                await self._give_up(lease, "it was too early for too long")
            case Failed(problem=problem, final=final) if final or lease.age_s >= GIVE_UP_S:
                await self._give_up(lease, problem)
            case Failed():
                await self._put_off(lease, verdict)

    async def _put_off(self, lease: NoticeLease, failed: Failed) -> None:
        failures = lease.failures + 1
        after_s = max(retry_in_s(failures, self._random), min(failed.after_s, LONGEST_WAIT_S))
        await self._store.put_off_notice(lease, after_s, failed=True)
        self._observe(lease.target, "put_off")
        log.warning(
            "notice.put_off", **_where(lease), problem=failed.problem, failures=failures, after_s=round(after_s, 1)
        )

    async def _give_up(self, lease: NoticeLease, problem: str) -> None:
        await self._store.settle_notice(lease)
        self._observe(lease.target, "given_up")
        log.error(
            "notice.given_up", **_where(lease), problem=problem, failures=lease.failures, age_s=round(lease.age_s)
        )


def _where(lease: NoticeLease) -> dict[str, str | int]:
    return {"target": lease.target, "conversation_id": lease.conversation_id, "seq": lease.seq}
