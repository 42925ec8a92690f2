"""Desk status, cached: whether an agent is available, looked up once for all sockets of the process."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from conversation.errors import StorageUnavailable
from conversation.ports import Clock
from handoff.desk import Desk

LOOK_EVERY_S = 2.0


@dataclass(slots=True)
class DeskStatus:
    """Cached desk status: `open` as of the last look; `watchers` are called when it turns."""

    desk: Desk
    clock: Clock
    open: bool = False
    watchers: set[Callable[[], None]] = field(default_factory=set)

    async def run(self) -> None:
        """Look until cancelled; while the database does not answer, the status stays as it is."""
        while True:
            with contextlib.suppress(StorageUnavailable):
                await self.look()
            await self.clock.sleep(LOOK_EVERY_S)

    async def look(self) -> bool:
        """Whether somebody is there now. Raises StorageUnavailable."""
        before, self.open = self.open, await self.desk.is_open("default")
        if self.open != before:
            for watcher in list(self.watchers):
                watcher()
        return self.open
