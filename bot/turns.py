"""The responder: runs the bot's turns under a lease and commits each reply if the chat is still the bot's."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TypeVar

import structlog

from bot.answer import (
    Decision,
    Policy,
    Reply,
    TurnDeps,
    TurnInput,
    failures_in_a_row,
    handover,
    rejected,
    take_turn,
    transcript_of,
)
from bot.answer.language import spoken_language
from bot.answer.reply import Show
from conversation.errors import IllegalTransition, LeaseLost, StorageUnavailable
from conversation.events import BOT, Author, BotSaid, Choice, Event, HandoffRequested, JsonObject, VisitorSaid
from conversation.publisher import Publisher
from conversation.reducer import attempts, turn_id
from conversation.state import Conversation
from conversation.values import Appended, Draft, Hint, Reached, Relayed, TurnLease
from handoff.desk import Desk
from retrieval.articles import Audience

log = structlog.get_logger()

Result = TypeVar("Result")

HISTORY_EVENTS = 30  # a turn's cost does not grow with the conversation; as many as a question and its suggestions take
TURNS_AT_ONCE = 64  # more than the encoder answers in a lease's time would lose their leases
ATTEMPTS = 5  # a turn that killed so many workers is answered without being tried again
ADOPT_EVERY_S = 1.0
CONFIDENCE_DIGITS = 4  # that are stored


@dataclass(slots=True)
class Responder:
    """Runs leased turns, each in a task of its own; `run` also adopts the turns of workers that died."""

    publisher: Publisher
    desk: Desk
    deps: Callable[[], TurnDeps]
    policy: Policy
    observe: Callable[[Reply, float], None] = lambda _reply, _took_s: None
    _tasks: asyncio.TaskGroup | None = None
    _running: set[asyncio.Future[None]] = field(default_factory=set)
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(TURNS_AT_ONCE))

    async def run(self) -> None:
        """Until cancelled: adopt what others left behind. Turns given to `take` run as children of this."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            while True:
                await self._adopt()
                await self.publisher.clock.sleep(ADOPT_EVERY_S)

    def take(self, lease: TurnLease | None) -> None:
        """Answer soon; None is no turn."""
        if lease is not None and self._tasks is not None:
            task = self._tasks.create_task(self._answer_all(lease))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """While a command is being stored that may owe an answer: `idle` waits for it too."""
        stored = asyncio.get_running_loop().create_future()
        self._running.add(stored)
        try:
            yield
        finally:
            self._running.discard(stored)
            stored.set_result(None)

    async def idle(self) -> None:
        """Wait until no turn is running or may be about to."""
        while self._running:
            await asyncio.wait(self._running)

    async def _adopt(self) -> None:
        try:
            leases = await self.publisher.store.take_turns(TURNS_AT_ONCE)
        except StorageUnavailable as unavailable:
            log.warning("turns.not_read", problem=unavailable.problem)
            return
        for lease in leases:
            log.info("turn.adopted", conversation_id=lease.conversation_id, fence=lease.fence)
            self.take(lease)

    async def _answer_all(self, lease: TurnLease) -> None:
        """Answer, and what came in meanwhile too; a turn that cannot be stored is left for whoever adopts it."""
        if self._places.locked():  # to watch over the lease takes three tasks, and a free place no time
            if await self._while_leased(lease, self._places.acquire()) is None:
                return
        else:
            await self._places.acquire()
        owed: TurnLease | None = lease
        try:
            while owed is not None:
                appended = await self.answer(owed)
                owed = None if appended is None else appended.lease
        except StorageUnavailable as unavailable:
            log.warning("turn.not_stored", conversation_id=lease.conversation_id, problem=unavailable.problem)
        except Exception:  # one conversation's fault is not the others'; the turn is adopted when its lease runs out
            log.exception("turn.crashed", conversation_id=lease.conversation_id)
        finally:
            self._places.release()

    async def answer(self, lease: TurnLease) -> Appended | None:
        """One turn; None where a person took over or another worker has it. Raises StorageUnavailable."""
        began_s = self.publisher.clock.monotonic()
        conversation = await self.publisher.store.conversation(lease.conversation_id)
        if conversation is None or conversation.state != "bot" or not conversation.pending:
            return None
        reply = await self._while_leased(lease, self._reply(conversation, lease))
        if reply is None:
            log.info("turn.dropped", conversation_id=conversation.conversation_id, code=LeaseLost.code)
            return None
        call = await self._call(conversation, reply)
        try:
            appended = await self.publisher.append(
                conversation.conversation_id, _commit(conversation, lease, reply, call), turn=lease
            )
        except (LeaseLost, IllegalTransition) as lost:
            log.info("turn.dropped", conversation_id=conversation.conversation_id, code=lost.code)
            return None
        self.observe(reply, self.publisher.clock.monotonic() - began_s)
        return appended

    async def _reply(self, conversation: Conversation, lease: TurnLease) -> Reply:
        """The turn's reply; whatever goes wrong in it, the visitor is told and offered a person."""
        deps = self.deps()
        if attempts(lease.fence) > ATTEMPTS:
            log.error("turn.given_up", conversation_id=conversation.conversation_id, attempts=ATTEMPTS)
            return _apology(deps, conversation, "given up after too many attempts", ())
        after = max(0, min(conversation.seq - HISTORY_EVENTS, conversation.pending[0] - 1))
        events: Sequence[Event] = ()
        try:
            events = await self.publisher.store.events(conversation.conversation_id, after=after)
            turn_input = _turn_input(conversation, events, desk_open=await self.desk.is_open(conversation.site_id))
            return await take_turn(turn_input, deps, self.policy, self._drafting(lease))
        except StorageUnavailable:
            raise
        except Exception as failure:
            log.exception("turn.failed", conversation_id=conversation.conversation_id)
            return _apology(deps, conversation, type(failure).__name__, events)

    async def _call(self, conversation: Conversation, reply: Reply) -> HandoffRequested | None:
        """The call for a person that comes with the reply, where one does, with what the agent should know first."""
        if reply.handoff is None:
            return None
        events = await self.publisher.store.events(
            conversation.conversation_id, after=max(0, conversation.seq - HISTORY_EVENTS)
        )
        return handover(events, reply.handoff, reply.decision.why, reply.mood, reply.rated)

    def _drafting(self, lease: TurnLease) -> Show:
        """Sends pieces of the coming reply to the visitor; nothing is stored, and nobody minds if they are lost."""
        frame: JsonObject = {
            "type": "draft",
            "turn_id": turn_id(lease.conversation_id, lease.fence),
            "attempt": attempts(lease.fence),
        }
        offset = 0

        def show(text: str) -> None:
            nonlocal offset
            draft = Relayed(lease.conversation_id, "visitor", {**frame, "offset": offset, "text": text})
            offset += len(text)
            self.publisher.bus.publish(draft)

        return show

    async def _while_leased(self, lease: TurnLease, work: Coroutine[object, object, Result]) -> Result | None:
        """What `work` comes to. Where the turn is taken away, by another worker or a person, it is cancelled: None."""
        stirred = asyncio.Event()

        def listen(hint: Hint) -> None:
            if isinstance(hint, Reached):
                stirred.set()

        unlisten = self.publisher.bus.listen(listen, conversation_id=lease.conversation_id)
        working = asyncio.create_task(work)
        tasks = (working, asyncio.create_task(self._renew(lease)), asyncio.create_task(self._look(lease, stirred)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else None
        finally:
            unlisten()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _renew(self, lease: TurnLease) -> None:
        """Keep the lease until it is lost."""
        is_held = True
        while is_held:
            await self.publisher.clock.sleep(self.publisher.store.lease_s / 3)
            is_held = await self._holds(lease)

    async def _look(self, lease: TurnLease, stirred: asyncio.Event) -> None:
        """Look whenever something happens in the conversation, until the lease is lost: it may have been a claim."""
        is_held = True
        while is_held:
            await stirred.wait()
            stirred.clear()
            is_held = await self._holds(lease)

    async def _holds(self, lease: TurnLease) -> bool:
        try:
            return await self.publisher.store.renew(lease)
        except StorageUnavailable:
            return True  # nobody can take the turn either


def _turn_input(conversation: Conversation, events: Sequence[Event], *, desk_open: bool) -> TurnInput:
    """What the visitor has said and nobody answered is the question; all before it is history."""
    messages = [e.payload.text for e in events if e.seq in conversation.pending and isinstance(e.payload, VisitorSaid)]
    question = "\n".join(messages)
    earlier = list(transcript_of(event for event in events if event.seq not in conversation.pending))
    hold = _hold(events)
    last = next((event.payload for event in reversed(hold) if isinstance(event.payload, BotSaid)), None)
    return TurnInput(
        question,
        Audience(conversation.site_id, conversation.locale),
        earlier,
        failures=failures_in_a_row(hold, question),
        desk_open=desk_open,
        clarified=last is not None and last.outcome == "clarify",
        offered_person=last is not None and last.has_offered_person,
        returned=conversation.returned,
        rejected=rejected(hold, question),
    )


def _hold(events: Sequence[Event]) -> Sequence[Event]:
    """Those since the bot has the chat; what was offered and rejected before an agent had it is settled."""
    return list(takewhile(lambda event: event.standing is None, reversed(events)))[::-1]


def _commit(
    before: Conversation, lease: TurnLease, reply: Reply, call: HandoffRequested | None
) -> Callable[[Conversation | None], Sequence[Draft]]:
    """The drafts of `reply`, of the rating it takes note of and of `call`, if the chat is still in the hold in which the turn began."""
    said = BotSaid(
        text=reply.text,
        outcome=reply.outcome,
        answers=before.pending,
        citations=reply.citations,
        confidence=round(reply.confidence, CONFIDENCE_DIGITS),
        kb_version=reply.kb_version,
        turn_id=turn_id(lease.conversation_id, lease.fence),
        reason=reply.decision.reason,
        offers_person=reply.offers_person,
        choices=reply.choices,
        passage=reply.passage,
        failed=reply.decision.failed,
        mood=reply.mood,
        trace=reply.trace,
    )
    drafts = [Draft(BOT, said)]
    if reply.rated is not None:
        drafts.insert(0, Draft(Author("visitor", id=before.visitor_id), reply.rated))
    if call is not None:
        drafts.append(Draft(BOT, call))

    def decide(conversation: Conversation | None) -> Sequence[Draft]:
        if conversation is None or conversation.hold != before.hold:
            raise LeaseLost
        return drafts

    return decide


def _apology(deps: TurnDeps, conversation: Conversation, fault: str, events: Sequence[Event]) -> Reply:
    """Asks to ask again; a person is there to be pressed, but not asked about. `events`: what was said, where known."""
    phrases = deps.phrasebook.speaking(spoken_language(list(transcript_of(events)), conversation.locale))
    return Reply(
        text=phrases.say("fault"),
        decision=Decision("no_answer", fault),
        confidence=0.0,
        kb_version=deps.snapshot.kb_version,
        choices=(Choice("person", phrases.person_label),),
        fault=fault,
        trace={"decision": "no_answer", "why": fault},
    )
