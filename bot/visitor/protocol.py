"""The visitor socket's frames: what a client may send, what a server says, and the codes of refusal. No I/O."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from conversation.events import Event, JsonObject
from conversation.projections import visitor_form

PROTOCOL = 1
MAX_FRAME_BYTES = 32 * 1024
MAX_TEXT_CHARS = 4_000
HEARTBEAT_S = 25  # proxies cut idle sockets at 60 s

BAD_FRAME = 4400
BAD_TOKEN = 4401
FORBIDDEN = 4403
UNKNOWN_SITE = 4404
NO_HELLO = 4408
FRAME_TOO_BIG = 4413
TOO_MANY = 4429
RESTART = 1012
TRY_LATER = 1013


class Hangup(Exception):
    """The socket ends with a close code."""

    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason

    def __str__(self) -> str:
        return f"{self.code} {self.reason}"


class FrameError(Exception):
    """A frame that is answered by an error frame."""

    code: ClassVar[str] = "bad_frame"
    final: ClassVar[bool] = True

    def __init__(self, message: str, client_id: str | None = None) -> None:
        self.message, self.client_id = message, client_id

    def __str__(self) -> str:
        return self.message


class EmptyText(FrameError):
    """Nothing but white space was said."""

    code = "empty_text"


class TextTooLong(FrameError):
    """More than MAX_TEXT_CHARS code points were said."""

    code = "text_too_long"


def _without_nul(text: str) -> str:
    """PostgreSQL stores no U+0000; visitors see the replacement character."""
    return text.replace("\x00", "\ufffd")


Text = Annotated[str, AfterValidator(_without_nul)]
Short = Annotated[str, StringConstraints(max_length=200), AfterValidator(_without_nul)]
Comment = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS), AfterValidator(_without_nul)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$", max_length=254)]
PageText = Annotated[str, AfterValidator(lambda text: _without_nul(text)[:2_000])]  # a long title keeps no one out


class VisitorFrame(BaseModel):
    """A client's frame; fields this version does not know are ignored."""

    model_config = ConfigDict(frozen=True, strict=True)


class PageSeen(VisitorFrame):
    """Where the widget stands."""

    url: PageText | None = None
    title: PageText | None = None


class Identity(VisitorFrame):
    """Who the site's own server says the visitor is: `signature` is the HMAC-SHA256 of the bytes of `claims`."""

    claims: Annotated[str, StringConstraints(max_length=8_000)]
    signature: Annotated[str, StringConstraints(max_length=128)]


class Hello(VisitorFrame):
    """The first frame."""

    type: Literal["hello"]
    protocol: Literal[1]
    site: Short = "default"
    token: Short | None = None
    conversation_id: Short | None = None
    after: Annotated[int, Field(ge=0)] = 0
    fresh: bool = False
    locale: Short | None = None
    page: PageSeen | None = None
    identity: Identity | None = None


def _uuid(text: str) -> str:
    """Kept as it was written: that is what the client will look for."""
    UUID(text)
    return text


class VisitorCommand(VisitorFrame):
    """What changes the conversation carries a UUID made by the client."""

    client_id: Annotated[str, StringConstraints(max_length=64), AfterValidator(_uuid)]


class Say(VisitorCommand):
    """The visitor says something."""

    type: Literal["say"]
    text: Text


class CallHuman(VisitorCommand):
    """The visitor wants a person."""

    type: Literal["call_human"]


class CancelHuman(VisitorCommand):
    """The visitor no longer waits for a person."""

    type: Literal["cancel_human"]


class Rate(VisitorCommand):
    """The visitor's verdict on one reply."""

    type: Literal["rate"]
    seq: Annotated[int, Field(ge=1, le=2**53)]  # browsers count no further, SQLite not beyond 2**63
    helpful: bool
    comment: Comment | None = None


class Survey(VisitorCommand):
    """The visitor's verdict on the conversation."""

    type: Literal["survey"]
    score: Annotated[int, Field(ge=1, le=5)]
    comment: Comment | None = None


class Contact(VisitorCommand):
    """Where the visitor can be reached."""

    type: Literal["contact"]
    email: Email
    name: Short | None = None


class CloseChat(VisitorCommand):
    """The visitor ends the conversation."""

    type: Literal["close"]


class Typing(VisitorFrame):
    """The visitor types, or stopped."""

    type: Literal["typing"]
    on: bool


class Ping(VisitorFrame):
    """Browsers can send no WebSocket pings."""

    type: Literal["ping"]


AnyCommand = Say | CallHuman | CancelHuman | Rate | Survey | Contact | CloseChat
ClientFrame = Hello | AnyCommand | Typing | Ping

_FRAMES: TypeAdapter[ClientFrame] = TypeAdapter(Annotated[ClientFrame, Field(discriminator="type")])


def parse(data: str) -> ClientFrame:
    """The frame in `data`. Raises FrameError (Hangup where it is larger than a frame may be)."""
    if len(data.encode("utf-8", "surrogatepass")) > MAX_FRAME_BYTES:
        raise Hangup(FRAME_TOO_BIG, f"a frame has at most {MAX_FRAME_BYTES} bytes")
    try:
        raw = orjson.loads(data)
    except orjson.JSONDecodeError as broken:
        raise FrameError(f"the frame is not JSON: {broken}") from None
    try:
        frame = _FRAMES.validate_python(raw)
    except ValidationError as invalid:
        raise FrameError(_explain(invalid), _client_id(raw)) from None
    return _measured(frame) if isinstance(frame, Say) else frame


def _measured(frame: Say) -> Say:
    text = frame.text.strip()
    if not text:
        raise EmptyText("the message is empty; write something", str(frame.client_id))
    if len(text) > MAX_TEXT_CHARS:
        message = f"the message has {len(text):,} characters, at most {MAX_TEXT_CHARS:,} are possible; shorten it"
        raise TextTooLong(message, str(frame.client_id))
    return frame.model_copy(update={"text": text})


def _explain(invalid: ValidationError) -> str:
    """One line for the first fault: where it is and what is expected."""
    fault = invalid.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"]) or "frame"
    return f"{where}: {fault['msg']}"


def _client_id(raw: object) -> str | None:
    client_id = raw.get("client_id") if isinstance(raw, dict) else None
    return client_id if isinstance(client_id, str) and len(client_id) <= 64 else None  # noqa: PLR2004 - longer than any UUID


def event_frame(event: Event, *, again: bool = False) -> JsonObject:
    """An event as its visitor may see it."""
    frame: JsonObject = {"type": "event", **visitor_form(event)}
    return frame | {"again": True} if again else frame


def error_frame(
    code: str,
    message: str,
    *,
    final: bool,
    client_id: str | None = None,
    retry_after_s: float | None = None,
    **more: str | int,
) -> JsonObject:
    """`final` False: the same frame may be sent again later."""
    frame: JsonObject = {"type": "error", "code": code, "message": message, "final": final, **more}
    if client_id is not None:
        frame["client_id"] = client_id
    if retry_after_s is not None:
        frame["retry_after_s"] = retry_after_s
    return frame


def encode(frame: JsonObject) -> str:
    """The text of a frame."""
    return orjson.dumps(frame).decode()
