"""Schema migrations: brings a database to the schema this code expects."""

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import Connection

from conversation.errors import DatabaseNewer
from conversation.sql.tables import REVISION

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"


def is_current(connection: Connection) -> bool:
    """Whether the schema is current: most starts need not wait for whoever writes."""
    return _revision(connection) == REVISION


def upgrade(connection: Connection) -> None:
    """Run the pending migrations. The connection's open transaction is the lock: a second process waits, finds it done.

    Raises DatabaseNewer where the database was made by a later version of this code.
    """
    present = _revision(connection)
    if present == REVISION:
        return  # another process was faster
    from alembic import command  # noqa: PLC0415  # slow to load, and most starts need none of it

    config = _config(connection)
    _require_known(present, config)
    command.upgrade(config, REVISION)


def require_known(connection: Connection) -> None:
    """Raises DatabaseNewer where the database was made by a later version of this code."""
    present = _revision(connection)
    if present != REVISION:
        _require_known(present, _config(connection))


def require_known_revision(revision: str) -> None:
    """Raises DatabaseNewer where no migration of ours has this name."""
    if revision != REVISION:
        _require_known(revision, _config(None))


def _config(connection: Connection | None) -> "Config":
    from alembic.config import Config  # noqa: PLC0415  # slow to load, and most starts need none of it

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def _require_known(present: str | None, config: "Config") -> None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # slow to load, and most starts need none of it

    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if present is not None and present not in known:
        raise DatabaseNewer(revision=present, expected=REVISION)


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return revision
