"""Webhook notifications, to an address of the company's own, as Standard Webhooks says (version 1.0.0).

`webhook-signature` is the HMAC-SHA256 of `id.timestamp.body`. Redirects are not followed, and of the answer only status
and headers are read.
"""

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
import orjson

from conversation.clock import micros
from conversation.events import JsonObject, rfc3339
from conversation.ports import Clock
from conversation.projections import desk_form
from handoff.outbound.dispatcher import Delivered, Failed, Notice, Verdict

GONE = 410
INTERNAL = ("client_id", "trace")  # of the desk form: a browser's own number, and how the bot came to its answer
USER_AGENT = "Handrail"


class Webhook:
    """The webhook notifier: POSTs events to `url`. `key` is the secret's bytes, shared with whoever receives."""

    def __init__(self, client: httpx2.AsyncClient, clock: Clock, *, url: str, key: bytes) -> None:
        self._client, self._clock, self._url, self._key = client, clock, url, key

    async def tell(self, notice: Notice) -> Verdict:
        """Delivered with any 2xx, for ever unwanted with 410, put off with everything else."""
        body = orjson.dumps(payload(notice))
        headers = signed(notice.notice_id, self._clock.now(), body, self._key)
        try:
            async with self._client.stream(
                "POST", self._url, content=body, headers=headers, follow_redirects=False
            ) as answer:
                return self._verdict(answer)
        except httpx2.TransportError as error:
            return Failed(f"{type(error).__name__}: {error}".removesuffix(": "))

    def _verdict(self, answer: httpx2.Response) -> Verdict:
        if answer.is_success:
            return Delivered()
        problem = f"status {answer.status_code}"
        if answer.is_redirect:
            problem += ", and redirects are not followed"
        return Failed(problem, self._retry_after_s(answer.headers), final=answer.status_code == GONE)

    def _retry_after_s(self, headers: Mapping[str, str]) -> float:
        """What the receiver asks for, in seconds or as a date; 0 where it is not to be understood."""
        header = headers.get("retry-after", "").strip()
        if header.isascii() and header.isdigit():
            return float(header)
        try:
            retry_at = parsedate_to_datetime(header)
        except ValueError:
            return 0.0
        return (retry_at.replace(tzinfo=retry_at.tzinfo or UTC) - self._clock.now()).total_seconds()


def payload(notice: Notice) -> JsonObject:
    """The webhook's body: the event as agents and exports see it, without what only Handrail itself can use."""
    event, conversation = notice.event, notice.conversation
    form = {name: value for name, value in desk_form(event).items() if name not in INTERNAL}
    data: JsonObject = {"conversation_id": event.conversation_id, "site": conversation.site_id, **form}
    return {"type": f"conversation.{event.kind}", "timestamp": rfc3339(event.at), "data": data}


def signed(notice_id: str, moment: datetime, body: bytes, key: bytes) -> dict[str, str]:
    """The headers of one attempt at `moment`, with its signature."""
    timestamp = str(micros(moment) // 1_000_000)
    digest = hmac.digest(key, f"{notice_id}.{timestamp}.".encode() + body, "sha256")
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": notice_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
