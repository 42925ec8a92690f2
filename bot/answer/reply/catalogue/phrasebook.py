"""The catalogues of all languages, read from their files, with the operator's own phrases in place of ours."""

import string
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from bot.answer.reply.catalogue.catalogue import KEYS, PLACEHOLDERS, Catalogue
from bot.errors import CatalogueUnusable

FOLDER = "bot.answer.reply.catalogue"
DEFAULT = "en"  # for whoever's language has no catalogue
MAX_LABEL_CHARS = 80  # what a button holds

Phrases = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """A catalogue for each language, by its tag in lower case."""

    catalogues: Mapping[str, Catalogue]

    def speaking(self, locale: str | None) -> Catalogue:
        """The catalogue nearest to `locale` (`de-AT`, then `de`), else English."""
        return self.catalogues[self._nearest(locale) or DEFAULT]

    def other_language(self, locale: str | None, written: str) -> str:
        """What to say to a reader of `locale` of articles in the language `written`; '' where they read them, or it has no name."""
        nearest = self._nearest(written)
        if nearest is None or _language(nearest) == _language(self._nearest(locale) or DEFAULT):
            return ""
        return self.speaking(locale).say("other_language", language=self.catalogues[nearest].language)

    def _nearest(self, locale: str | None) -> str | None:
        whole = (locale or "").lower().replace("_", "-")
        return next((tag for tag in (whole, _language(whole)) if tag in self.catalogues), None)


@cache
def default_phrasebook() -> Phrasebook:
    """Every language that is shipped. Raises CatalogueUnusable."""
    return Phrasebook({tag: _catalogue(phrases, f"{tag}.toml") for tag, phrases in _shipped().items()})


def read_phrasebook(path: Path) -> Phrasebook:
    """The shipped languages with the phrases of a TOML file, which has a table for each language, in place of ours.

    A language that is not shipped must be there whole. Raises CatalogueUnusable.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise CatalogueUnusable(str(path), "", f"it cannot be read ({reason}); give the path of a TOML file") from error
    catalogues = dict(default_phrasebook().catalogues)
    shipped = _shipped()
    for tag, own_phrases in _parsed(text, str(path)).items():
        if not isinstance(own_phrases, dict):
            raise CatalogueUnusable(str(path), tag, f"it stands outside a language; put it below [{DEFAULT}]")
        catalogues[tag.lower()] = _catalogue({**shipped.get(tag.lower(), {}), **own_phrases}, str(path))
    return Phrasebook(catalogues)


def _language(tag: str) -> str:
    """Without the country."""
    return tag.partition("-")[0]


def _shipped() -> dict[str, Phrases]:
    files = [file for file in resources.files(FOLDER).iterdir() if file.name.endswith(".toml")]
    return {file.name.removesuffix(".toml").lower(): _parsed(file.read_text("utf-8"), file.name) for file in files}


def _parsed(text: str, path: str) -> Phrases:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueUnusable(path, "", f"it is no TOML ({error}); mend the file") from error


def _catalogue(phrases: Phrases, path: str) -> Catalogue:
    """The catalogue of these phrases, each as it should be."""
    for key in phrases:
        if key not in KEYS:
            raise CatalogueUnusable(path, key, f"there is no such phrase; remove it, or take one of {', '.join(KEYS)}")
    missing = next((key for key in KEYS if key not in phrases), None)
    if missing is not None:
        raise CatalogueUnusable(path, missing, "it is missing; add it")
    return Catalogue(**{key: _checked(key, phrases[key], path) for key in KEYS})


def _checked(key: str, phrase: object, path: str) -> str:
    if not isinstance(phrase, str) or not phrase.strip():
        raise CatalogueUnusable(path, key, f"{phrase!r} is no text; write what the bot says in quotation marks")
    if key.endswith("_label"):
        return _label(key, phrase.strip(), path)
    expected = PLACEHOLDERS.get(key, frozenset())
    try:
        actual = frozenset(_names(phrase))
    except ValueError as error:
        raise CatalogueUnusable(path, key, f"a brace stands alone ({error}); double it to write one") from error
    if actual != expected:
        raise CatalogueUnusable(path, key, f"it has {_in_braces(actual)} in braces; write {_in_braces(expected)}")
    return phrase.strip()


def _names(phrase: str) -> Iterator[str]:
    """What stands in braces; a format behind a name is part of it, and thus of no name that there is."""
    for _, name, form, conversion in string.Formatter().parse(phrase):
        if name is not None:
            yield f"{name}{'!' + conversion if conversion else ''}{':' + form if form else ''}"


def _in_braces(names: Collection[str]) -> str:
    return " and ".join(f"{{{name}}}" for name in sorted(names)) or "nothing"


def _label(key: str, label: str, path: str) -> str:
    """A button's: one short line, said as it stands by whoever presses it."""
    if len(label) > MAX_LABEL_CHARS or len(label.splitlines()) > 1:
        raise CatalogueUnusable(path, key, f"{label!r} is too long for a button; take {MAX_LABEL_CHARS} characters")
    return label
