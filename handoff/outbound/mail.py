"""Mail notifications: tells a mailbox that a visitor needs somebody and nobody is there to see it.

A mail holds nothing that a visitor typed: it says what happened and where to read on. So nothing of it has to be erased
from mailboxes, and nobody can write a header of it.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from conversation.events import Reason
from conversation.ports import Clock
from handoff.outbound.dispatcher import Delivered, Failed, Later, Notice, Verdict
from handoff.outbound.mail_server import MailServer

LOOK_AGAIN_S = 60.0  # while somebody is at the desk: they may leave, and the visitor still wait
MAILS_AN_HOUR = 60  # from one process: visitors cannot fill a mailbox, nor cost the company its mail account
HOUR_S = 3600.0
STEP_S = 10.0  # of the conversation with the mail server; the whole is bounded by whoever calls

REASONS: dict[Reason, str] = {
    "visitor_asked": "the visitor asked for a person",
    "low_confidence": "the bot found no answer",
    "frustrated": "the visitor is frustrated",
    "repeated_failure": "the bot found no answer several times",
    "policy": "your settings call a person",
}


class Mail:
    """Writes to `recipients`. `present` are the agents at the desk; `console_url` is where the mail points to."""

    def __init__(
        self,
        server: MailServer,
        clock: Clock,
        present: Callable[[], Awaitable[frozenset[str]]],
        *,
        sender: str,
        recipients: Sequence[str],
        console_url: str | None,
    ) -> None:
        self._server, self._clock, self._present = server, clock, present
        self._sender, self._recipients, self._console_url = sender, recipients, console_url
        self._sent_s: deque[float] = deque(maxlen=MAILS_AN_HOUR)

    async def tell(self, notice: Notice) -> Verdict:
        """Of an address that was left, always; of a visitor who waits, once nobody is at the desk."""
        if not _is_wanted(notice):
            return Delivered(needless=True)
        if notice.event.kind != "contact_left" and await self._present():
            return Later(LOOK_AGAIN_S)
        pause_s = self._pause_s()
        return Later(pause_s) if pause_s > 0 else await self._send(self._message(notice))

    def _pause_s(self) -> float:
        """How long until the hour has room for another mail."""
        if len(self._sent_s) < MAILS_AN_HOUR:
            return 0.0
        return self._sent_s[0] + HOUR_S - self._clock.monotonic()

    async def _send(self, message: EmailMessage) -> Verdict:
        server = self._server
        self._sent_s.append(self._clock.monotonic())
        try:
            await aiosmtplib.send(
                message,
                hostname=server.host,
                port=server.port,
                username=server.user,
                password=server.password,
                use_tls=server.security == "tls",
                start_tls=server.security == "starttls",
                timeout=STEP_S,
            )
        except aiosmtplib.SMTPResponseException as refused:
            return Failed(f"{type(refused).__name__} {refused.code}")  # what the server says besides may name addresses
        except (aiosmtplib.SMTPException, OSError) as error:
            cause = "" if error.__cause__ is None else f" ({type(error.__cause__).__name__})"
            return Failed(f"{type(error).__name__}{cause}")
        return Delivered()

    def _message(self, notice: Notice) -> EmailMessage:
        subject, lines = _words(notice)
        if self._console_url is not None:
            lines += ["", f"Open the console: {self._console_url}"]
        message = EmailMessage()
        message["Subject"] = subject
        message["From"] = self._sender
        message["To"] = ", ".join(self._recipients)
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{notice.notice_id}@{self._sender.rpartition('@')[2]}>"  # a repeat is shown once
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
        message.set_content("\n".join(lines) + "\n")
        return message


def _is_wanted(notice: Notice) -> bool:
    """Whether it is still so: the visitor waits in the same hold, or nobody has followed up the address."""
    event, conversation = notice.event, notice.conversation
    if event.kind == "contact_left":
        return conversation.contact is not None
    return conversation.state == "queued" and event.standing is not None and event.standing.hold == conversation.hold


def _words(notice: Notice) -> tuple[str, list[str]]:
    event, conversation = notice.event, notice.conversation
    about = [f"Conversation: {event.conversation_id}", f"Site: {conversation.site_id}"]
    if event.kind == "contact_left":
        text = "A visitor left an email address. It stands with the chat in the console, under To follow up."
        return "A visitor left an email address", [text, "", f"Left at: {_minute(event.at)}", *about]
    text = "A visitor waits for a person, and nobody is at the desk."
    reason = [] if conversation.reason is None else [f"Reason: {REASONS[conversation.reason]}"]
    since = f"Waits since: {_minute(conversation.asked_at or event.at)}"
    return "A visitor waits for a person", [text, "", *reason, since, *about]


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
