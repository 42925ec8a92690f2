"""Identifiers: error codes, part numbers, versions and their like, which are right or wrong but never nearly right."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from retrieval.index.structures.scripts import UNSPACED

IdentifierKind = Literal["code", "version", "number"]

IDENTIFIERS = "joined-dotted-numbers4"  # part of kb_version: other forms get another name
_CURRENCY = "$€£¥"
_JOINTS = r"-\u2010\u2011_"
_PART = rf"[^\W_{UNSPACED}]+"
_TOKEN = re.compile(
    rf"(?P<before>[{_CURRENCY}]\s?)?(?P<token>{_PART}(?:(?:[{_JOINTS}]|(?<=\d)[.,/](?=\d)){_PART})*)"
    rf"(?P<after>\s?[{_CURRENCY}])?"
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_APART = re.compile(rf"(?<=\d)[{_JOINTS}.,/](?=\d)")
_JOINED = re.compile(rf"[{_JOINTS}]")
_DIGITS = re.compile(r"\d+")
_LETTER = re.compile(r"[^\W\d_]")
_DATE = re.compile(r"\d{4}\.\d{1,2}\.\d{1,2}|\d{1,2}\.\d{1,2}\.\d{4}")
_VERSION = re.compile(r"v?(\d+(?:\.\d+){2,})|v(\d+\.\d+)")
_DECIMAL = re.compile(r"\d+[.,]\d+")
_HEX = re.compile(r"0x[0-9a-f]+")
_QUANTITY = re.compile(r"[\d.]+[^\W\d_]+")  # 30 days, 5kg, 2nd, 3.3v
_YEAR = re.compile(r"(?:19|20)\d\d")
_LONG = 4  # digits from which on a bare number may name something: "2 days" and "room 101" do not
_MOST_CHARS = 40  # a longer one is a link or a hash that nobody asks for


@dataclass(frozen=True, slots=True)
class Identifier:
    """An identifier: `form` is its spelling joined and folded, with a dot where digits were apart (`err3012`, `2.10.0`, `inv2024.001`).

    A `number` (amount, date, decimal or long number) may as well count something. `family` is what it shares with those it
    could be taken for: the letters of a code, the sort of a number.
    """

    form: str
    kind: IdentifierKind
    family: str

    @property
    def pattern(self) -> str:
        """Its form with `a` for each letter and `9` for each digit."""
        return "".join("9" if sign.isdigit() else "a" if sign.isalpha() else sign for sign in self.form)

    def is_like(self, other: "Identifier") -> bool:
        """Whether it is another one of the same shape: of the same family (E5, E24) or pattern (E24, F05)."""
        return self.form != other.form and (self.family == other.family or self.pattern == other.pattern)


def identifiers(text: str) -> tuple[Identifier, ...]:
    """The identifiers of a text in their order, each once: `ERR-3012` and `err3012` are one."""
    folded_text = unicodedata.normalize("NFKC", text).casefold()
    if not any(map(str.isdigit, folded_text)):
        return ()
    return tuple(dict.fromkeys(_found(folded_text)))


def with_numbers(found: Iterable[Identifier]) -> tuple[Identifier, ...]:
    """The same and the long numbers within codes, by which people name them too: "error 3012"."""
    every = list(found)
    numbers = (number for each in every if each.kind == "code" for number in _DIGITS.findall(each.form))
    return tuple(dict.fromkeys([*every, *(_number(number) for number in numbers if _is_long(number))]))


def _found(text: str) -> Iterator[Identifier]:
    for match in _TOKEN.finditer(text):
        token = match["token"]
        if len(token) <= _MOST_CHARS and any(map(str.isdigit, token)):
            identifier = _identifier(_THOUSANDS.sub("", token), is_amount=bool(match["before"] or match["after"]))
            if identifier is not None:
                yield identifier


def _identifier(token: str, *, is_amount: bool) -> Identifier | None:
    """What a token with digits names; None for a quantity, a year and a short number."""
    form = _JOINED.sub("", _APART.sub(".", token))
    if version := _VERSION.fullmatch(token):
        form = version[1] or version[2]
        return Identifier(form, "number", "date") if _DATE.fullmatch(form) else Identifier(form, "version", "version")
    if letters := "".join(_LETTER.findall(form)):
        is_hex = _HEX.fullmatch(form) is not None
        is_quantity = _QUANTITY.fullmatch(form) is not None and not is_hex
        return None if is_quantity else Identifier(form, "code", "0x" if is_hex else letters)
    if is_amount or _DATE.fullmatch(form):
        return Identifier(form, "number", "amount" if is_amount else "date")
    if _DECIMAL.fullmatch(token):
        return Identifier(form, "number", "version")
    return _number(form) if _is_long(form) else None


def _number(form: str) -> Identifier:
    """A bare number: one could be taken for another with as many digits."""
    return Identifier(form, "number", f"{len(form)} digits")


def _is_long(form: str) -> bool:
    """Whether a number has enough digits to name something, and is no year."""
    return sum(map(str.isdigit, form)) >= _LONG and not _YEAR.fullmatch(form)
