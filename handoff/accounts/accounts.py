"""Agent accounts, credentials (session, bearer token, login link) and access control: the one gate to conversations.

A secret is 32 random bytes, shown once; the store keeps its SHA-256. What a secret is good for is its kind: a session
(a cookie), a bearer token (scripts), a login link (once). An agent is looked up on every request, so that disabling an
account ends all three at once.
"""

import hashlib
import re
import secrets
import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from conversation.errors import NotFound
from conversation.ports import Clock, Store
from conversation.state import Conversation
from conversation.values import Agent, Credential, CredentialKind, Role, Visitor
from handoff.accounts.passwords import Passwords
from handoff.errors import (
    AgentDisabled,
    BadCredentials,
    BadRequest,
    Forbidden,
    LoginLinkSpent,
    NotSignedIn,
    UnknownAgent,
)
from handoff.input_validation import clean
from handoff.presence import ACTING_ROLES
from handoff.routing import primary

SESSION_H = 12  # a long working day; the console asks to sign in again after it, whatever happened in between
LOGIN_LINK_MIN = 30  # long enough to reach a colleague's mailbox, short enough to be worthless in an old one
MAX_NAME_CHARS = 80
MAX_TAG_CHARS = 40  # of a tag, and of a skill, which is one
LANGUAGE: Final = re.compile(r"[a-z]{2,8}")  # RFC 5646, 2.1: the primary subtag
MAX_EMAIL_CHARS = 254  # RFC 5321, 4.5.3.1.3 less the angle brackets
EMAIL: Final = re.compile(
    r"[^@\s<>\"(),:;\\\[\]\x00-\x1f]+@[^@\s<>\"(),:;\\\[\]\x00-\x1f.]+(\.[^@\s<>\"(),:;\\\[\]\x00-\x1f.]+)*"
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An authenticated request: who it is from, and by which credential."""

    agent: Agent
    credential: Credential


@dataclass(frozen=True, slots=True)
class Issued:
    """A new session: `token` goes into the cookie, `csrf` into every request that changes something."""

    token: str
    csrf: str
    agent: Agent


class Accounts:
    """Agent accounts and their credentials."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._passwords = Passwords()

    async def add(
        self,
        *,
        email: str,
        name: str,
        role: Role = "agent",
        password: str | None = None,
        skills: Sequence[str] = (),
        languages: Sequence[str] = (),
    ) -> Agent:
        """A new account; without a password it is entered by login link. Raises BadRequest, EmailTaken."""
        agent = Agent(
            agent_id=uuid.uuid4().hex,
            email=normal_email(email),
            name=clean(name, field="name", most=MAX_NAME_CHARS),
            role=role,
            skills=_skills(skills),
            languages=_languages(languages),
        )
        await self._store.add_agent(agent, None if password is None else await self._passwords.hash(password))
        return agent

    async def all(self) -> tuple[Agent, ...]:
        """Every account, by name."""
        return await self._store.agents()

    async def disable(self, email: str) -> Agent:
        """Disable the account: its sessions, tokens and links end now. Raises UnknownAgent."""
        agent = replace(await self._by_email(email), disabled=True)
        await self._store.save_agent(agent)
        return agent

    async def set_skills(self, email: str, *, skills: Sequence[str], languages: Sequence[str]) -> Agent:
        """What the agent can do and speaks, instead of what was there. Raises UnknownAgent, BadRequest."""
        changed = replace(await self._by_email(email), skills=_skills(skills), languages=_languages(languages))
        await self._store.save_agent(changed)
        return changed

    async def set_capacity(self, agent: Agent, capacity: int) -> Agent:
        """How many conversations the agent holds at a time, from now on."""
        current = await self._store.agent(agent.agent_id) or agent
        changed = replace(current, capacity=capacity)
        if changed != current:
            await self._store.save_agent(changed)
        return changed

    async def sign_in(self, email: str, password: str) -> Issued:
        """A new session. Raises BadCredentials, after the same time for known and unknown addresses."""
        account = await self._store.agent_by_email(email.strip())
        agent, password_hash = account or (None, None)
        proven = await self._passwords.verify(password_hash, password)
        if agent is None or agent.disabled or not proven:
            raise BadCredentials
        return await self._open_session(agent)

    async def login_link_token(self, email: str) -> str:
        """The secret of a login link: it opens one session within 30 minutes. Raises UnknownAgent, AgentDisabled."""
        return await self._issue(await self._enabled(email), "login", timedelta(minutes=LOGIN_LINK_MIN))

    async def login_link_owner(self, token: str) -> Agent:
        """Whose login link this is; looking spends nothing. Raises LoginLinkSpent."""
        try:
            return (await self.authenticate(token, "login")).agent
        except NotSignedIn:
            raise LoginLinkSpent from None

    async def spend_login_link(self, token: str) -> Issued:
        """The session of a login link; of two who try at once, one gets LoginLinkSpent."""
        agent = await self.login_link_owner(token)
        if await self._store.spend_credential(_digest(token)) is None:
            raise LoginLinkSpent
        return await self._open_session(agent)

    async def bearer_token(self, email: str) -> str:
        """A bearer token for scripts, good until the account is disabled. Raises UnknownAgent, AgentDisabled."""
        return await self._issue(await self._enabled(email), "bearer", None)

    async def authenticate(self, token: str, kind: CredentialKind) -> SignedIn:
        """Whose secret this is. Raises NotSignedIn: unknown, of another kind, expired, or its agent disabled."""
        return await self.recall(_digest(token), kind)

    async def recall(self, token_hash: bytes, kind: CredentialKind) -> SignedIn:
        """The same by the secret's hash, for a connection that outlives its first check."""
        row = await self._store.credential(token_hash)
        if row is None:
            raise NotSignedIn
        credential, agent = row
        expired = credential.expires_at is not None and credential.expires_at <= self._clock.now()
        if credential.kind != kind or expired or agent.disabled:
            raise NotSignedIn
        return SignedIn(agent, credential)

    async def sign_out(self, who: SignedIn) -> None:
        """End the session; signing out twice is no error."""
        await self._store.spend_credential(who.credential.token_hash)

    async def _open_session(self, agent: Agent) -> Issued:
        csrf = secrets.token_urlsafe(32)
        return Issued(await self._issue(agent, "session", timedelta(hours=SESSION_H), csrf), csrf, agent)

    async def _issue(self, agent: Agent, kind: CredentialKind, lasts: timedelta | None, csrf: str | None = None) -> str:
        token = secrets.token_urlsafe(32)
        expires_at = None if lasts is None else self._clock.now() + lasts
        await self._store.add_credential(Credential(_digest(token), kind, agent.agent_id, expires_at, csrf))
        return token

    async def _by_email(self, email: str) -> Agent:
        account = await self._store.agent_by_email(email.strip())
        if account is None:
            raise UnknownAgent(email)
        return account[0]

    async def _enabled(self, email: str) -> Agent:
        agent = await self._by_email(email)
        if agent.disabled:
            raise AgentDisabled(email)
        return agent


async def gate(store: Store, principal: Agent | Visitor, conversation_id: str, *, acting: bool = False) -> Conversation:
    """Access control: the conversation, for someone who may see it: every agent, and the visitor whose it is.

    `acting` asks for more than reading: writers and QA read along but take no part. Raises NotFound alike for what is
    not there and what is not theirs; Forbidden, which names the role.
    """
    conversation = await store.conversation(conversation_id)
    if conversation is None or (isinstance(principal, Visitor) and conversation.visitor_id != principal.visitor_id):
        raise NotFound
    if acting and isinstance(principal, Agent) and principal.role not in ACTING_ROLES:
        raise Forbidden(role=principal.role)
    return conversation


def normal_email(email: str) -> str:
    """Normalise an e-mail address, as it is stored: trimmed, composed (NFC), in lower case. Raises BadRequest."""
    normal = unicodedata.normalize("NFC", email.strip()).lower()
    if len(normal) > MAX_EMAIL_CHARS or not EMAIL.fullmatch(normal):
        raise BadRequest(
            field="email", problem=f"{email[:MAX_EMAIL_CHARS]!r} is no e-mail address; give name@example.com"
        )
    return normal


def _skills(names: Sequence[str]) -> tuple[str, ...]:
    """Spelled as tags are, doubles once."""
    return tuple(dict.fromkeys(clean(skill, field="skill", most=MAX_TAG_CHARS) for skill in names))


def _languages(codes: Sequence[str]) -> tuple[str, ...]:
    """`de-AT` is `de`: where people speak it does not matter."""
    spoken = dict.fromkeys(primary(code.strip()) for code in codes)
    for language in spoken:
        if not LANGUAGE.fullmatch(language):
            problem = f"{language[:MAX_TAG_CHARS]!r} is no language; give its code, such as en or de"
            raise BadRequest(field="language", problem=problem)
    return tuple(spoken)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
