"""Cuts what a section says to what is worth reading in a chat; never within a sentence, a step, a row or a line."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.answer.reply.extractive.block import Piece, size
from bot.answer.reply.sentences import sentences

Rank = Callable[[Piece], float]

REPLY_WORDS = 120  # about what a visitor reads in half a minute
UNIT_WORDS = 220  # a list, a table or code is kept whole up to here
STEPS_WORDS = 450  # whoever follows steps needs all of them
FIRST_ITEMS = 8  # of a list that is too long, as many items as are read in a chat
ITEM_WORDS = 40  # and so much of each; also, so much prose around steps
_ALLOWED = {
    "ordered_list": STEPS_WORDS,
    "bullet_list": UNIT_WORDS,
    "table": UNIT_WORDS,
    "fence": UNIT_WORDS,
    "code_block": UNIT_WORDS,
}
_ITEM = re.compile(r"^(?=(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$))", re.MULTILINE)
_MARK = re.compile(r"(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?")


def shorten(pieces: Sequence[Piece], rank: Rank) -> tuple[list[Piece], bool]:
    """The pieces, or those around the one that answers best, in about REPLY_WORDS words; whether something is left out."""
    if not pieces:
        return [], False
    at = _best(pieces, rank)
    low, high = at, at
    kept = [shortened(pieces[at], rank)]
    while True:
        after, before = pieces[high + 1 : high + 2], pieces[max(0, low - 1) : low]
        fits = [one for one in (*after, *before) if _fits(one, kept)]
        if not fits:
            return kept, kept != list(pieces)
        chosen = fits[_best(fits, rank)]
        low, high = (low, high + 1) if chosen in after else (low - 1, high)
        kept = [*kept, chosen] if chosen in after else [chosen, *kept]


def _best(pieces: Sequence[Piece], rank: Rank) -> int:
    """The place of the piece that answers best; of equals the first."""
    ranks = [round(rank(piece), 6) for piece in pieces]
    return ranks.index(max(ranks))


def _fits(piece: Piece, kept: Sequence[Piece]) -> bool:
    """Steps come whole, but only one list of them beyond UNIT_WORDS; and some words around them are no waste."""
    words = sum(one.size for one in kept) + piece.size
    if not any(one.kind == "ordered_list" for one in kept):
        return words <= _allowed(piece)
    around = sum(one.size for one in (*kept, piece) if one.kind == "paragraph")
    return words <= min(_allowed(piece), UNIT_WORDS) or (piece.kind == "paragraph" and around <= ITEM_WORDS)


def _allowed(piece: Piece) -> int:
    """Up to how many words a piece is kept whole."""
    return _ALLOWED.get(piece.kind, REPLY_WORDS)


def shortened(piece: Piece, rank: Rank) -> Piece:
    """The piece itself where it may stay whole, else what of it answers best."""
    if piece.size <= _allowed(piece):
        return piece
    if piece.kind in {"bullet_list", "table"}:
        return replace(piece, body=_best_items(piece, rank))
    if piece.kind == "ordered_list":
        return replace(piece, body="".join(_first(_ITEM.split(piece.body), STEPS_WORDS)).rstrip())
    if piece.kind in {"fence", "code_block"}:
        *lines, closing = piece.body.split("\n")
        return replace(piece, body="\n".join([*_first(lines, UNIT_WORDS), closing]))
    return replace(piece, body=_best_sentences(piece, rank, REPLY_WORDS))


def _first(parts: Sequence[str], words: int) -> list[str]:
    """As many parts from the first one as have so many words; one at least."""
    kept: list[str] = []
    for part in parts:
        words -= size(part)
        if kept and words < 0:
            break
        kept.append(part)
    return kept


def _best_items(piece: Piece, rank: Rank) -> str:
    """The items that answer best, in their order."""
    items = piece.items or [replace(piece, body=item, lead="") for item in _ITEM.split(piece.body) if _marked(item)[0]]
    order = sorted(range(len(items)), key=lambda n: (-round(rank(items[n]), 6), n))[:FIRST_ITEMS]
    short = {n: _best_sentences(items[n], rank, ITEM_WORDS) for n in order}
    kept = order[: len(_first(list(short.values()), REPLY_WORDS))]
    return "\n".join(short[n] for n in sorted(kept))


def _best_sentences(piece: Piece, rank: Rank, words: int) -> str:
    """The sentences around the one that answers best."""
    if size(piece.body) <= words:
        return piece.body
    mark, text = _marked(piece.body)
    told = [replace(piece, body=one, lead="") for one in sentences(" ".join(text.split()))]
    low = high = at = _best(told, rank)
    room = words - told[at].size
    while high + 1 < len(told) and told[high + 1].size <= room:
        high += 1
        room -= told[high].size
    while low and told[low - 1].size <= room:
        low -= 1
        room -= told[low].size
    return mark + " ".join(one.body for one in told[low : high + 1])


def _marked(item: str) -> tuple[str, str]:
    """The marker of a list item and its text."""
    mark = _MARK.match(item)
    end = mark.end() if mark else 0
    return item[:end], item[end:]
