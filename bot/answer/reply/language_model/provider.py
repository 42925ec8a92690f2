"""The provider adapter over LangChain's `init_chat_model`: one call in, a stream of chunks out, every failure by name.

LangChain and the provider's package are imported when a model is configured, never before.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict, cast

from bot.answer.reply.language_model.prompt import Prompt

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessageChunk

# LangChain obeys these silently: they send what visitors write through, or copies of it to, another service.
REDIRECTS = ("LANGSMITH_GATEWAY", "LANGCHAIN_TRACING", "LANGCHAIN_HANDLER")
_OFF = ("", "0", "false", "no")
INSTALL_OPENAI = "pip install 'handrail[openai]'"

TOO_MANY_REQUESTS = 429
SERVER_ERRORS = 500
_FINISHES = ("finish_reason", "stop_reason", "done_reason", "stopReason")  # providers do not agree on the name
_CUT = {"length", "max_tokens"}

Problem = Literal["rate_limited", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Service:
    """Which model to ask, and how. `name` is `provider:model`; `timeout_s` bounds one request."""

    name: str
    base_url: str | None
    api_key: str | None
    timeout_s: float
    max_output_tokens: int
    temperature: float | None


@dataclass(frozen=True, slots=True)
class StreamChunk:
    """A chunk of a model's streamed reply; tokens as the provider counts them, `end` in the last one."""

    text: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    end: Literal["done", "cut"] | None = None


class _Options(TypedDict, total=False):
    """What all providers of LangChain call alike."""

    timeout: float
    max_retries: int
    max_tokens: int
    temperature: float
    base_url: str
    api_key: str
    stream_usage: bool
    stream_chunk_timeout: float


Stream = Callable[[Prompt], AsyncGenerator[StreamChunk]]


class ModelUnusable(Exception):
    """The configured model cannot be asked, whatever the network does."""

    code = "model_unusable"

    def __init__(self, name: str, problem: str, remedy: str) -> None:
        self.name, self.problem, self.remedy = name, problem, remedy

    def __str__(self) -> str:
        return f"the language model {self.name!r} cannot be used: {self.problem}; {self.remedy}"


class ModelFailed(Exception):
    """One call went wrong. `detail` names the error and never quotes it, as it may hold keys and texts."""

    def __init__(self, problem: Problem, detail: str, retry_after_s: float | None = None) -> None:
        self.problem: Problem = problem
        self.detail, self.retry_after_s = detail, retry_after_s

    def __str__(self) -> str:
        return f"the language model {self.problem}: {self.detail}"


def connect(service: Service, environment: Mapping[str, str]) -> Stream:
    """A function that asks the model; nothing is sent yet. Raises ModelUnusable.

    Imports the provider's package, which takes a second or two: for the start of a process.
    """
    for name in REDIRECTS:
        if environment.get(name, "").lower() not in _OFF:
            problem = f"the variable {name} would send what visitors write to another service"
            raise ModelUnusable(service.name, problem, "unset it")
    model = _open(service)

    async def stream(prompt: Prompt) -> AsyncGenerator[StreamChunk]:
        try:
            async with aclosing(_ask(model, prompt)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except Exception as failure:  # noqa: BLE001 - each provider has its own; closing and cancellation pass
            raise _named(failure) from None  # the original may quote the request

    return stream


def _open(service: Service) -> "BaseChatModel":
    try:
        from langchain.chat_models import init_chat_model  # noqa: PLC0415 - optional, and slow to import
    except ImportError:
        raise ModelUnusable(service.name, "the package 'langchain' is missing", INSTALL_OPENAI) from None
    try:
        return init_chat_model(service.name, **_options(service))
    except ImportError as missing:
        raise ModelUnusable(service.name, str(missing).rstrip("."), "then start again") from None
    except Exception as invalid:  # noqa: BLE001 - a provider's own validation, most often of a missing key
        strange = type(invalid) is ValueError  # LangChain's own; providers' may quote the key
        problem = "LangChain knows no such provider" if strange else f"its client says {type(invalid).__name__}"
        raise ModelUnusable(service.name, problem, "check llm, llm_api_key and llm_base_url") from None


def _options(service: Service) -> _Options:
    """Retries are ours to decide: a visitor is waiting."""
    options: _Options = {"timeout": service.timeout_s, "max_retries": 0, "max_tokens": service.max_output_tokens}
    if service.temperature is not None:
        options["temperature"] = service.temperature
    if service.base_url is not None:
        options["base_url"] = service.base_url
    if service.api_key is not None:
        options["api_key"] = service.api_key
    if service.name.startswith("openai:"):
        options["stream_usage"] = True  # off by default where base_url is set
        options["stream_chunk_timeout"] = 0  # ours is tighter, and theirs swallows cancellation on Python 3.11
    return options


async def _ask(model: "BaseChatModel", prompt: Prompt) -> AsyncGenerator[StreamChunk]:
    from langchain_core.messages import HumanMessage, SystemMessage  # noqa: PLC0415 - there since `connect`
    from langsmith import tracing_context  # noqa: PLC0415 - likewise

    messages = [SystemMessage(prompt.instructions), HumanMessage(prompt.data)]
    with tracing_context(enabled=False):  # whatever LANGSMITH_* and LANGCHAIN_* variables say
        async with aclosing(cast("AsyncGenerator[AIMessageChunk]", model.astream(messages))) as chunks:
            async for chunk in chunks:
                yield _stream_chunk(chunk)


def _stream_chunk(chunk: "AIMessageChunk") -> StreamChunk:
    usage = chunk.usage_metadata
    finish = next((chunk.response_metadata[name] for name in _FINISHES if chunk.response_metadata.get(name)), None)
    return StreamChunk(
        text=str(chunk.text),
        input_tokens=usage["input_tokens"] if usage else 0,
        output_tokens=usage["output_tokens"] if usage else 0,
        end=None if finish is None else "cut" if str(finish).lower() in _CUT else "done",
    )


def _named(failure: Exception) -> ModelFailed:
    """What went wrong, from what the errors of all providers' clients have in common."""
    status = getattr(failure, "status_code", None)
    if not isinstance(status, int):
        return ModelFailed("failed", type(failure).__name__)
    if status == TOO_MANY_REQUESTS:
        return ModelFailed("rate_limited", f"HTTP {status}", _retry_after_s(failure))
    return ModelFailed("failed" if status >= SERVER_ERRORS else "refused", f"HTTP {status}")


def _retry_after_s(failure: Exception) -> float | None:
    """Seconds of a Retry-After header; its other form, a date, is rare and left alone."""
    headers = getattr(getattr(failure, "response", None), "headers", {})
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None
