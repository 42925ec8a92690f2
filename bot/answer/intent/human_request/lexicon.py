"""The words in which people ask for a person: a short list (`lexicon.txt`) in three frames, and the signs that a probe weighs.

Whoever writes nothing but "agent please" asks for one (`alone`); so does "talk to one of your colleagues" (`reach`), and
"call me" (`request`). What stands before it may make it none: "when visitors talk to an agent".
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.answer.lexicons import read_lexicon

PACKAGE = "bot.answer.intent.human_request"
READ_CHARS = 4_000  # all of a message: "please call me" stands at the end of long ones
SHORTEST_SLIP, LONGEST_SLIP = 4, 20  # letters: of shorter words, too many others are one edit away
SHORTEST_KEY = 5
LONG = 10  # letters from which on two edits are a slip
LOOK_BACK = 5  # words
LOOK_BACK_CHARS = 100  # that hold them, so that this takes the same time anywhere in a message
FEW, SHORT = 2, 5  # words; "agent" alone is another thing than in a sentence
_SIGN_KINDS = (
    "person", "reach", "reached", "present", "act", "opening", "call", "request", "refuse", "bot", "courtesy", "before", "after",
)  # fmt: skip
# A message, or its last part, of nothing but such words; possessive, so that it takes time in proportion to the message
_ALONE = r"(?:(?:{person}|{between}|{courtesy})(?: |$))++"
_NOBODY = r"\bno (?:{between} ){{0,3}}{person}\b"  # "no agent needed"
_FRAMES = (
    r"\b{reach}(?: {between}){{0,4}} {person}\b",
    r"\b{converse}(?: {between}){{1,4}}+ [^ ]+ {person}\b",  # "your Vodafone agent"
    r"\b{person}(?: {courtesy})? {reached}\b",
    r"\b{present}(?: {between}){{0,3}} {person}(?: {available}\b|$)",
    r"\b{person}(?: {courtesy}| to)? {act}\b",
    r"^(?:{courtesy} |[0-9]+ ){{0,6}}{opening}END",
    r"\b{call}END",
    r"\b{refuse}(?: {to}){{0,5}} {bot}(?= {courtesy}\b|$)",
    r"\b{request}\b",
    r"^(?:{courtesy} ){{0,6}}call (?:me |on |at ){{0,2}}[0-9]{{6,}}",
    r"^(?:{courtesy} ){{0,6}}{whole}(?: {courtesy})*$",
)
_STOPS = re.compile(r"[.!?;,:()\n\u2026\u00bf\u00a1\u2013\u2014]+|(?<= )-+(?= )")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class RequestWording:
    """How a message is worded: whether it surely asks for a person, and 0 or 1 for each sign that it might.

    `asks_how`: it asks by which channel one is reached ("the number of customer care?"), which an article may tell.
    """

    asks: bool
    asks_how: bool
    signs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Lexicon:
    kinds: Mapping[str, re.Pattern[str]]
    alone: re.Pattern[str]
    nobody: re.Pattern[str]
    frames: Sequence[re.Pattern[str]]
    known: frozenset[str]
    keys: Mapping[tuple[str, str], Sequence[str]]


def wording(text: str) -> RequestWording:
    """Reads the opening of `text`, `READ_CHARS` long. 0.4 ms for 10 words."""
    lexicon = _lexicon()
    parts = list(_parts(text[:READ_CHARS]))
    whole = " ".join(parts)
    count = whole.count(" ") + 1
    alone = any(map(_names_person_alone, (whole, *parts[-1:])))
    framed = any(_is_meant(frame, part) for part in parts for frame in lexicon.frames)
    said = [lexicon.kinds[kind].search(whole) is not None for kind in _SIGN_KINDS]
    loose = any(frame.search(whole) for frame in lexicon.frames)
    signs = (*said, alone, framed, loose, count <= FEW, count <= SHORT, "?" in text)
    asks_how = framed and all(lexicon.kinds[kind].search(whole) for kind in ("how", "channel"))
    return RequestWording(alone or framed, asks_how, tuple(map(float, signs)))


def _names_person_alone(words: str) -> bool:
    lexicon = _lexicon()
    named = lexicon.alone.fullmatch(words) is not None and lexicon.kinds["person"].search(words) is not None
    return named and lexicon.nobody.search(words) is None


def _is_meant(frame: re.Pattern[str], part: str) -> bool:
    kinds = _lexicon().kinds
    return any(
        not kinds["before"].search(
            " ".join(part[max(0, found.start() - LOOK_BACK_CHARS) : found.start()].split()[-LOOK_BACK:])
        )
        and not kinds["after"].match(part[found.end() :].lstrip())
        for found in frame.finditer(part)
    )


def plain(text: str) -> str:
    """Small letters without accents; `don't` and `I'd` are a word each."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(char for char in folded if not unicodedata.combining(char)).replace("\u0142", "l")
    return re.sub(r"(?<=\bi)['\u2019]|(?<=n)['\u2019](?=t\b)", "", bare)


def _parts(text: str) -> Iterator[str]:
    """The words of each part of a sentence, slips corrected, one space between them."""
    for part in _STOPS.split(plain(text)):
        if words := " ".join(map(_corrected, _WORD.findall(part))):
            yield words


def entries() -> Mapping[str, Sequence[str]]:
    """The phrases of the shipped list by their kind."""
    return read_lexicon(PACKAGE)


@cache
def _lexicon() -> _Lexicon:
    kinds = {kind: _any(kind) for kind in entries()}
    end = "(?= (?:{courtesy}|{follows}|[0-9]+)\\b|$)".format_map(kinds)
    keys = defaultdict(list)
    for word in sorted({word for phrase in entries()["person"] for word in phrase.split()} | {*entries()["slips"]}):
        if len(word) >= SHORTEST_KEY:
            keys[word[0], word[-1]].append(word)
    return _Lexicon(
        kinds={kind: re.compile(rf"\b{pattern}\b") for kind, pattern in kinds.items()},
        alone=re.compile(_ALONE.format_map(kinds)),
        nobody=re.compile(_NOBODY.format_map(kinds)),
        frames=[re.compile(frame.format_map(kinds).replace("END", end)) for frame in _FRAMES],
        known=frozenset(word for phrases in entries().values() for phrase in phrases for word in phrase.split()),
        keys=keys,
    )


def _any(kind: str) -> str:
    return f"(?:{'|'.join(sorted(map(re.escape, entries()[kind]), key=len, reverse=True))})"


@lru_cache(maxsize=10_000)  # a language has so many words; messages repeat them
def _corrected(word: str) -> str:
    """The word itself, or the word of the list that was mistyped: one edit away (two where it is long), ends as they are.

    Ends are hardly mistyped, and other ends make other words of the same stem: "transferred", "personal".
    """
    lexicon = _lexicon()
    if word in lexicon.known or not (SHORTEST_SLIP <= len(word) <= LONGEST_SLIP and word.isalpha()):
        return word
    near = process.extractOne(
        word, lexicon.keys.get((word[0], word[-1]), ()), scorer=OSA.distance, score_cutoff=2 if len(word) >= LONG else 1
    )
    return word if near is None else near[0]
