"""Backup and restore of the whole database."""

from pathlib import Path

from bot.assembly.storage import DATABASE, prepare_data
from bot.settings import Settings


def back_up(settings: Settings, out: Path) -> int:
    """Copy the database to the new file `out` while others write; its size in bytes.

    Raises BackupRefused and DatabaseUnusable.
    """
    if settings.database_url is None:
        from conversation.sql.backup import sqlite

        return sqlite.back_up(settings.data / DATABASE, out).bytes
    from conversation.sql.backup import postgres

    return postgres.back_up(settings.database_url.get_secret_value(), out)


def restore(settings: Settings, file: Path) -> None:
    """Fill the database, which must be empty, from a backup.

    Raises BackupRefused, DatabaseNewer and DataUnwritable.
    """
    if settings.database_url is None:
        from conversation.sql.backup import sqlite

        prepare_data(settings.data)
        sqlite.restore(file, settings.data / DATABASE)
    else:
        from conversation.sql.backup import postgres

        postgres.restore(file, settings.database_url.get_secret_value())
