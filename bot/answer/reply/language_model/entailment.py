"""An entailment heuristic: whether a passage carries a claim that a language model wrote. Lexical and pure, it rather says no.

A paraphrase passes when nearly all its content words are the passage's; what can be checked exactly (numbers, links,
code) must stand there exactly. What it cannot see: who does what to whom, and meaning across languages. A claim that is
refused costs wording only, because the extractive reply takes its place; one that is let through would cost the truth.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.answer.reply.sentences import split_sentences
from retrieval.articles import plain
from retrieval.index import STOPWORDS, words

# Least share of a claim's content words that its passages must have, set by hand on the 3,663 answers of DSTC9's systems
# that people judged right, which paraphrase freely: .7 keeps 65 % of their first sentences where the passage is the
# right one (.6: 80 %), and 2.4 % where it is another of the same place (.6: 5.8 %).
ENOUGH = 0.7

Fault = Literal["citation", "too_long", "empty", "link", "image", "html", "code", "number", "negation", "words"]

_URL = re.compile(r"(?:https?://|mailto:|www\.)[^\s<>()\[\]\"'`]+|[\w.+-]+@[\w-]+\.[\w.-]+", re.IGNORECASE)
_TARGET = re.compile(r"\]\(\s*<?([^)\s>]*)")  # what a Markdown link leads to
_IMAGE = re.compile(r"!\[")
_HTML = re.compile(r"<(?!https?://|mailto:)/?[A-Za-z!][^<>]*>?")
_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_NUMBER = re.compile(r"[$€£¥]?\d+(?:[.,:/]\d+)*%?")
_GROUPING = re.compile(r"(?<=\d),(?=\d{3}\b)")
_ENDING = re.compile(r"(?:ations?|ments?|ings?|ers?|ed|es|ly|s|e)$")
_SHORTEST_STEM = 3

_words = re.compile(r"\w+").findall
_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(_words("two three four five six seven eight nine ten eleven twelve"), start=2)
}
# A claim and the sentence that carries it are both negated or neither is. English, like the search's function words.
_NEGATIONS = frozenset(_words("no not never none neither nor without cannot unable unless except"))
_CONTRACTED = re.compile(r"\b(\w+)n['’]t\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entailment:
    """The verdict on one claim. `quote` is the passage's sentence that comes closest, for the citation."""

    fault: Fault | None
    quote: str = ""


def support(claim: str, passages: Sequence[str]) -> Entailment:
    """Whether the cited `passages` (Markdown, title and headings included) together entail `claim` (Markdown)."""
    source = "\n\n".join(passages)
    fault = _foreign(claim, source)
    if fault is not None:
        return Entailment(fault)
    claim_stems = _stems(plain(claim))
    if not claim_stems:
        return Entailment("empty")
    source_stems = set(_stems(plain(source)))
    if sum(word in source_stems for word in claim_stems) < ENOUGH * len(claim_stems):
        return Entailment("words")
    closest = max(_sentences_of(source), key=lambda sentence: _overlap(claim_stems, sentence), default="")
    if _negated(plain(claim)) != _negated(closest):
        return Entailment("negation")
    return Entailment(None, closest)


def stands_in(block: str, passage: str) -> bool:
    """Whether every line of a code block stands in the passage, in whatever indentation."""
    passage_lines = {line.strip() for line in passage.splitlines()}
    return all(line.strip() in passage_lines for line in block.splitlines() if line.strip())


def _foreign(claim: str, source: str) -> Fault | None:
    """What can be checked to the letter and does not stand in the source."""
    if _IMAGE.search(claim):
        return "image"
    source_addresses = set(_addresses(source))
    if any(address not in source_addresses or not _URL.match(address) for address in _addresses(claim)):
        return "link"  # relative ones lead nowhere from a chat
    spans = [match[2].strip() for match in _CODE.finditer(claim)]
    if any(span not in source for span in spans):
        return "code"
    if _HTML.search(_CODE.sub("", claim)):
        return "html"
    if not set(_numbers(_CODE.sub("", claim))) <= set(_numbers(source)):
        return "number"
    return None


def _addresses(text: str) -> Iterator[str]:
    yield from (match[1] for match in _TARGET.finditer(text))
    yield from (match[0].rstrip(".,;:!?*_") for match in _URL.finditer(text))


def _numbers(text: str) -> Iterable[str]:
    spelled = (_NUMBER_WORDS.get(word) for word in _words(text.lower()))
    digits = _NUMBER.findall(_GROUPING.sub("", text))
    return [*digits, *(number.lstrip("$€£¥").rstrip("%") for number in digits), *filter(None, spelled)]


def _stems(text: str) -> list[str]:
    """Content words without endings and numbers, which are checked apart."""
    content_words = words(_CONTRACTED.sub(r"\1 not", text))
    return [_stem(word) for word in content_words if word not in STOPWORDS and not word[0].isdigit()]


def _stem(word: str) -> str:
    """`refund`, `refunded` and `refunding` are one word here; cruder than the search's, as nothing is ranked by it."""
    short = _ENDING.sub("", word)
    short = short if len(short) >= _SHORTEST_STEM else word
    return short[:-1] if len(short) > _SHORTEST_STEM and short[-1] == short[-2] else short


def _sentences_of(source: str) -> Iterator[str]:
    """What the source says; what it asks, as headings often do, carries no claim."""
    texts = (plain(sentence) for line in source.splitlines() for sentence in split_sentences(line))
    return (sentence for sentence in texts if not sentence.endswith("?"))


def _overlap(claim_stems: Sequence[str], sentence: str) -> float:
    """Words in common; of two sentences with equally many the shorter says more of the same."""
    sentence_stems = _stems(sentence)
    return len(set(claim_stems) & set(sentence_stems)) - len(sentence_stems) / 1000


def _negated(text: str) -> bool:
    return not _NEGATIONS.isdisjoint(_words(_CONTRACTED.sub(r"\1 not", text).lower()))
