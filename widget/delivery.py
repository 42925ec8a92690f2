"""Bundle and integrity (SRI): the widget as the server delivers it."""

import base64
import hashlib
from dataclasses import dataclass
from importlib.resources import files

from widget.linker import link, needed

ENTRY = "define.js"
PATH_HASH_CHARS = 12  # 48 bits: enough to tell the versions of one file apart


@dataclass(frozen=True, slots=True)
class Bundle:
    """One classic script, UTF-8, with what HTTP needs to know of it."""

    source: bytes
    sha256: str

    @property
    def integrity(self) -> str:
        """The value of a script tag's `integrity` attribute."""
        return "sha384-" + base64.b64encode(hashlib.sha384(self.source).digest()).decode()

    @property
    def path(self) -> str:
        """A path that changes with the content, so that it may be cached for ever."""
        return f"/widget.{self.sha256[:PATH_HASH_CHARS]}.js"


def bundle() -> Bundle:
    """Bundles this package's modules. Reads about twenty small files: call it once per process. Raises LinkError."""
    source = link(_sources(), ENTRY).encode()
    return Bundle(source, hashlib.sha256(source).hexdigest())


def modules(*entries: str) -> dict[str, bytes]:
    """Modules of this package and all that they import, by file name, for a page that loads modules itself.

    Raises LinkError.
    """
    sources = _sources()
    return {name: sources[name].encode() for entry in entries for name in needed(sources, entry)}


def _sources() -> dict[str, str]:
    scripts = (script for script in files(__package__).iterdir() if script.name.endswith(".js"))
    return {script.name: script.read_text(encoding="utf-8") for script in scripts}
