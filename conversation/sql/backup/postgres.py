"""Backup and restore of a PostgreSQL database: dumps made and put back by PostgreSQL's own programs.

The password goes to them in their environment: whoever lists the processes of the machine would read a command line.
"""

import os
import shutil
import subprocess
from pathlib import Path

import sqlalchemy as sa

from conversation.errors import BackupRefused
from conversation.sql import schema

MAGIC = b"PGDMP"
DUMP, RESTORE = "pg_dump", "pg_restore"
_DUMP_OPTIONS = ("--format=custom", "--no-owner", "--no-privileges")
_RESTORE_OPTIONS = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")


def back_up(url: str, out: Path) -> int:
    """Dump the database at `url`, one snapshot of it, to the new file `out`; its size in bytes. Raises BackupRefused."""
    if out.exists():
        raise BackupRefused(path=str(out), act="made", problem="there is such a file", remedy="name a new one")
    draft = out.with_name(f"{out.name}.part")
    program = _program(DUMP, url, out, act="made")
    try:
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600, exist_ok=False)  # conversations are for the owner's eyes
        _run([program, *_DUMP_OPTIONS, f"--file={draft}", f"--dbname={_named(url)}"], url, out, act="made")
        with draft.open("rb") as dumped:
            os.fsync(dumped.fileno())
        draft.rename(out)
    except OSError as error:
        remedy = "make room, or name another place"
        raise BackupRefused(path=str(out), act="made", problem=str(error), remedy=remedy) from error
    finally:
        draft.unlink(missing_ok=True)
    return out.stat().st_size


def restore(file: Path, url: str) -> None:
    """Fill the empty database at `url` from a dump, all or nothing. Raises BackupRefused and DatabaseNewer.

    That it is empty pg_restore sees for itself: it stops at the first table that exists.
    """
    _require_kind(file)
    program = _program(RESTORE, url, file, act="restored")
    schema.require_known_revision(_revision(program, file, url))
    try:
        _run([program, *_RESTORE_OPTIONS, f"--dbname={_named(url)}", str(file)], url, file, act="restored")
    except BackupRefused as refused:
        if "already exists" in refused.problem:
            remedy = "restore into an empty database (createdb), and name it in database_url"
            problem = "the database is not empty"
            raise BackupRefused(path=str(file), act="restored", problem=problem, remedy=remedy) from None
        raise


def _require_kind(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            magic = opened.read(len(MAGIC))
    except OSError as error:
        raise _unfit(file, error.strerror or str(error)) from error
    if magic != MAGIC:
        raise _unfit(file, "it is no dump of a PostgreSQL database")


def _unfit(file: Path, problem: str) -> BackupRefused:
    remedy = "name a file that `handrail backup` made for this kind of database"
    return BackupRefused(path=str(file), act="restored", problem=problem, remedy=remedy)


def _revision(program: str, file: Path, url: str) -> str:
    """The schema of the dumped database, as alembic wrote it down: the one row between COPY and its end."""
    command = [program, "--data-only", "--table=alembic_version", "--file=-", str(file)]
    lines = _run(command, url, file, act="restored").splitlines()
    begins = next(
        (index for index, line in enumerate(lines) if line.startswith("COPY ") and "alembic_version" in line), None
    )
    if begins is None:
        raise _unfit(file, "it is a database of something else")
    return lines[begins + 1]


def _program(name: str, url: str, file: Path, *, act: str) -> str:
    program = shutil.which(name)
    if program is None:
        by_hand = f"{name} --format=custom --file={file} {_named(url)}"
        if name == RESTORE:
            by_hand = f"{name} --no-owner --single-transaction --dbname={_named(url)} {file}"
        remedy = f"install PostgreSQL's client programs (postgresql-client), or run where they are: {by_hand}"
        raise BackupRefused(path=str(file), act=act, problem=f"there is no {name} here", remedy=remedy)
    return program


def _run(command: list[str], url: str, file: Path, *, act: str) -> str:
    password = sa.make_url(url).password
    secret = {} if password is None else {"PGPASSWORD": password}
    completed = subprocess.run(  # noqa: S603 - found by name, its arguments are ours and no shell reads them
        command, env=os.environ | secret, capture_output=True, text=True, check=False
    )
    if completed.returncode != 0:
        lines = completed.stderr.strip().splitlines() or [f"status {completed.returncode}"]
        problem = next((line for line in lines if "error" in line.lower()), lines[0])
        remedy = "check database_url, and that the program is not older than the server"
        raise BackupRefused(path=str(file), act=act, problem=problem, remedy=remedy)
    return completed.stdout


def _named(url: str) -> str:
    """The URL as PostgreSQL's programs read it, without the password."""
    parsed = sa.make_url(url)
    bare = sa.URL.create("postgresql", parsed.username, None, parsed.host, parsed.port, parsed.database, parsed.query)
    return bare.render_as_string()
