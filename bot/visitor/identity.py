"""Visitor authentication: a token the server gave, or a signature of the site's own server. Nothing is stored here."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.settings import Site
from bot.visitor.protocol import BAD_TOKEN, FORBIDDEN, UNKNOWN_SITE, Hangup, Hello, Text
from bot.visitor.protocol import Identity as SignedIdentity
from conversation.ports import Clock, VisitorStore
from conversation.values import Visitor

TOKEN_DAYS = 90
SLIDE_AFTER = timedelta(days=1)  # a token in daily use is written once a day, not once a page
CLOCK_SKEW_S = 60  # the site's own server may run ahead of ours


class Claims(BaseModel):
    """The signed claims: what a site's server says of its customer."""

    model_config = ConfigDict(frozen=True, strict=True)

    site: str
    user_id: Text
    iat: float
    exp: float
    name: Text | None = None
    email: Text | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """An authenticated visitor with their token; `moved_from` is the browser's visitor that signed in as this one."""

    visitor: Visitor
    token: str
    moved_from: Visitor | None = None


def hash_token(token: str) -> bytes:
    """What is stored of a token; tokens are random, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).digest()


@dataclass(frozen=True, slots=True)
class VisitorAuthentication:
    """Authenticates visitors by site. `own_origin` is the server's; no Origin passes unless `require_origin`."""

    sites: Mapping[str, Site]
    store: VisitorStore
    clock: Clock
    require_origin: bool = False

    def origin_is_known(self, origin: str | None, own_origin: str) -> bool:
        """Before the handshake: whether any site stands there."""
        if origin is None:
            return not self.require_origin
        allowed_origins = {allowed for site in self.sites.values() for allowed in site.allowed_origins}
        return origin.lower() in allowed_origins | {own_origin.lower()}

    async def admit(self, hello: Hello, origin: str | None, own_origin: str) -> Admitted:
        """The visitor of a `hello`. Raises Hangup with the close code that says why not."""
        site = self.sites.get(hello.site)
        if site is None:
            raise Hangup(UNKNOWN_SITE, f"there is no site {hello.site!r}")
        if origin is not None and origin.lower() not in {own_origin.lower(), *site.allowed_origins}:
            raise Hangup(FORBIDDEN, f"site {hello.site!r} does not allow this origin")
        if hello.identity is not None:
            return await self._customer(hello, hello.identity, site)
        visitor = await self._by_token(hello)
        if visitor is None:
            return self._newcomer(hello.site)
        if visitor.user_id is not None:
            raise Hangup(BAD_TOKEN, "this token is a signed-in customer's; send their identity too")
        return Admitted(await self._slid(visitor), hello.token or "")

    async def _by_token(self, hello: Hello) -> Visitor | None:
        visitor = await self._recall(hello)
        if hello.token is not None and visitor is None:
            raise Hangup(BAD_TOKEN, "the token is unknown or has expired; say hello without it")
        return visitor

    async def _recall(self, hello: Hello) -> Visitor | None:
        """The visitor of the token, if it is valid on this site."""
        visitor = None if hello.token is None else await self.store.visitor_by_token(hash_token(hello.token))
        valid = visitor is not None and visitor.site_id == hello.site and visitor.expires_at > self.clock.now()
        return visitor if valid else None

    def _newcomer(self, site_id: str) -> Admitted:
        token = secrets.token_urlsafe(32)
        visitor = Visitor(secrets.token_urlsafe(16), site_id, hash_token(token), self._expiry())
        return Admitted(visitor, token)

    async def _slid(self, visitor: Visitor) -> Visitor:
        if self._expiry() - visitor.expires_at < SLIDE_AFTER:
            return visitor
        slid = replace(visitor, expires_at=self._expiry())
        await self.store.save_visitor(slid)
        return slid

    async def _customer(self, hello: Hello, identity: SignedIdentity, site: Site) -> Admitted:
        """The customer; their token is theirs already or, before they first wrote, known to nobody, which is fine."""
        claims = self._verified(hello.site, identity, site)
        assert site.identity_secret is not None
        token = _customer_token(site.identity_secret.get_secret_value(), claims)
        stored = await self.store.visitor_by_user(hello.site, claims.user_id)
        before = await self._recall(hello)
        visitor = Visitor(
            visitor_id=stored.visitor_id if stored else secrets.token_urlsafe(16),
            site_id=hello.site,
            token_hash=hash_token(token),
            expires_at=self._expiry(),
            user_id=claims.user_id,
            name=claims.name,
            email=claims.email,
        )
        if stored is not None:
            await self.store.save_visitor(visitor)
        anonymous = before is not None and before.user_id is None  # another customer's chats stay theirs
        return Admitted(visitor, token, before if anonymous else None)

    def _verified(self, site_id: str, identity: SignedIdentity, site: Site) -> Claims:
        """The claims, if the site's secret signed exactly these bytes and they are of now."""
        if site.identity_secret is None:
            raise Hangup(FORBIDDEN, f"site {site_id!r} has no identity secret")
        secret = site.identity_secret.get_secret_value().encode()
        expected = hmac.new(secret, identity.claims.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), identity.signature.lower().encode()):
            raise Hangup(FORBIDDEN, "the identity's signature does not match its claims")
        try:
            claims = Claims.model_validate_json(identity.claims)
        except ValidationError:
            raise Hangup(FORBIDDEN, "the identity's claims lack site, user_id, iat or exp") from None
        now = self.clock.now().timestamp()
        if claims.site != site_id or not claims.iat - CLOCK_SKEW_S <= now < claims.exp:
            raise Hangup(FORBIDDEN, "the identity is for another site or time; sign it anew")
        return claims

    def _expiry(self) -> datetime:
        return self.clock.now() + timedelta(days=TOKEN_DAYS)


def _customer_token(secret: str, claims: Claims) -> str:
    """The same on every device of a customer, so that it need not be stored to be given again."""
    message = f"handrail-visitor-token\0{claims.site}\0{claims.user_id}".encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
