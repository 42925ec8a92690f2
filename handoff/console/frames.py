"""WebSocket frames of the agents' protocol: what agents' clients may send, and how it is refused."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from conversation.events import JsonObject

MAX_FRAME_BYTES = 32 * 1024
MAX_WATCHED = 50  # conversations one console reads along; a person follows a handful

ConversationId = Annotated[str, Field(min_length=1, max_length=64)]
After = Annotated[int, Field(ge=0)]


class BadFrame(Exception):
    """A frame that is not what docs/protocol.md says; `problem` says how, without repeating it."""

    def __init__(self, problem: str) -> None:
        self.problem = problem

    def __str__(self) -> str:
        return f"this frame was not understood: {self.problem}"


class _StrictFrame(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class AgentHello(_StrictFrame):
    """The handshake frame. `token` is a bearer token, where no session cookie came along; `watch` resumes after N."""

    type: Literal["hello"]
    token: str | None = Field(default=None, max_length=200)
    watch: dict[ConversationId, After] = Field(default_factory=dict, max_length=MAX_WATCHED)


class AgentWatch(_StrictFrame):
    """Subscribe: send the conversation's events after `after`, and those to come."""

    type: Literal["watch"]
    conversation_id: ConversationId
    after: After = 0


class AgentUnwatch(_StrictFrame):
    """Unsubscribe: no more events of this conversation."""

    type: Literal["unwatch"]
    conversation_id: ConversationId


class AgentTyping(_StrictFrame):
    """Typing indicator: the agent is writing, or no longer."""

    type: Literal["typing"]
    conversation_id: ConversationId
    on: bool


class AgentPing(_StrictFrame):
    """Heartbeat: renews presence, answered by `pong`."""

    type: Literal["ping"]


AgentFrame = AgentHello | AgentWatch | AgentUnwatch | AgentTyping | AgentPing
_PARSER: TypeAdapter[AgentFrame] = TypeAdapter(Annotated[AgentFrame, Field(discriminator="type")])


def parse(text: str) -> AgentFrame:
    """Parse and validate a frame. Raises BadFrame."""
    try:
        return _PARSER.validate_json(text.encode(errors="surrogatepass"))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "frame"
        raise BadFrame(f"{field}: {first['msg']}") from None


def error_frame(code: str, message: str, *, conversation_id: str | None = None, final: bool = True) -> JsonObject:
    """An error frame, why another had no effect; `final`: sending it again will not help."""
    frame: JsonObject = {"type": "error", "code": code, "message": message, "final": final}
    return frame if conversation_id is None else frame | {"conversation_id": conversation_id}
