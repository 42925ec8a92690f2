"""The settings of notification targets, validated: a webhook with its secret, mailboxes, and a mail server."""

import base64
import ipaddress
import re
from typing import Annotated, get_args
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import AfterValidator, SecretStr

from conversation.events import Known
from handoff.outbound.mail_server import MailServer

KEY_BYTES = range(24, 65)  # what the Standard Webhooks specification asks for
SECRET_PREFIX = "whsec_"  # noqa: S105 - not a secret: what the specification puts before one
SUBMISSION_PORTS = {"smtp": 587, "smtps": 465}
KINDS = tuple(kind.kind for kind in get_args(Known))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def signing_key(secret: str) -> bytes:
    """The bytes of a webhook's secret, which is base64 after an optional `whsec_`. Raises ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        key = b""
    if len(key) not in KEY_BYTES:
        message = f"it is not base64 of {KEY_BYTES[0]} to {KEY_BYTES[-1]} bytes; make one with: openssl rand -base64 32"
        raise ValueError(message)
    return key


def mail_server(url: str) -> MailServer:
    """The server of an `smtp://` or `smtps://` URL. Raises ValueError.

    `smtp` is encrypted by STARTTLS, unless the server is on this machine.
    """
    parts = _parts(url)
    if parts is None or parts.scheme not in SUBMISSION_PORTS or parts.path.strip("/") or parts.query:
        message = "it is no mail server; write smtp://user:password@host:587 or smtps://user:password@host:465"
        raise ValueError(message)
    host, user, password = parts.hostname or "", parts.username, parts.password
    plain = parts.scheme == "smtp" and is_loopback(host)
    return MailServer(
        host=host,
        port=parts.port or SUBMISSION_PORTS[parts.scheme],
        security="none" if plain else "tls" if parts.scheme == "smtps" else "starttls",
        user=None if user is None else unquote(user),
        password=None if password is None else unquote(password),
    )


def _parts(url: str) -> SplitResult | None:
    """The parts of a URL that has a host and, if any, a port; None of anything else."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is none
    except ValueError:
        return None
    return parts if parts.hostname and not re.search(r"[\s\x00-\x1f]", url) else None


def _webhook_url(url: SecretStr) -> SecretStr:
    parts = _parts(url.get_secret_value())
    if parts is None or parts.scheme not in ("http", "https") or parts.fragment or parts.username is not None:
        raise ValueError("it is no web address; write one such as https://example.com/hooks/handrail")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("it is not https, and others on the network could read along; write https://")
    return url


def _webhook_secret(secret: SecretStr) -> SecretStr:
    signing_key(secret.get_secret_value())
    return secret


def _smtp_url(url: SecretStr) -> SecretStr:
    mail_server(url.get_secret_value())
    return url


def _mailbox(address: str) -> str:
    if not re.fullmatch(r"[^@\s\x00-\x20<>()\[\],;:\\\"]+@[A-Za-z0-9.-]+", address) or not address.isascii():
        message = f"{address!r} is no e-mail address; write one such as support@example.com"
        raise ValueError(message)
    return address


def _kind(name: str) -> str:
    if name not in KINDS:
        message = f"{name!r} is no kind of event; known are {', '.join(KINDS)}"
        raise ValueError(message)
    return name


WebhookUrl = Annotated[SecretStr, AfterValidator(_webhook_url)]
WebhookSecret = Annotated[SecretStr, AfterValidator(_webhook_secret)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_smtp_url)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
EventKind = Annotated[str, AfterValidator(_kind)]
