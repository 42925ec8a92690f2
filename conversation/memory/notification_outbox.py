"""The notification outbox in memory: leases on notices. No method awaits, so each is a transaction."""

from dataclasses import replace
from datetime import timedelta

from conversation.memory.tables import OwedNotice, Tables
from conversation.ports import Clock
from conversation.values import NoticeLease, Undelivered


class MemoryNotices:
    """A notification outbox in memory: `NoticeStore`."""

    _tables: Tables
    _clock: Clock

    async def take_notices(self, target: str, limit: int, *, lease_s: float) -> tuple[NoticeLease, ...]:
        """Lease up to `limit` due notices to `target`, those that have been due longest first."""
        now, owed = self._clock.now(), self._tables.notices
        due = sorted(
            (notice.due_at, name) for name, notice in owed.items() if name[2] == target and notice.due_at <= now
        )
        return tuple(self._take_notice(name, lease_s) for _, name in due[:limit])

    def _take_notice(self, name: tuple[str, int, str], lease_s: float) -> NoticeLease:
        now, notice = self._clock.now(), self._tables.notices[name]
        taken = replace(notice, fence=notice.fence + 1, due_at=now + timedelta(seconds=lease_s))
        self._tables.notices[name] = taken
        return NoticeLease(*name, taken.fence, taken.failures, (now - taken.owed_since).total_seconds())

    async def settle_notice(self, lease: NoticeLease) -> bool:
        """It is dealt with and forgotten; False where it is no longer this holder's."""
        if self._held_notice(lease) is None:
            return False
        del self._tables.notices[_name(lease)]
        return True

    async def put_off_notice(self, lease: NoticeLease, after_s: float, *, failed: bool) -> bool:
        """Due again in `after_s`; False where it is no longer this holder's."""
        notice = self._held_notice(lease)
        if notice is None:
            return False
        due_at = self._clock.now() + timedelta(seconds=after_s)
        self._tables.notices[_name(lease)] = replace(notice, due_at=due_at, failures=notice.failures + failed)
        return True

    def _held_notice(self, lease: NoticeLease) -> OwedNotice | None:
        notice = self._tables.notices.get(_name(lease))
        return notice if notice is not None and notice.fence == lease.fence else None

    async def undelivered(self) -> tuple[Undelivered, ...]:
        """What has failed and waits for another try, by target."""
        now = self._clock.now()
        failed = [
            (target, (now - notice.owed_since).total_seconds())
            for (_, _, target), notice in self._tables.notices.items()
            if notice.failures
        ]
        ages = {target: [age_s for name, age_s in failed if name == target] for target in sorted(dict(failed))}
        return tuple(Undelivered(target, len(ages_s), max(ages_s)) for target, ages_s in ages.items())


def _name(lease: NoticeLease) -> tuple[str, int, str]:
    return lease.conversation_id, lease.seq, lease.target
