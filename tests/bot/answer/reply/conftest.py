"""An answer that has been found and waits to be worded, and language models that are scripts."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.answer.policy import Policy
from bot.answer.reply.generator import Task, Wording
from bot.answer.reply.language_model.breaker import Breaker
from bot.answer.reply.language_model.budget import Budget
from bot.answer.reply.language_model.generate import Bounds, Call, ModelGenerator
from bot.answer.reply.language_model.provider import StreamChunk
from bot.answer.turn import take_turn
from bot.answer.turn_input import TurnInput
from retrieval.articles.audience import Audience


class Recorder:
    """A generator that keeps what it was asked to word."""

    def __init__(self) -> None:
        self.task: Task | None = None

    async def word(self, task: Task) -> Wording:
        self.task = task
        return task.extract


@pytest.fixture
async def task(memory_lobby, known) -> Task:
    """What `turn` asks a generator: the refunds article, and the others behind it."""
    recorder = Recorder()
    async with memory_lobby() as lobby:
        deps = replace(lobby.responder.deps(), generator=recorder)
        await take_turn(TurnInput(known, Audience("default")), deps, Policy(answer_confidence=0))
    assert recorder.task is not None
    return recorder.task


def script(*texts: str, end="done", tokens=(0, 0)):
    """A model that says `texts`, one piece each, and counts its calls."""

    async def stream(prompt):
        stream.prompts.append(prompt)
        for text in texts:
            yield StreamChunk(text)
        yield StreamChunk("", *tokens, end)

    stream.prompts = []
    return stream


class Held:
    """A model that says `text` and then nothing more; it knows who listens, and who went."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.listening = 0
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, _prompt):
        self.listening += 1
        try:
            if self.text:
                yield StreamChunk(self.text)
            self.asked.set()
            await asyncio.Event().wait()
        finally:
            self.listening -= 1
            self.left.set()


@pytest.fixture(scope="session")
def says() -> Callable:
    return script


@pytest.fixture(scope="session")
def held() -> type[Held]:
    return Held


@pytest.fixture
def calls() -> list[Call]:
    """Every call that generators made by `asking` have observed."""
    return []


@pytest.fixture
def asking(clock, calls) -> Callable[..., ModelGenerator]:
    """A generator around a stream; time is the test's, patience short."""

    def make(stream, *, tokens_per_day=1_000_000, first_token_s=0.2, whole_s=0.4, **bounds) -> ModelGenerator:
        return ModelGenerator(
            stream,
            Bounds(first_token_s, whole_s, **({"input_tokens": 3000, "output_tokens": 300} | bounds)),
            clock=clock,
            breaker=Breaker(clock),
            budget=Budget(clock, tokens_per_day),
            observe=calls.append,
        )

    return make
