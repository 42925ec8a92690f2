"""Exact match: the sections that hold the identifiers a question asks for, and those that hold others in their place."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Literal

import numpy as np

from retrieval.articles import plain
from retrieval.index import Identifier, Mask, identifiers, with_numbers
from retrieval.search.question_words import asked_words

if TYPE_CHECKING:
    from retrieval.articles import Chunk
    from retrieval.index import Snapshot

IdentifierMatch = Literal["match", "other"]

MOST_PLACES = 5  # what stands in more is a subject, as the name of a product is, and words and meaning tell more
MOST_ASKED = 8  # of one question; whoever pastes a log asks for none of a hundred
MOST_PARTS = 3  # of a code that is written with spaces
MOST_PASSAGES = 100  # each costs 50 µs
FIFTH, HALF, WHOLE = 0.2, 0.5, 0.9  # of the question's words, by rarity, that a passage has
_PUNCTUATION = "?!.,;:()\"'"
_IN_HEADING, _IN_TEXT = 2, 1  # a heading names what its section is about, a text may mention anything


@dataclass(frozen=True, slots=True)
class ExactMatch:
    """What the identifiers of a question lead to: `asked`, and the passages that hold most of them, headings counting twice.

    They lead there if they are of a series, as error codes and versions are, and stand in a heading or with half of the
    question's words; or if nothing else was asked. `asserted`: all passages belong to one section, which has a fifth of
    the question's words. Dates, amounts and other plain numbers bring a section first, no more.
    """

    asked: Sequence[Identifier] = ()
    chunks: Sequence[int] = ()
    asserted: bool = False

    def standing(self, snapshot: "Snapshot", position: int, chunk: "Chunk") -> IdentifierMatch | None:
        """Whether a passage is the `match`, or has an `other` identifier of the same shape instead of one that is asked.

        What headings of its article name counts, so that the opening of a list of codes stands for none of them.
        """
        if not self.asked:
            return None
        headings = _in(*_headings(snapshot, chunk))
        text = _in(*_headings(snapshot, chunk), plain(chunk.text))
        around = _in(snapshot.articles[chunk.article_id].title, *_headings_of_article(snapshot, chunk))
        first = position in self.chunks
        for asked in self.asked:
            rivals = around if asked.kind == "number" else {**text, **around}
            if asked.form in text:
                rivals = {} if first else headings
            if self._has_other(asked, rivals.values()):
                return "other"
        return "match" if first and self.asserted else None

    def _has_other(self, asked: Identifier, rivals: Iterable[Identifier]) -> bool:
        forms = {each.form for each in self.asked}
        return any(asked.is_like(rival) and rival.form not in forms for rival in rivals)


NOTHING_ASKED = ExactMatch()


def exact_match(snapshot: "Snapshot", question: str, allowed: Mask) -> ExactMatch:
    """Looks the identifiers of a question up in the passages of a mask; 50 µs where it has none."""
    named = chain(identifiers(question), _written_apart(snapshot, question, allowed))
    asked = [each for each in islice(named, MOST_ASKED) if not _is_count(snapshot, each, allowed)]
    if not asked:
        return NOTHING_ASKED
    holding = _holding(snapshot, asked, allowed)
    best = max((sum(held.values()) for held in holding.values()), default=0)
    chunks = [chunk for chunk, held in holding.items() if sum(held.values()) == best]
    places = {_place(snapshot, chunk, holding[chunk]) for chunk in chunks}
    covered = max((_covered(snapshot, question, chunk) for chunk in chunks[:MOST_PLACES]), default=0.0)
    is_named = any(_leads(snapshot, holding[chunk], covered, allowed) for chunk in chunks)
    if len(places) > MOST_PLACES or not is_named:
        return ExactMatch(asked)
    is_code = any(_is_code(snapshot, chunk, holding[chunk]) for chunk in chunks)
    return ExactMatch(asked, chunks, len(places) == 1 and is_code and covered >= FIFTH)


def _written_apart(snapshot: "Snapshot", question: str, allowed: Mask) -> Iterator[Identifier]:
    """The codes of the articles that a question has with spaces in them ("KX 714 B"), if their number is a rare one.

    "Nano 33" is no code only because an article writes `nano33` once.
    """
    parts = question.split()
    for length in range(2, MOST_PARTS + 1):
        for start in range(len(parts) - length + 1):
            window = [part.strip(_PUNCTUATION) for part in parts[start : start + length]]
            numbers = [part for part in window if part.isdecimal()]
            if numbers and all(snapshot.places_of(number, allowed) <= MOST_PLACES for number in numbers):
                joined = identifiers("-".join(window))
                yield from (each for each in joined if each.kind == "code" and snapshot.chunks_with(each.form, allowed))


def _is_count(snapshot: "Snapshot", asked: Identifier, allowed: Mask) -> bool:
    """Whether a plain number names nothing, as it stands in several places."""
    if asked.kind != "number":
        return False
    chunks = snapshot.chunks_with(asked.form, allowed)
    return len({_place(snapshot, chunk, [asked]) for chunk in chunks[:MOST_PASSAGES]}) > 1


_Held = Mapping[Identifier, int]


def _holding(snapshot: "Snapshot", asked: Iterable[Identifier], allowed: Mask) -> Mapping[int, _Held]:
    """The passages that hold any identifier, each with those it holds."""
    holding: dict[int, dict[Identifier, int]] = {}
    for each in asked:
        chunks = snapshot.chunks_with(each.form, allowed)
        for chunk in chunks if len(chunks) <= MOST_PASSAGES else ():
            in_heading = each.form in _in(*_headings(snapshot, snapshot.chunks[chunk]))
            holding.setdefault(chunk, {})[each] = _IN_HEADING if in_heading else _IN_TEXT
    return holding


def _place(snapshot: "Snapshot", chunk: int, held: Iterable[Identifier]) -> tuple[str | None, ...]:
    """The section a passage belongs to as far as these identifiers go: from the heading on that completes them."""
    passage = snapshot.chunks[chunk]
    headings = _headings(snapshot, passage)
    forms = {each.form for each in held}
    for depth in range(1, len(headings) + 1):
        if forms <= _in(*headings[:depth]).keys():
            return passage.article_id, *headings[:depth]
    return passage.article_id, *headings, passage.anchor


def _leads(snapshot: "Snapshot", held: _Held, covered: float, allowed: Mask) -> bool:
    """Whether a passage is about what it holds: one of a series that a heading names, or all that was asked for.

    What has no like in any article is the name of a product or a company, which every second question has.
    """
    if covered >= WHOLE:
        return True
    is_named = _IN_HEADING in held.values() or covered >= HALF
    return is_named and any(_is_in_series(snapshot, each, allowed) for each in held)


def _is_in_series(snapshot: "Snapshot", asked: Identifier, allowed: Mask) -> bool:
    others = (other for form in snapshot.identifier_forms for other in _identifiers_in(form).values())
    return any(asked.is_like(other) and snapshot.chunks_with(other.form, allowed) for other in others)


def _is_code(snapshot: "Snapshot", chunk: int, held: _Held) -> bool:
    """Whether what a passage holds is a code or a version, as a decimal in a heading is and the number within a code."""
    passage = snapshot.chunks[chunk]
    own = {each.form for each in identifiers("\n".join([*_headings(snapshot, passage), plain(passage.text)]))}
    return any(
        each.kind != "number" or each.form not in own or (each.family == "version" and place == _IN_HEADING)
        for each, place in held.items()
    )


def _covered(snapshot: "Snapshot", question: str, chunk: int) -> float:
    """The share of the question's words, by rarity, that a passage has."""
    question_words = asked_words(snapshot, question)
    asked = list(dict.fromkeys(question_words.words))
    rarity = np.array([snapshot.rarity(word) for word in asked])
    article = int(snapshot.article_of_chunk[chunk])
    column = chunk - snapshot.chunks_of(snapshot.article_ids[article]).start
    return float(question_words.having(snapshot, asked, article)[:, column] @ rarity / rarity.sum())


def _in(*texts: str) -> Mapping[str, Identifier]:
    """The identifiers of texts by their forms, the numbers within codes included."""
    return _identifiers_in("\n".join(texts))


@lru_cache(maxsize=32_768)  # passages, headings and forms that questions with codes are compared with; some 20 MB
def _identifiers_in(text: str) -> Mapping[str, Identifier]:
    return {each.form: each for each in with_numbers(identifiers(text))}


def _headings(snapshot: "Snapshot", chunk: "Chunk") -> Sequence[str]:
    return [snapshot.articles[chunk.article_id].title, *chunk.heading_path]


def _headings_of_article(snapshot: "Snapshot", chunk: "Chunk") -> Iterable[str]:
    chunks = snapshot.chunks.at(snapshot.chunks_of(chunk.article_id))
    return dict.fromkeys(heading for each in chunks for heading in each.heading_path)
