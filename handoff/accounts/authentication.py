"""Request authentication, who a request is from: a session cookie with its CSRF token, or a bearer token."""

import hmac
import math
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from conversation.rate_limit import RateLimit
from handoff.accounts.accounts import SESSION_H, Accounts, Issued, SignedIn
from handoff.errors import CsrfRefused, NotSignedIn, TooManyAttempts
from handoff.presence import Attendance

COOKIE = "handrail_session"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
Count = Callable[[RateLimit, str, str], Awaitable[float | None]]
"""Counts one hit of (limit, kind, name); None where it may pass, else the seconds after which to try again."""

PER_EMAIL: Final = RateLimit(10, window_s=300)  # guessing stays hopeless, a person with a stuck Caps Lock does not
PER_ADDRESS: Final = RateLimit(50, window_s=300)  # an office of many agents signs in from one address


class RequestAuthentication:
    """Authenticates requests of agents; each request through it renews their presence."""

    def __init__(self, accounts: Accounts, attendance: Attendance) -> None:
        self.accounts, self.attendance = accounts, attendance

    async def enter(self, request: Request) -> SignedIn:
        """Who makes the request. Raises NotSignedIn; CsrfRefused where a cookie alone would change something."""
        bearer = _bearer(request)
        if bearer is not None:
            who = await self.accounts.authenticate(bearer, "bearer")
        else:
            who = await self.by_cookie(request)
            if request.method not in SAFE_METHODS:
                _require_csrf(request, who)
        await self.attendance.renew(who.agent)
        return who

    async def by_cookie(self, connection: HTTPConnection) -> SignedIn:
        """Whose session cookie came along. Raises NotSignedIn."""
        token = connection.cookies.get(COOKIE)
        if not token:
            raise NotSignedIn
        return await self.accounts.authenticate(token, "session")


class SignInLimits:
    """Rate limits of sign-ins from one network address and for one e-mail address, whether they succeed or not."""

    def __init__(self, count: Count) -> None:
        self._count = count

    async def spend(self, *, address: str, email: str) -> None:
        """Count one attempt. Raises TooManyAttempts."""
        for limit, kind, name in ((PER_ADDRESS, "address", address), (PER_EMAIL, "email", email.strip().casefold())):
            retry_after_s = await self._count(limit, kind, name)
            if retry_after_s is not None:
                raise TooManyAttempts(retry_after_s=max(1, math.ceil(retry_after_s)))


def give_cookie(request: Request, response: Response, issued: Issued) -> None:
    """Set the session cookie: out of reach of scripts, not sent along from other sites' forms."""
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, issued.token, max_age=SESSION_H * 3600, httponly=True, samesite="lax", secure=secure)


def take_cookie(request: Request, response: Response) -> None:
    """Delete the session cookie."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=request.url.scheme == "https")


def from_own_page(connection: HTTPConnection) -> bool:
    """Origin check: the request is from a page of this server, or from no page at all (no `Origin`: not a browser).

    Only the host is compared: behind a proxy that ends TLS the scheme we see is not the page's.
    """
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == connection.headers.get("host", "").lower() != ""


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _require_csrf(request: Request, who: SignedIn) -> None:
    sent = request.headers.get(CSRF_HEADER, "")
    if who.credential.csrf is None or not hmac.compare_digest(sent.encode(), who.credential.csrf.encode()):
        raise CsrfRefused
