"""Messages that are made up wholly of phrases of small talk (`lexicon.txt`), matched in a normal form.

In it letters are small and bare of accents, punctuation is gone, and "hiiii" is "hi". Of scripts without spaces each
character is a token, as a word is of others, so "谢谢你好" is two phrases.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Literal, cast

from bot.answer.lexicons import read_lexicon

PACKAGE = "bot.answer.intent.chitchat"
Kind = Literal[
    "greeting", "thanks", "goodbye", "who_are_you", "present", "yes", "ok", "yes_if_asked", "please", "no", "agreement", "sound",
    "unclear", "thumb_up", "smile", "thumb_down", "frown", "filler",
]  # fmt: skip
# All that is of these kinds is an emoji or an emoticon
SIGNS: tuple[Kind, ...] = ("thumb_up", "smile", "thumb_down", "frown")
LONGEST = 200  # characters; whoever writes more in words says something
_DRESS = re.compile(
    "['\u2018\u2019\u02bb\u02bc`\u00b4\u200b-\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]"
)  # apostrophes, joiners, colours of emoji
# Accents of Latin, Greek and Cyrillic, Hebrew points, Arabic harakat; of other scripts such signs are letters
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u0652\u0670]")
_BARE = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "\u0131": "i", "æ": "ae", "œ": "oe", "ə": "e"})
# Thai, Lao, Burmese, Khmer, kana and Han are written without spaces
_UNSPACED = re.compile("([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])")
_SYLLABLES = re.compile(r"(\w{2})\1{2,}")  # "hahaha"
_HELD_DOWN = re.compile(r"([^\W\d_])\1(?:\1|$)")
_REPEATED = re.compile(r"([^\W\d_])\1+")


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """The kind of each phrase by its tokens, and how many tokens phrases have that begin with one, longest first.

    `known`: tokens by what is left of them where each letter stands once. `signs` finds emoji and emoticons.
    """

    kinds: Mapping[tuple[str, ...], Kind]
    lengths: Mapping[str, Sequence[int]]
    known: Mapping[str, set[str]]
    signs: re.Pattern[str]


def phrase_kinds(text: str) -> frozenset[Kind] | None:
    """The kinds of the phrases that make up `text`, empty where it has no words at all; None where it says more.

    20 µs for a short message.
    """
    if len(text) > LONGEST and any(map(str.isalnum, text)):
        return None
    tokens = [_meant(token) for token in _tokens(text[:LONGEST], _lexicon().signs)]
    phrases = _split(tokens, 0, set())
    return None if phrases is None else frozenset(phrases)


def _split(tokens: Sequence[str], start: int, dead_ends: set[int]) -> list[Kind] | None:
    """The kinds of phrases, the longest first, that follow one another from `start` to the end."""
    if start == len(tokens):
        return []
    lexicon = _lexicon()
    for length in lexicon.lengths.get(tokens[start], ()):
        end = start + length
        kind = lexicon.kinds.get(tuple(tokens[start:end])) if end <= len(tokens) else None
        if kind is not None and end not in dead_ends:
            others = _split(tokens, end, dead_ends)
            if others is not None:
                return [kind, *others]
    dead_ends.add(start)
    return None


@cache
def _lexicon() -> _Lexicon:
    phrases = read_lexicon(PACKAGE)
    signs = re.compile("|".join(_sign(sign) for kind in SIGNS for sign in sorted(phrases[kind], key=len, reverse=True)))
    kinds = {tuple(_tokens(phrase, signs)): cast("Kind", kind) for kind in phrases for phrase in phrases[kind]}
    lengths: dict[str, set[int]] = defaultdict(set)
    for first, *others in kinds:
        lengths[first].add(1 + len(others))
    known: dict[str, set[str]] = defaultdict(set)
    for token in {token for tokens in kinds for token in tokens}:
        known[_once(token)].add(token)
    return _Lexicon(kinds, {first: sorted(counts, reverse=True) for first, counts in lengths.items()}, known, signs)


def _sign(sign: str) -> str:
    """The pattern of an emoji or an emoticon, in which a letter is no part of a word."""
    plain = _plain(sign)
    return r"\b" * plain[0].isalnum() + re.escape(plain) + r"\b" * plain[-1].isalnum()


def _plain(text: str) -> str:
    """Small letters without accents and apostrophes."""
    small = unicodedata.normalize("NFKC", _DRESS.sub("", text)).casefold()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", small))).translate(_BARE)


def _tokens(text: str, signs: re.Pattern[str]) -> Iterator[str]:
    """The words, signs and characters of scripts without spaces, in order."""
    plain, end = _plain(text), 0
    for sign in signs.finditer(plain):
        yield from _words(plain[end : sign.start()])
        yield sign[0]
        end = sign.end()
    yield from _words(plain[end:])


def _words(plain: str) -> Iterator[str]:
    letters = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in plain)
    for word in _UNSPACED.sub(r" \1 ", letters).split():
        yield _SYLLABLES.sub(r"\1\1", word)


def _once(word: str) -> str:
    """The word with each letter once where it stands several times in a row."""
    return _REPEATED.sub(r"\1", word)


def _meant(token: str) -> str:
    """The token of the lexicon that was written with keys held down, or the token itself."""
    alike = _lexicon().known.get(_once(token), set())
    if token in alike or not _HELD_DOWN.search(token):
        return token
    return next((shorter for shorter in alike if _is_held_down(shorter, token)), token)


def _is_held_down(shorter: str, longer: str) -> bool:
    """Whether `longer` has each letter of `shorter` as often or more often in a row; both are the same otherwise."""
    rows = [[len(list(row)) for _, row in groupby(word)] for word in (shorter, longer)]
    return all(short <= long for short, long in zip(*rows, strict=True))
