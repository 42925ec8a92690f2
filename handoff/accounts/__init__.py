"""Agents' accounts, passwords, sessions, and the gate to conversations."""

from handoff.accounts.accounts import MAX_TAG_CHARS, Accounts, Issued, SignedIn, gate
from handoff.accounts.authentication import (
    Count,
    RequestAuthentication,
    SignInLimits,
    from_own_page,
    give_cookie,
    take_cookie,
)

__all__ = [
    "MAX_TAG_CHARS",
    "Accounts",
    "Count",
    "Issued",
    "RequestAuthentication",
    "SignInLimits",
    "SignedIn",
    "from_own_page",
    "gate",
    "give_cookie",
    "take_cookie",
]
