"""The outbox of notices: which targets outside are to be told of which events.

A notice names an event and a target and holds nothing of what was said: its text is made from the log when it is sent,
so what was erased meanwhile is not told to anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

Subscriptions = Mapping[str, tuple[str, ...]]  # kind of event -> the targets that are told of it
NOBODY: Subscriptions = {}


@dataclass(frozen=True, slots=True)
class NoticeLease:
    """The right to tell `target` of an event: `fence` grows each time the notice changes hands.

    `failures` is how often it could not be told, `age_s` how long ago the event was stored.
    """

    conversation_id: str
    seq: int
    target: str
    fence: int
    failures: int
    age_s: float


@dataclass(frozen=True, slots=True)
class Undelivered:
    """`count` notices to `target` have failed at least once and are still to be told; the oldest is `oldest_s` old."""

    target: str
    count: int
    oldest_s: float


class NoticeStore(Protocol):
    """Notices are stored with their event, in one transaction, and due at once; all times are the database's.

    Whoever takes one has it for the time of the lease: it is taken again by anybody once that is over, so a notice may
    be told twice and is never lost.
    """

    async def take_notices(self, target: str, limit: int, *, lease_s: float) -> tuple[NoticeLease, ...]:
        """Lease up to `limit` due notices to `target`, those that have been due longest first."""

    async def settle_notice(self, lease: NoticeLease) -> bool:
        """It is dealt with and forgotten; False where it is no longer this holder's."""

    async def put_off_notice(self, lease: NoticeLease, after_s: float, *, failed: bool) -> bool:
        """Due again in `after_s`; `failed` counts. False where it is no longer this holder's."""

    async def undelivered(self) -> tuple[Undelivered, ...]:
        """What has failed and waits for another try, by target."""
