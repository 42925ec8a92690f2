"""Errors: why a command was refused. A stable `code`, typed fields, and prose derived from them."""

from typing import ClassVar


class Refused(Exception):
    """A command that may not be carried out; nothing was stored."""

    code: ClassVar[str]


class IllegalTransition(Refused):
    """The conversation's state does not allow this event."""

    code = "illegal_transition"

    def __init__(self, *, kind: str, state: str) -> None:
        self.kind, self.state = kind, state

    def __str__(self) -> str:
        return f"{self.kind!r} is not possible while the conversation is {self.state!r}; reload it and try again"


class AlreadyClaimed(Refused):
    """Another agent holds the conversation."""

    code = "already_claimed"

    def __init__(self, *, claimed_by: str, agent_id: str) -> None:
        self.claimed_by, self.agent_id = claimed_by, agent_id

    def __str__(self) -> str:
        return f"the conversation is already held by {self.claimed_by!r}; ask them to transfer it"


class NotHolder(Refused):
    """The agent does not hold the conversation."""

    code = "not_holder"

    def __init__(self, *, holder: str) -> None:
        self.holder = holder

    def __str__(self) -> str:
        return f"the conversation is held by {self.holder!r}, not by you; claim it first"


class OverCapacity(Refused):
    """The agent already holds as many conversations as they take at a time."""

    code = "over_capacity"

    def __init__(self, *, held: int, capacity: int) -> None:
        self.held, self.capacity = held, capacity

    def __str__(self) -> str:
        return f"{self.held} of {self.capacity} places are taken; close a conversation or raise the capacity"


class NotFound(Refused):
    """No such conversation, or not for this principal: the two look alike."""

    code = "not_found"

    def __str__(self) -> str:
        return "there is no such conversation; check the id"


class NewerConversation(Refused):
    """The visitor has another open conversation on this site."""

    code = "newer_conversation"

    def __str__(self) -> str:
        return "the visitor already has a newer open conversation; continue there"


class ClientIdReused(Refused):
    """The same `client_id` came with another body."""

    code = "client_id_reused"

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id

    def __str__(self) -> str:
        return f"client_id {self.client_id!r} was used for something else; make a new UUID for every command"


class AlreadySent(Refused):
    """The command stands in an earlier conversation."""

    code = "already_sent"

    def __init__(self, *, conversation_id: str, seq: int) -> None:
        self.conversation_id, self.seq = conversation_id, seq

    def __str__(self) -> str:
        return f"this was already sent, as number {self.seq} of conversation {self.conversation_id!r}"


class LeaseLost(Refused):
    """The bot's turn is no longer this worker's: a person took over, or another worker did."""

    code = "lease_lost"

    def __str__(self) -> str:
        return "the turn is no longer leased to this worker; drop the reply"


class StorageUnavailable(Exception):
    """The store could not commit; the same command may be sent again."""

    code = "storage_unavailable"

    def __init__(self, problem: str) -> None:
        self.problem = problem

    def __str__(self) -> str:
        return f"the database did not answer ({self.problem}); the same command may be sent again"


class EmailTaken(Refused):
    """Another agent has this address."""

    code = "email_taken"

    def __init__(self, email: str) -> None:
        self.email = email

    def __str__(self) -> str:
        return f"an agent with the address {self.email!r} already exists; choose another or use that account"


class BadCursor(Refused):
    """The cursor of a page was not made by this store."""

    code = "bad_cursor"

    def __init__(self, cursor: str) -> None:
        self.cursor = cursor

    def __str__(self) -> str:
        return f"{self.cursor!r} is not a cursor; begin again without one"


class DatabaseNewer(Exception):
    """The database was made by a later version of Handrail."""

    code = "database_newer"

    def __init__(self, *, revision: str, expected: str) -> None:
        self.revision, self.expected = revision, expected

    def __str__(self) -> str:
        return (
            f"the database has schema {self.revision!r}, newer than the {self.expected!r} this version knows; "
            "start the newer version, or restore a backup made before its first start"
        )


class DatabaseUnusable(Exception):
    """The database cannot be opened, and waiting will not help."""

    code = "database_unusable"

    def __init__(self, *, path: str, problem: str, remedy: str) -> None:
        self.path, self.problem, self.remedy = path, problem, remedy

    def __str__(self) -> str:
        return f"the database {self.path!r} cannot be used ({self.problem}); {self.remedy}"


class BackupRefused(Exception):
    """A backup cannot be made, or not be restored; nothing that was there has changed. `act` is `made` or `restored`."""

    code = "backup_refused"

    def __init__(self, *, path: str, act: str, problem: str, remedy: str) -> None:
        self.path, self.act, self.problem, self.remedy = path, act, problem, remedy

    def __str__(self) -> str:
        return f"the backup {self.path!r} cannot be {self.act} ({self.problem}); {self.remedy}"
