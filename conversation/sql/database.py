"""The database port of the SQL store: read and write transactions."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")
Work = Callable[[Connection], T]


class Database(Protocol):
    """Runs units of work in transactions. Both methods raise StorageUnavailable where the database does not answer."""

    async def read(self, work: Work[T]) -> T:
        """What `work` finds; it sees every write that was awaited before."""

    async def write(self, work: Work[T]) -> T:
        """What `work` returns, after the commit; nothing of it is stored where it raises."""

    async def close(self) -> None:
        """Finish what is being written and let go."""
