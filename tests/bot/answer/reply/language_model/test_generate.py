import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest
import structlog

from bot.answer.citations import url_of
from bot.answer.reply.generator import Extractive
from bot.answer.reply.language_model.breaker import FAILURES, REST_S
from bot.answer.reply.language_model.generate import CALLS_AT_ONCE
from bot.answer.reply.language_model.provider import ModelFailed, StreamChunk

GOOD = "A refund takes five days [1]."
PATIENCE_S = 5.0


def results(calls):
    return [call.result for call in calls]


async def test_the_extractive_generator_gives_the_extract(task):
    assert await Extractive().word(task) == task.extract


async def test_a_supported_reply_is_the_models_with_links_of_our_own_records(task, asking, says):
    wording = await asking(says("A refund takes", " five days", " [1].", tokens=(321, 12))).word(task)
    url = url_of(task.hits[0], task.base_url)
    assert wording.text == f"A refund takes five days [1].\n\nFrom [1] [Refunds]({url})"
    (citation,) = wording.citations
    assert (citation.article_id, citation.title, citation.url) == ("refunds", "Refunds", url)
    assert citation.quote == "A refund takes five days to reach your bank account."
    model = wording.trace["model"]
    assert (model["result"], model["input_tokens"], model["output_tokens"]) == ("worded", 321, 12)


async def test_each_piece_is_shown_when_it_is_sure_to_stay_and_the_reply_begins_with_them(task, asking, says):
    shown = []
    text = f"{GOOD} It costs $3 [1]. It reaches your bank account [1]."
    wording = await asking(says(*(f"{word} " for word in text.split()))).word(replace(task, show=shown.append))
    assert shown == [GOOD, " It reaches your bank account [1]."]
    assert wording.text.startswith("".join(shown))
    assert wording.trace["model"]["removed"] == [{"fault": "number", "text": "It costs $3 [1]."}]


@pytest.mark.parametrize(
    ("stream", "result"),
    [
        (["Pigeons bring it [1]."], "unsupported"),
        (["NONE"], "unsupported"),
        (["", "  "], "empty"),
        (["word " * 1000], "endless"),
    ],
)
async def test_words_that_do_not_hold_give_way_to_the_extract(task, asking, says, calls, stream, result):
    wording = await asking(says(*stream)).word(task)
    assert (wording.text, wording.citations) == (task.extract.text, task.extract.citations)
    assert wording.trace["model"]["result"] == result
    assert results(calls) == [result]


@pytest.mark.parametrize(("end", "result"), [(None, "cut"), ("cut", "overlong")])
async def test_a_reply_without_its_end_gives_way_to_the_extract(task, asking, says, end, result):
    wording = await asking(says(GOOD, end=end)).word(task)
    assert (wording.text, wording.trace["model"]["result"]) == (task.extract.text, result)


@pytest.mark.parametrize(("text", "result"), [("", "no_first_token"), (f"{GOOD} And", "timeout")])
async def test_a_model_that_stops_is_given_up_and_left(task, asking, held, calls, text, result):
    stream = held(text)
    async with asyncio.timeout(PATIENCE_S):
        wording = await asking(stream, first_token_s=0.05, whole_s=0.1).word(task)
    assert (wording.text, wording.trace["model"]["result"]) == (task.extract.text, result)
    assert stream.listening == 0
    assert calls[0].input_tokens > 0


async def test_a_client_that_swallows_cancellation_does_not_prolong_a_turn(task, asking, calls):
    """Python 3.11's `wait_for` does: it returns what came, and the one who waits never hears of the deadline."""

    async def deaf(_prompt):
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.02)
            yield StreamChunk("word ")

    async with asyncio.timeout(PATIENCE_S):
        wording = await asking(deaf, first_token_s=1, whole_s=0.1).word(task)
    assert wording.trace["model"]["result"] == "timeout"


async def test_white_space_is_no_first_word(task, asking):
    async def blank(_prompt):
        while True:
            yield StreamChunk("\n")
            await asyncio.sleep(0.001)

    wording = await asking(blank, first_token_s=0.05, output_tokens=4000).word(task)
    assert wording.trace["model"]["result"] == "no_first_token"


async def test_a_cancelled_turn_leaves_nothing_behind(task, asking, held, calls):
    stream = held(f"{GOOD} And")
    generator = asking(stream, first_token_s=60, whole_s=60)
    wording = asyncio.create_task(generator.word(task))
    async with asyncio.timeout(PATIENCE_S):
        await stream.asked.wait()
        wording.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wording
    assert stream.listening == 0
    assert results(calls) == ["dropped"]
    assert calls[0].output_tokens > 0


async def test_a_model_that_fails_is_left_alone_then_tried_once_then_asked_again(task, asking, clock, calls):
    prompts = []
    faults = [ModelFailed("failed", "HTTP 500")] * (FAILURES + 1)

    async def failing(prompt):
        prompts.append(prompt)
        if faults:
            raise faults.pop()
        yield StreamChunk(GOOD, end="done")

    generator = asking(failing)
    with structlog.testing.capture_logs() as logs:
        for _ in range(FAILURES + 2):
            await generator.word(task)
        assert results(calls) == ["failed"] * FAILURES + ["resting"] * 2
        clock.advance(REST_S)
        for _ in range(2):
            await generator.word(task)
        clock.advance(REST_S)
        for _ in range(2):
            await generator.word(task)
    assert results(calls)[-4:] == ["failed", "resting", "worded", "worded"]
    assert len(prompts) == FAILURES + 3
    events = [entry["event"] for entry in logs]
    assert events == ["llm.failed"] * FAILURES + ["llm.resting", "llm.failed", "llm.recovered"]


async def test_unsupported_words_are_no_failure_of_the_service(task, asking, says, calls):
    generator = asking(says("NONE"))
    for _ in range(FAILURES + 2):
        await generator.word(task)
    assert results(calls) == ["unsupported"] * (FAILURES + 2)


async def test_a_try_that_is_dropped_leaves_the_next_one_to_try(task, asking, held, clock, calls, says):
    outcomes = [ModelFailed("failed", "HTTP 500")] * FAILURES
    stream = held()

    async def failing_then_held(prompt):
        if outcomes:
            raise outcomes.pop()
        async for piece in stream(prompt):
            yield piece

    generator = asking(failing_then_held, first_token_s=60, whole_s=60)
    for _ in range(FAILURES):
        await generator.word(task)
    clock.advance(REST_S)
    trying = asyncio.create_task(generator.word(task))
    await stream.asked.wait()
    assert (await generator.word(task)).trace["model"]["result"] == "resting"
    trying.cancel()
    await asyncio.gather(trying, return_exceptions=True)
    stream.asked.clear()
    again = asyncio.create_task(generator.word(task))
    async with asyncio.timeout(PATIENCE_S):
        await stream.asked.wait()
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)


async def test_a_day_has_so_many_tokens(task, asking, says, clock, calls):
    generator = asking(says(GOOD, tokens=(900, 100)), tokens_per_day=2500)
    for _ in range(3):
        await generator.word(task)
    assert results(calls) == ["worded", "worded", "over_budget"]
    clock.advance(24 * 3600)
    await generator.word(task)
    assert results(calls)[-1] == "worded"


async def test_a_call_refused_at_once_costs_nothing(task, asking, calls):
    async def refused(_prompt):
        raise ModelFailed("refused", "HTTP 401")
        yield

    await asking(refused).word(task)
    assert (calls[0].input_tokens, calls[0].output_tokens, calls[0].detail) == (0, 0, "HTTP 401")


async def test_tokens_that_are_not_reported_are_estimated(task, asking, says, calls):
    await asking(says(GOOD)).word(task)
    assert calls[0].input_tokens > 100
    assert 5 <= calls[0].output_tokens <= 20


async def test_only_so_many_calls_run_at_once(task, asking, held, calls):
    stream = held()
    generator = asking(stream, first_token_s=60, whole_s=60, output_tokens=50)
    running = [asyncio.create_task(generator.word(task)) for _ in range(CALLS_AT_ONCE)]
    await asyncio.sleep(0)  # each runs until it waits
    assert (await generator.word(task)).trace["model"]["result"] == "busy"
    for call in running:
        call.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert results(calls) == ["busy"] + ["dropped"] * CALLS_AT_ONCE


async def test_nothing_is_asked_where_not_even_one_passage_fits(task, asking, says, calls):
    stream = says(GOOD)
    assert (await asking(stream, input_tokens=10).word(task)).text == task.extract.text
    assert (results(calls), stream.prompts) == (["too_long"], [])


async def test_several_sources_are_listed_as_they_are_cited(task, asking, says):
    number = next(n for n, hit in enumerate(task.hits, start=1) if hit.article.article_id == "passwords")
    said = f"Reset a forgotten password from the sign-in page [{number}]. {GOOD}"
    wording = await asking(says(said)).word(task)
    assert wording.text.splitlines()[0] == said.replace("[1]", "[2]").replace(f"[{number}].", "[1].", 1)
    assert [citation.article_id for citation in wording.citations] == ["passwords", "refunds"]
    assert wording.text.splitlines()[-1].startswith("From [1] [Passwords](")
