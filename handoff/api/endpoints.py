"""HTTP endpoints of the agents' API, as docs/protocol.md has it under "Agents"."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Final, TypedDict, get_args

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from conversation.events import Event, JsonObject, Priority, State
from conversation.projections import desk_form
from conversation.values import Agent, PresenceStatus
from handoff.accounts import (
    Accounts,
    Count,
    RequestAuthentication,
    SignedIn,
    SignInLimits,
    gate,
    give_cookie,
    take_cookie,
)
from handoff.desk import Desk
from handoff.errors import BadRequest, Forbidden
from handoff.presence import ACTING_ROLES
from handoff.serialisers import agent_form, item_form

MAX_BODY_BYTES = 64 * 1024  # a text of 4,000 code points, each escaped as two \uXXXX, is 48 KB
MAX_QUERY_CHARS = 200
PAGE_ITEMS = 50
PAGE_EVENTS = 500  # a reader goes on with after=N while what it got ends before `seq`
MAX_CAPACITY = 100
STATES: Final[tuple[State, ...]] = get_args(State)


class Suggestion(TypedDict):
    """A passage that may help the agent: where it stands, what it says, how well it fits."""

    title: str
    url: str
    text: str
    score: float


Suggest = Callable[[str], Awaitable[Sequence[Suggestion]]]
ClientId = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,64}$", description="made by the client, a UUID")]


class _RequestBody(BaseModel):
    """A request body. Types are exact; fields that a later version adds are skipped."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class SignIn(_RequestBody):
    """Sign-in with address and password."""

    email: str = Field(max_length=254)
    password: str = Field(max_length=1024)


class CommandBody(_RequestBody):
    """What every command may carry: its idempotency key."""

    client_id: ClientId | None = None


class EndingBody(CommandBody):
    """Release or close, and why."""

    reason: str = ""


class Transfer(CommandBody):
    """A transfer: to whom, and what they should know."""

    to: str = Field(max_length=64)
    note: str = ""


class Text(CommandBody):
    """The text of a message or note."""

    text: str


class Tags(CommandBody):
    """All tags after the change."""

    tags: list[str]


class Urgency(CommandBody):
    """The priority: how soon the queue should serve it."""

    priority: Priority


class PresenceChange(_RequestBody):
    """Presence and capacity of the agent; `capacity` stays where it is left out."""

    status: PresenceStatus
    capacity: int | None = Field(default=None, ge=0, le=MAX_CAPACITY)


def router(desk: Desk, accounts: Accounts, suggest: Suggest, count: Count) -> APIRouter:
    """The endpoints under `/v1`; their errors need `problems.install_problem_handlers` on the app.

    `count` counts attempts to sign in.
    """
    routes = APIRouter(prefix="/v1", max_body_size=MAX_BODY_BYTES)
    authentication = RequestAuthentication(accounts, desk.attendance)
    _session(routes, authentication, SignInLimits(count))
    _presence(routes, authentication)
    _reading(routes, desk, authentication, suggest)
    _holding(routes, desk, authentication)
    _saying(routes, desk, authentication)
    return routes


def _session(routes: APIRouter, authentication: RequestAuthentication, limits: SignInLimits) -> None:
    @routes.post("/session")
    async def sign_in(request: Request, body: SignIn) -> Response:
        """A session as a cookie, and the CSRF token that goes with it."""
        await limits.spend(address=request.client.host if request.client else "", email=body.email)
        issued = await authentication.accounts.sign_in(body.email, body.password)
        await authentication.attendance.announce(issued.agent, "online")
        response = JSONResponse({"agent": agent_form(issued.agent), "csrf": issued.csrf})
        give_cookie(request, response, issued)
        return response

    @routes.delete("/session")
    async def sign_out(request: Request, who: Annotated[SignedIn, Depends(authentication.enter)]) -> Response:
        """End the session, or give up the bearer token; the agent leaves the desk."""
        await authentication.accounts.sign_out(who)
        await authentication.attendance.announce(who.agent, "offline")
        response = Response(status_code=204)
        take_cookie(request, response)
        return response


def _presence(routes: APIRouter, authentication: RequestAuthentication) -> None:
    @routes.put("/presence")
    async def set_presence(
        body: PresenceChange, who: Annotated[SignedIn, Depends(authentication.enter)]
    ) -> JSONResponse:
        """Say how one stands and how many conversations one takes."""
        if who.agent.role not in ACTING_ROLES:
            raise Forbidden(role=who.agent.role)
        agent = who.agent
        if body.capacity is not None:
            agent = await authentication.accounts.set_capacity(agent, body.capacity)
        await authentication.attendance.announce(agent, body.status)
        return JSONResponse({"status": body.status, "capacity": agent.capacity})


def _reading(routes: APIRouter, desk: Desk, authentication: RequestAuthentication, suggest: Suggest) -> None:
    store = desk.publisher.store
    entering = Depends(authentication.enter)

    @routes.get("/conversations")
    async def conversations(
        who: Annotated[SignedIn, entering],
        state: str = "",
        holder: str = "",
        q: Annotated[str, Query(max_length=MAX_QUERY_CHARS)] = "",
        cursor: str = "",
    ) -> JSONResponse:
        """Conversations, newest change first; `state` takes several, separated by commas."""
        page = await store.conversations(
            states=_states(state),
            holder_id=(who.agent.agent_id if holder == "me" else holder) or None,
            text=q.strip() or None,
            cursor=cursor or None,
            limit=PAGE_ITEMS,
        )
        return JSONResponse({"items": [item_form(conversation) for conversation in page.items], "next": page.next})

    @routes.get("/conversations/{conversation_id}")
    async def conversation(conversation_id: str, who: Annotated[SignedIn, entering]) -> JSONResponse:
        """One conversation with its events, the first 500."""
        conversation = await gate(store, who.agent, conversation_id)
        return JSONResponse({**item_form(conversation), "events": await _events(desk, conversation_id, 0)})

    @routes.get("/conversations/{conversation_id}/events")
    async def events(
        conversation_id: str, who: Annotated[SignedIn, entering], after: Annotated[int, Query(ge=0)] = 0
    ) -> JSONResponse:
        """The events after `after`, 500 at most; `seq` is how far the conversation has come."""
        conversation = await gate(store, who.agent, conversation_id)
        return JSONResponse({"events": await _events(desk, conversation_id, after), "seq": conversation.seq})

    @routes.get("/conversations/{conversation_id}/suggestions")
    async def suggestions(conversation_id: str, who: Annotated[SignedIn, entering]) -> JSONResponse:
        """Passages that may help with what the visitor asked."""
        await gate(store, who.agent, conversation_id)
        return JSONResponse({"items": list(await suggest(conversation_id))})


def _acting(desk: Desk, authentication: RequestAuthentication) -> Callable[[str, SignedIn], Awaitable[Agent]]:
    """The dependency of commands: who gives them, where they may."""

    async def actor(conversation_id: str, who: Annotated[SignedIn, Depends(authentication.enter)]) -> Agent:
        await gate(desk.publisher.store, who.agent, conversation_id, acting=True)
        return who.agent

    return actor


def _holding(routes: APIRouter, desk: Desk, authentication: RequestAuthentication) -> None:
    actor = Depends(_acting(desk, authentication))

    @routes.post("/conversations/{conversation_id}/claim")
    async def claim(
        conversation_id: str, agent: Annotated[Agent, actor], body: CommandBody | None = None
    ) -> JSONResponse:
        return _done(await desk.claim(conversation_id, agent, (body or CommandBody()).client_id))

    @routes.post("/conversations/{conversation_id}/release")
    async def release(
        conversation_id: str, agent: Annotated[Agent, actor], body: EndingBody | None = None
    ) -> JSONResponse:
        ending = body or EndingBody()
        return _done(await desk.release(conversation_id, agent, ending.client_id, reason=ending.reason))

    @routes.post("/conversations/{conversation_id}/transfer")
    async def transfer(conversation_id: str, agent: Annotated[Agent, actor], body: Transfer) -> JSONResponse:
        return _done(await desk.transfer(conversation_id, agent, body.client_id, to=body.to, note=body.note))

    @routes.post("/conversations/{conversation_id}/return")
    async def return_to_bot(
        conversation_id: str, agent: Annotated[Agent, actor], body: CommandBody | None = None
    ) -> JSONResponse:
        return _done(await desk.return_to_bot(conversation_id, agent, (body or CommandBody()).client_id))

    @routes.post("/conversations/{conversation_id}/close")
    async def close(
        conversation_id: str, agent: Annotated[Agent, actor], body: EndingBody | None = None
    ) -> JSONResponse:
        ending = body or EndingBody()
        return _done(await desk.close(conversation_id, agent, ending.client_id, reason=ending.reason))

    @routes.post("/conversations/{conversation_id}/reopen")
    async def reopen(
        conversation_id: str, agent: Annotated[Agent, actor], body: CommandBody | None = None
    ) -> JSONResponse:
        return _done(await desk.reopen(conversation_id, agent, (body or CommandBody()).client_id))


def _saying(routes: APIRouter, desk: Desk, authentication: RequestAuthentication) -> None:
    actor = Depends(_acting(desk, authentication))

    @routes.post("/conversations/{conversation_id}/say")
    async def say(conversation_id: str, agent: Annotated[Agent, actor], body: Text) -> JSONResponse:
        return _done(await desk.say(conversation_id, agent, body.client_id, text=body.text))

    @routes.post("/conversations/{conversation_id}/note")
    async def note(conversation_id: str, agent: Annotated[Agent, actor], body: Text) -> JSONResponse:
        return _done(await desk.note(conversation_id, agent, body.client_id, text=body.text))

    @routes.put("/conversations/{conversation_id}/tags")
    async def tags(conversation_id: str, agent: Annotated[Agent, actor], body: Tags) -> JSONResponse:
        return _done(await desk.tag(conversation_id, agent, body.client_id, tags=body.tags))

    @routes.put("/conversations/{conversation_id}/priority")
    async def priority(conversation_id: str, agent: Annotated[Agent, actor], body: Urgency) -> JSONResponse:
        return _done(await desk.prioritise(conversation_id, agent, body.client_id, priority=body.priority))


def _done(event: Event) -> JSONResponse:
    return JSONResponse(_event_form(event))


def _event_form(event: Event) -> JsonObject:
    return {"conversation_id": event.conversation_id, **desk_form(event)}


async def _events(desk: Desk, conversation_id: str, after: int) -> list[JsonValue]:
    page = await desk.publisher.store.events(conversation_id, after=after, limit=PAGE_EVENTS)
    return [desk_form(event) for event in page]


def _states(query: str) -> tuple[State, ...]:
    names = {name.strip() for name in query.split(",") if name.strip()}
    if not names <= set(STATES):
        raise BadRequest(field="state", problem=f"{query!r} is not known; give any of {', '.join(STATES)}")
    return tuple(state for state in STATES if state in names)
