"""How many visitors are let in at the same time: after a restart or a broken network all come back at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from bot.protocol import TRY_LATER, Hangup

AT_ONCE = 512  # two seconds of work: 250 a second were welcomed by one process on two busy cores, client included


class Handshakes:
    """Those between their hello and their welcome, in this process. Who has not said hello yet takes no place."""

    def __init__(self) -> None:
        self.under_way = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Raises Hangup where AT_ONCE are under way: better to come back later than to wait among thousands."""
        if self.under_way >= AT_ONCE:
            raise Hangup(TRY_LATER, "too many visitors connect at once; try again in a few seconds")
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
