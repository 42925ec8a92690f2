"""The static assets of the help centre: templates, the style sheet and the script."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.help.library import HOME, address

PATH_HASH_CHARS = 12  # 48 bits: enough to tell the versions of one file apart


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file under a path that names its content."""

    path: str
    content: bytes

    @classmethod
    def read(cls, name: str) -> "Asset":
        """The file of that name beside the templates."""
        content = files("bot.help").joinpath("static", name).read_bytes()
        stem, _, suffix = name.partition(".")
        version = hashlib.sha256(content).hexdigest()[:PATH_HASH_CHARS]
        return cls(f"{HOME}/static/{stem}.{version}.{suffix}", content)


def templates(*, style: Asset, script: Asset, max_query_chars: int) -> Environment:
    """The pages' templates; whatever they show is escaped, but for the body that the one renderer made."""
    environment = Environment(
        loader=PackageLoader("bot.help"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "address": address,
        "home": HOME,
        "max_query_chars": max_query_chars,
        "script": script.path,
        "style": style.path,
    }
    return environment
