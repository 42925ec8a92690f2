"""Content-addressed folders, proven by digests: written whole or not at all, verified before use."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson

MANIFEST = "manifest.json"
_READ_BYTES = 1024 * 1024


def sha256(path: Path) -> str:
    """The hex digest of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def files(folder: Path) -> dict[str, str]:
    """The digest of each file below a folder by its posix path; hidden files and a manifest are no part of it."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    named = ((path.relative_to(folder), path) for path in paths)
    return {
        name.as_posix(): sha256(path)
        for name, path in named
        if name.as_posix() != MANIFEST and not any(part.startswith(".") for part in name.parts)
    }


@contextmanager
def publish(folder: Path, facts: Mapping[str, object]) -> Iterator[Path]:
    """Publish a folder atomically: a temporary one to fill; at the end it gets its manifest, is synced, and takes the name `folder` at once.

    Whoever else publishes the same name at the same time does no harm: the first wins, the contents agree.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield temporary
        manifest = {**facts, "files": files(temporary)}
        (temporary / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        _sync(temporary)
        with suppress(OSError):  # the name is taken: another process published the same content first
            temporary.rename(folder)
        _sync_entry(folder.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def publish_file(path: Path, content: bytes) -> None:
    """Write a file atomically, whole or not at all, in place of one that may be there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as stream:
        try:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
            Path(stream.name).replace(path)
        except OSError:
            Path(stream.name).unlink(missing_ok=True)
            raise
    _sync_entry(path.parent)


class Differs(ValueError):
    """A file of a published folder is not what its manifest says."""

    def __init__(self, name: str, expected: str, actual: str) -> None:
        super().__init__(f"file {name!r} has sha256 {actual}, its manifest says {expected}")
        self.name, self.expected, self.actual = name, expected, actual


def verify(folder: Path) -> dict[str, object]:
    """The manifest of a published folder, once every file is what it says.

    Raises Differs, and other ValueErrors where the manifest itself cannot be read.
    """
    try:
        manifest = orjson.loads((folder / MANIFEST).read_bytes())
        expected = dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{MANIFEST} cannot be read ({error})") from error
    digests = files(folder)
    for name in sorted(expected.keys() | digests.keys()):
        if digests.get(name) != expected.get(name):
            raise Differs(name, expected.get(name, "nothing"), digests.get(name, "none (the file is missing)"))
    return dict(manifest)


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync_entry(path)
    _sync_entry(folder)


def _sync_entry(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
