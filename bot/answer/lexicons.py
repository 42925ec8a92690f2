"""What lexicons share: a file of phrases by kind, collected by hand for this project."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

FILE = "lexicon.txt"


@cache
def read_lexicon(package: str) -> Mapping[str, Sequence[str]]:
    """The phrases of each kind in the lexicon of `package`, in the order of the file.

    A line that begins with `[` opens a kind, one with `#` is a note; commas stand between phrases.
    """
    kinds: dict[str, list[str]] = {}
    phrases: list[str] = []
    for line in resources.files(package).joinpath(FILE).read_text("utf-8").splitlines():
        if line.startswith("["):
            phrases = kinds.setdefault(line.strip("[]"), [])
        elif not line.startswith("#"):
            phrases.extend(filter(None, map(str.strip, line.split(","))))
    return kinds
