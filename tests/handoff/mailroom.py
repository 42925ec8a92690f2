"""A mail server that keeps what it is handed, speaking the real protocol."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, AuthResult


@dataclass
class Mailroom:
    """Each mail with who it came from and went to; `refusal` is what it answers to every mail instead of taking it."""

    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    refusal: str | None = None
    port: int = 0

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the name is aiosmtpd's
        if self.refusal is not None:
            return self.refusal
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 taken"

    def authenticate(self, server, session, envelope, mechanism, data):
        if data.password == b"swordfish":
            self.users.append(data.login.decode())
        return AuthResult(success=data.password == b"swordfish", handled=False)


@asynccontextmanager
async def sorting(*, tls=None, implicit=False, login=False):
    """A mail server on loopback: with TLS from the start (`implicit`), by STARTTLS, or without."""
    room = Mailroom()
    loop = asyncio.get_running_loop()
    more = {"tls_context": tls, "require_starttls": True} if tls and not implicit else {}
    if login:
        more |= {"authenticator": room.authenticate, "auth_required": True, "auth_require_tls": not implicit}
    server = await loop.create_server(
        lambda: SMTP(room, hostname="mail.test", loop=loop, **more), "127.0.0.1", 0, ssl=tls if implicit else None
    )
    room.port = server.sockets[0].getsockname()[1]
    try:
        yield room
    finally:
        server.close()
