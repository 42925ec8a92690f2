"""Real LangChain against a server that speaks OpenAI's protocol, well or badly."""

import asyncio
import logging
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.answer.reply.generator import Extractive
from bot.answer.reply.language_model.provider import ModelUnusable, Service, connect
from bot.assembly.adapters import open_generator
from bot.settings.settings import Settings
from conversation.clock import SystemClock
from tests.harness.llm_server import BEHAVIOURS, INJECTED, serving

ROOT = Path(__file__).resolve().parents[5]
KEY = "sk-not-to-be-seen"
PATIENCE_S = 5.0

RESULTS = {
    "valid": "worded",
    "partly_invented": "worded",
    "hang_before_headers": "no_first_token",
    "hang_after_headers": "no_first_token",
    "hang_mid_stream": "timeout",
    "trickle": "timeout",
    "too_many_requests": "rate_limited",
    "internal_error": "failed",
    "wrong_key": "refused",
    "garbage": "failed",
    "half_a_stream": "cut",
    "cut_chunk": "failed",
    "cut_short": "overlong",
    "endless": "endless",
    "endless_whitespace": "no_first_token",
    "empty": "empty",
    "wrong_citations": "unsupported",
    "no_citations": "unsupported",
    "injected": "unsupported",
}
LATE = ("hang_before_headers", "hang_after_headers", "hang_mid_stream", "trickle", "endless_whitespace")
LEFT = (*LATE, "endless")


@pytest.fixture
async def server():
    async with serving() as running:
        yield running


def service(server, behaviour="valid", **fields) -> Service:
    chosen = {"base_url": server.base_url, "api_key": KEY, "timeout_s": 5, "max_output_tokens": 50, "temperature": None}
    return Service(f"openai:{behaviour}", **(chosen | fields))


def test_every_behaviour_has_its_result():
    assert set(RESULTS) == set(BEHAVIOURS)


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
async def test_whatever_the_model_does_there_is_a_reply_in_time(server, task, asking, calls, behaviour):
    patience = {"first_token_s": 0.3, "whole_s": 0.6} if behaviour in LATE else {"first_token_s": 5, "whole_s": 5}
    generator = asking(connect(service(server, behaviour), {}), output_tokens=50, **patience)
    began = time.perf_counter()
    wording = await generator.word(task)
    assert time.perf_counter() - began < PATIENCE_S
    assert [call.result for call in calls] == [RESULTS[behaviour]]
    if RESULTS[behaviour] == "worded":
        assert wording.text.startswith(
            "A refund takes five days to reach your bank account [1].\n\nFrom [1] [Refunds]("
        )
    else:
        assert wording.text == task.extract.text
    assert INJECTED not in wording.text
    assert KEY not in str(wording)


@pytest.mark.parametrize("behaviour", LEFT)
async def test_a_stream_that_is_given_up_is_closed(server, task, asking, behaviour):
    generator = asking(connect(service(server, behaviour), {}), output_tokens=50, first_token_s=0.3, whole_s=0.6)
    await generator.word(task)
    async with asyncio.timeout(PATIENCE_S):
        await server.requests[0].gone.wait()


async def test_a_cancelled_turn_closes_the_stream(server, task, asking):
    generator = asking(connect(service(server, "hang_mid_stream"), {}), first_token_s=60, whole_s=60)
    shown = asyncio.Event()
    wording = asyncio.create_task(generator.word(replace(task, show=lambda _text: shown.set())))
    async with asyncio.timeout(PATIENCE_S):
        await shown.wait()
        wording.cancel()
        await server.requests[0].gone.wait()


async def test_a_server_that_is_not_there_is_a_failure(server, task, asking, calls):
    nowhere = service(server, base_url="http://127.0.0.1:9/v1")
    await asking(connect(nowhere, {})).word(task)
    assert [call.result for call in calls] == ["failed"]


async def test_the_server_says_for_how_long_it_wants_to_be_left_alone(server, task, asking, clock, calls):
    generator = asking(connect(service(server, "too_many_requests"), {}))
    for wait_s in (0, 19, 1):
        clock.advance(wait_s)
        await generator.word(task)
    assert [call.result for call in calls] == ["rate_limited", "resting", "rate_limited"]
    assert len(server.requests) == 2


async def test_a_call_has_no_tools_is_bounded_and_is_made_once(server, task, asking):
    await asking(connect(service(server, "internal_error", temperature=0.5), {})).word(task)
    (request,) = server.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body.keys() == {
        "model",
        "messages",
        "stream",
        "stream_options",
        "temperature",
        "max_completion_tokens",
    }
    assert request.body["max_completion_tokens"] == 50
    assert [message["role"] for message in request.body["messages"]] == ["system", "user"]


async def test_tokens_are_counted_as_the_server_reports_them(server, task, asking, calls):
    await asking(connect(service(server), {})).word(task)
    assert (calls[0].input_tokens, calls[0].output_tokens) == (700, 30)


async def test_neither_key_nor_texts_are_logged(server, task, asking, caplog, capfd):
    caplog.set_level(logging.INFO)
    for behaviour in ("wrong_key", "garbage", "valid"):
        await asking(connect(service(server, behaviour), {})).word(task)
    out, err = capfd.readouterr()
    printed = out + err + caplog.text
    assert "llm.failed" in printed
    assert KEY not in printed
    assert "refund" not in printed.lower()


async def test_without_the_setting_nothing_is_asked_and_nothing_imported():
    script = (
        "import sys; from bot.assembly.compose import open_generator; from bot.settings.settings import Settings;"
        "open_generator(Settings(), None, None);"
        "print([name for name in ('openai', 'langchain', 'langsmith', 'langchain_core') if name in sys.modules])"
    )
    done = await asyncio.to_thread(python, script, {"OPENAI_API_KEY": KEY})
    assert done == "[]"
    assert isinstance(open_generator(Settings(), SystemClock(), lambda _call: None), Extractive)


def python(script, environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


TRACED = """
import asyncio, os
from types import SimpleNamespace
from tests.harness.llm_server import serving
from bot.answer.reply.language_model.prompt import Prompt
from bot.answer.reply.language_model.provider import Service, connect
from langchain.chat_models import init_chat_model
from langchain_core.tracers.langchain import wait_for_all_tracers

async def collector(reader, writer):
    seen.append(await reader.readline())
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\n{}")
    await writer.drain()
    writer.close()

async def main():
    listening = await asyncio.start_server(collector, "127.0.0.1", 0)
    os.environ["LANGSMITH_ENDPOINT"] = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with serving() as server:
        stream = connect(Service("openai:empty", server.base_url, "key", 5, 50, None), {})
        async for _ in stream(Prompt("system", "{}", (), 1)):
            pass
        await asyncio.to_thread(wait_for_all_tracers)
        print(len(seen), end=" ")
        model = init_chat_model("openai:empty", base_url=server.base_url, api_key="key")
        async for _ in model.astream("{}"):
            pass
        await asyncio.to_thread(wait_for_all_tracers)
        print(len(seen) > 0)

seen = []
asyncio.run(main())
"""


@pytest.mark.slow
def test_tracing_stays_off_whatever_the_environment_says():
    """The second call goes past us and is traced: the collector would have seen the first one, too."""
    names = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2")
    output = python(TRACED, dict.fromkeys(names, "true") | {"LANGSMITH_API_KEY": "lsv2_x"})
    assert output == "0 True"


@pytest.mark.parametrize("name", ["LANGSMITH_GATEWAY", "LANGCHAIN_TRACING", "LANGCHAIN_HANDLER"])
async def test_a_variable_that_redirects_calls_is_refused(server, name):
    with pytest.raises(ModelUnusable, match=f"the variable {name} would send what visitors write"):
        connect(service(server), {name: "true"})
    connect(service(server), {name: "false"})


def unusable(name, **fields):
    with pytest.raises(ModelUnusable) as refused:
        connect(
            Service(
                name,
                **({"base_url": None, "api_key": KEY} | fields),
                timeout_s=5,
                max_output_tokens=50,
                temperature=None,
            ),
            {},
        )
    assert KEY not in str(refused.value)
    return str(refused.value)


def test_a_missing_langchain_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "langchain.chat_models", None)
    assert unusable("openai:gpt") == (
        "the language model 'openai:gpt' cannot be used: the package 'langchain' is missing; pip install 'handrail[openai]'"
    )


def test_a_missing_provider_package_is_named_with_what_to_install():
    assert "pip install langchain-anthropic" in unusable("anthropic:claude")


def test_an_unknown_provider_is_named():
    assert "LangChain knows no such provider" in unusable("acme:model")


def test_a_missing_key_is_told_without_being_asked_for_in_vain(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert "check llm, llm_api_key and llm_base_url" in unusable("openai:gpt", api_key=None)
