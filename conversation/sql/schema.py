"""Brings a database to the schema this code expects."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from conversation.errors import DatabaseNewer
from conversation.sql.tables import REVISION

_MIGRATIONS = Path(__file__).parent / "migrations"


def is_current(connection: Connection) -> bool:
    """Whether nothing is missing: most starts need not wait for whoever writes."""
    return _revision(connection) == REVISION


def upgrade(connection: Connection) -> None:
    """Carry out what is missing. The connection's open transaction is the lock: a second process waits, finds it done.

    Raises DatabaseNewer where the database was made by a later version of this code.
    """
    present = _revision(connection)
    if present == REVISION:
        return  # another process was faster
    from alembic import command  # noqa: PLC0415  # slow to load, and most starts need none of it
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if present is not None and present not in known:
        raise DatabaseNewer(revision=present, expected=REVISION)
    command.upgrade(config, REVISION)


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return revision
