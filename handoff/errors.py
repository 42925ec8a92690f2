"""Errors of the desk, why it refused: those of agents, accounts and sign-in, beside those every house shares."""

from conversation.errors import Refused


class NotSignedIn(Refused):
    """No credential came with the request, or it has expired, was signed out, or its agent is disabled."""

    code = "not_signed_in"

    def __str__(self) -> str:
        return "you are not signed in, or no longer; sign in again"


class BadCredentials(Refused):
    """Address and password do not go together; which of the two is wrong is not said."""

    code = "bad_credentials"

    def __str__(self) -> str:
        return "this e-mail address and password do not go together; check both"


class LoginLinkSpent(Refused):
    """A one-time login link that was used, has expired, or never existed."""

    code = "login_link_spent"

    def __str__(self) -> str:
        return "this login link was used already or is too old; ask for a new one"


class CsrfRefused(Refused):
    """A request that changes something came with a session cookie and without the session's own CSRF token."""

    code = "csrf"

    def __str__(self) -> str:
        return "the X-CSRF-Token header does not belong to this session; reload the page and try again"


class Forbidden(Refused):
    """The agent's role may read conversations but not act in them."""

    code = "forbidden"

    def __init__(self, *, role: str) -> None:
        self.role = role

    def __str__(self) -> str:
        return f"the role {self.role!r} may read conversations but not act in them; ask an admin for the role 'agent'"


class TooManyAttempts(Refused):
    """Too many sign-ins from one address, or for one account."""

    code = "rate_limited"

    def __init__(self, *, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"too many attempts to sign in; try again in {self.retry_after_s} s"


class BadRequest(Refused):
    """A field of a command does not hold what it must; `problem` says what it must hold."""

    code = "bad_request"

    def __init__(self, *, field: str, problem: str) -> None:
        self.field, self.problem = field, problem

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


class UnknownAgent(Refused):
    """No account has this address."""

    code = "unknown_agent"

    def __init__(self, email: str) -> None:
        self.email = email

    def __str__(self) -> str:
        return f"no agent has the address {self.email!r}; `handrail agent list` shows all"


class AgentDisabled(Refused):
    """The account may not get new credentials."""

    code = "agent_disabled"

    def __init__(self, email: str) -> None:
        self.email = email

    def __str__(self) -> str:
        return f"the account {self.email!r} is disabled; add another one"
