"""Password hashing with argon2id; it leaves the event loop, and only so much of it runs at once."""

import asyncio
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from handoff.errors import BadRequest

PASSES, MEMORY_KIB, LANES = 3, 64 * 1024, 4  # RFC 9106, 4: its second recommended choice, for constrained memory
MIN_CHARS, MAX_CHARS = 8, 1024  # NIST SP 800-63B's least; the most bounds what a stranger can make us hash
AT_ONCE = 2  # each hash takes 64 MiB for some 50 ms; a flood of sign-ins must queue instead of filling memory


class Passwords:
    """Hashes and verifies with argon2id."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        """The hash to store. Raises BadRequest where the password is too short or too long."""
        if not MIN_CHARS <= len(password) <= MAX_CHARS:
            raise BadRequest(field="password", problem=f"has {len(password)} characters; choose {MIN_CHARS} or more")
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether they go together. Without a hash the answer is no, and takes as long as with one."""
        async with self._slots:
            return await asyncio.to_thread(self._verify, password_hash, password[:MAX_CHARS])

    def _verify(self, password_hash: str | None, password: str) -> bool:
        try:
            self._hasher.verify(password_hash or self._nobodys, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("the password of no account")
