"""SMTP server, where mails are handed in; apart from `mail`, so that settings can be read without a mail client."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MailServer:
    """An SMTP server. `security`: TLS from the start, by STARTTLS, or none, for a server on this machine."""

    host: str
    port: int
    security: Literal["tls", "starttls", "none"]
    user: str | None = None
    password: str | None = None
