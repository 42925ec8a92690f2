"""Generation by a language model, within bounds, and keeps only what the cited passages carry.

The model is a pure function: it gets the passages that were found, the question and what was said before; it has no
tools. Whatever it does, there is a reply in time: the extractive one takes its place, and the trace says why.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from typing import Literal

import structlog

from bot.answer.citations import cite, url_of
from bot.answer.reply.extractive import escaped, label
from bot.answer.reply.generator import Task, Wording
from bot.answer.reply.language_model.breaker import Breaker
from bot.answer.reply.language_model.budget import Budget, estimate_tokens
from bot.answer.reply.language_model.grounding_check import GroundingCheck
from bot.answer.reply.language_model.prompt import Prompt, compose
from bot.answer.reply.language_model.provider import ModelFailed, Problem, Stream, StreamChunk
from conversation.events import JsonObject
from conversation.ports import Clock

log = structlog.get_logger()

CALLS_AT_ONCE = 32  # half the turns that run at once: a slow model leaves room for those that need none
TRACED_REMOVALS = 5  # as many as QA looks at
TRACED_CHARS = 200
_BYTES_AN_OUTPUT_TOKEN = 8  # longer than tokens are on average in any language: beyond it a server ignores our limit

Result = Literal[
    "worded",  # the visitor got the model's words
    "unsupported",  # too little of them was carried by the passages
    "no_first_token",  # nothing came in time
    "timeout",  # it was not finished in time
    "cut",  # the stream ended before the reply did
    "overlong",  # it ended at its limit of tokens
    "endless",  # it wrote on beyond that limit
    "empty",  # it wrote nothing
    Problem,
    "resting",  # not asked: it failed too often just now
    "over_budget",  # not asked: the day's tokens are used up
    "busy",  # not asked: too many calls are under way
    "too_long",  # not asked: not even the first passage fits
    "dropped",  # a person took over while it wrote
]
_WAITED = {"no_first_token", "timeout"}  # the provider may charge for these, though it reports nothing
_WELL = {"worded", "unsupported", "overlong"}  # the service itself did what it should


@dataclass(frozen=True, slots=True)
class Bounds:
    """Timeouts of one reply, in seconds until its first and its last word, and its token limits."""

    first_token_s: float
    whole_s: float
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Call:
    """How one answer came to be worded, or not; tokens are estimates where the provider reports none."""

    result: Result
    detail: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    took_s: float = 0.0


@dataclass(slots=True)
class _Received:
    """What of one streamed call has been received so far."""

    input_tokens: int = 0
    output_tokens: int = 0
    written: str = ""
    end: Literal["done", "cut"] | None = None

    def take(self, chunk: StreamChunk) -> None:
        """One more chunk of the stream."""
        self.input_tokens += chunk.input_tokens
        self.output_tokens += chunk.output_tokens
        self.written += chunk.text
        self.end = chunk.end or self.end


class ModelGenerator:
    """The `Generator` that asks a language model."""

    def __init__(
        self,
        stream: Stream,
        bounds: Bounds,
        *,
        clock: Clock,
        breaker: Breaker,
        budget: Budget,
        observe: Callable[[Call], None] = lambda _call: None,
    ) -> None:
        self._stream, self._bounds, self._clock = stream, bounds, clock
        self._breaker, self._budget, self._observe = breaker, budget, observe
        self._running = 0

    async def word(self, task: Task) -> Wording:
        """The model's words, as far as they hold; else the extract."""
        prompt = compose(task, self._bounds.input_tokens)
        checked = GroundingCheck([passage.whole for passage in prompt.passages], task.show)
        reason = self._reserve(prompt)
        if reason is None:
            call = await self._call(prompt, checked)
        else:
            call = Call(reason)
            self._observe(call)
        trace: JsonObject = {"model": _traced(call, checked)}
        if call.result != "worded":
            return replace(task.extract, trace=task.extract.trace | trace)
        return replace(_sourced(checked, prompt, task), trace=trace)

    def _reserve(self, prompt: Prompt) -> Result | None:
        """Why the model is not asked at all; None sets aside what a call takes."""
        if not prompt.passages:
            return "too_long"
        if self._running >= CALLS_AT_ONCE:
            return "busy"
        if not self._budget.reserve(self._price(prompt)):
            return "over_budget"
        if not self._breaker.admit():
            self._budget.settle(self._price(prompt), 0)
            return "resting"
        self._running += 1
        return None

    def _price(self, prompt: Prompt) -> int:
        """The most that a call can cost, in tokens."""
        return prompt.tokens + self._bounds.output_tokens

    async def _call(self, prompt: Prompt, checked: GroundingCheck) -> Call:
        """Ask; whatever goes wrong has a name. What was reserved is settled also where the call is cancelled."""
        began_s = self._clock.monotonic()
        received = _Received()
        outcome: tuple[Result, str, float | None] = ("dropped", "", None)
        try:
            outcome = (await self._listen(prompt, checked, received), "", None)
        except TimeoutError:
            outcome = ("timeout" if received.written.strip() else "no_first_token", "", None)
        except ModelFailed as failed:
            outcome = (failed.problem, failed.detail, failed.retry_after_s)
        finally:
            result, detail, retry_after_s = outcome
            call = _weighed(Call(result, detail, took_s=self._clock.monotonic() - began_s), prompt, received)
            self._running -= 1
            self._budget.settle(self._price(prompt), call.input_tokens + call.output_tokens)
            self._tell_breaker(call, retry_after_s)
            self._observe(call)
        return call

    async def _listen(self, prompt: Prompt, checked: GroundingCheck, received: _Received) -> Result:
        """Receive the stream, chunk by chunk. Raises TimeoutError and ModelFailed; leaves the stream closed."""
        ends = asyncio.get_running_loop().time() + self._bounds.whole_s
        async with asyncio.timeout(self._bounds.first_token_s) as patience, aclosing(self._stream(prompt)) as chunks:
            async for chunk in chunks:
                _obey()
                if chunk.text.strip() and not received.written.strip():
                    patience.reschedule(ends)
                received.take(chunk)
                if len(received.written.encode()) > self._bounds.output_tokens * _BYTES_AN_OUTPUT_TOKEN:
                    return "endless"
                checked.feed(chunk.text)
        checked.end()
        if not received.written.strip():
            return "empty"
        if received.end != "done":
            return "cut" if received.end is None else "overlong"
        return "worded" if checked.suffices else "unsupported"

    def _tell_breaker(self, call: Call, retry_after_s: float | None) -> None:
        if call.result == "dropped":
            self._breaker.abandoned()
            return
        rested = self._breaker.open
        if call.result in _WELL:
            self._breaker.succeeded()
            if rested:
                log.info("llm.recovered")
            return
        self._breaker.failed(retry_after_s)
        log.warning("llm.failed", result=call.result, detail=call.detail, took_s=round(call.took_s, 2))
        if self._breaker.open and not rested:
            log.warning("llm.resting")


def _obey() -> None:
    """Stop where that was asked for: Python 3.11's `wait_for`, which clients use, may swallow it and give a piece."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _weighed(call: Call, prompt: Prompt, received: _Received) -> Call:
    """The call with its tokens: as reported, else estimated; nothing where the service refused or broke at once."""
    if received.input_tokens or received.output_tokens:
        return replace(call, input_tokens=received.input_tokens, output_tokens=received.output_tokens)
    if received.written or call.result in _WAITED | {"dropped"}:
        return replace(call, input_tokens=prompt.tokens, output_tokens=estimate_tokens(received.written))
    return call


def _sourced(checked: GroundingCheck, prompt: Prompt, task: Task) -> Wording:
    """The reply with its sources, numbered as they are cited; links come from the knowledge base's own records."""
    hits = {number: prompt.passages[number - 1].hit for number in checked.quotes}
    links = [
        f"[{place}] [{escaped(label(hit))}]({url_of(hit, task.base_url)})"
        for place, hit in enumerate(hits.values(), start=1)
    ]
    citations = tuple(cite(hit, task.base_url, checked.quotes[number]) for number, hit in hits.items())
    return Wording(f"{checked.text}\n\n{task.phrases.source_list(links)}", citations, checked.text)


def _traced(call: Call, checked: GroundingCheck) -> JsonObject:
    """What QA asks about a call: how it went, what it cost, and what of its words was not let through."""
    removed = [
        {"fault": removal.fault, "text": removal.text[:TRACED_CHARS]} for removal in checked.removed[:TRACED_REMOVALS]
    ]
    figures = asdict(call)
    took_ms = round(figures.pop("took_s") * 1000, 1)
    return {name: value for name, value in figures.items() if value} | {"took_ms": took_ms, "removed": [*removed]}
