"""Shortens what a section says to what is worth reading in a chat; never within a sentence, a step, a row or a line."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.answer.reply.extractive.block import ChatBlock, size
from bot.answer.reply.sentences import split_sentences

Rank = Callable[[ChatBlock], float]

REPLY_WORDS = 120  # about what a visitor reads in half a minute
BLOCK_WORDS = 220  # a list, a table or code is kept whole up to here
STEPS_WORDS = 450  # whoever follows steps needs all of them
FIRST_ITEMS = 8  # of a list that is too long, as many items as are read in a chat
ITEM_WORDS = 40  # and so much of each; also, so much prose around steps
_ALLOWED = {
    "ordered_list": STEPS_WORDS,
    "bullet_list": BLOCK_WORDS,
    "table": BLOCK_WORDS,
    "fence": BLOCK_WORDS,
    "code_block": BLOCK_WORDS,
}
_ITEM = re.compile(r"^(?=(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$))", re.MULTILINE)
_MARK = re.compile(r"(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?")


def shorten(blocks: Sequence[ChatBlock], rank: Rank) -> tuple[list[ChatBlock], bool]:
    """The blocks, or those around the one that answers best, in about REPLY_WORDS words; whether something is left out."""
    if not blocks:
        return [], False
    best = _best(blocks, rank)
    low, high = best, best
    kept = [shortened(blocks[best], rank)]
    while True:
        after, before = blocks[high + 1 : high + 2], blocks[max(0, low - 1) : low]
        fits = [neighbour for neighbour in (*after, *before) if _fits(neighbour, kept)]
        if not fits:
            return kept, kept != list(blocks)
        chosen = fits[_best(fits, rank)]
        low, high = (low, high + 1) if chosen in after else (low - 1, high)
        kept = [*kept, chosen] if chosen in after else [chosen, *kept]


def _best(blocks: Sequence[ChatBlock], rank: Rank) -> int:
    """The index of the block that answers best; of equals the first."""
    ranks = [round(rank(block), 6) for block in blocks]
    return ranks.index(max(ranks))


def _fits(block: ChatBlock, kept: Sequence[ChatBlock]) -> bool:
    """Steps come whole, but only one list of them beyond UNIT_WORDS; and some words around them are no waste."""
    words = sum(other.size for other in kept) + block.size
    if not any(other.kind == "ordered_list" for other in kept):
        return words <= _allowed(block)
    around = sum(other.size for other in (*kept, block) if other.kind == "paragraph")
    return words <= min(_allowed(block), BLOCK_WORDS) or (block.kind == "paragraph" and around <= ITEM_WORDS)


def _allowed(block: ChatBlock) -> int:
    """Up to how many words a block is kept whole."""
    return _ALLOWED.get(block.kind, REPLY_WORDS)


def shortened(block: ChatBlock, rank: Rank) -> ChatBlock:
    """The block itself where it may stay whole, else what of it answers best."""
    if block.size <= _allowed(block):
        return block
    if block.kind in {"bullet_list", "table"}:
        return replace(block, body=_best_items(block, rank))
    if block.kind == "ordered_list":
        return replace(block, body="".join(_first(_ITEM.split(block.body), STEPS_WORDS)).rstrip())
    if block.kind in {"fence", "code_block"}:
        *lines, closing = block.body.split("\n")
        return replace(block, body="\n".join([*_first(lines, BLOCK_WORDS), closing]))
    return replace(block, body=_best_sentences(block, rank, REPLY_WORDS))


def _first(parts: Sequence[str], words: int) -> list[str]:
    """As many parts from the first one as have so many words; one at least."""
    kept: list[str] = []
    for part in parts:
        words -= size(part)
        if kept and words < 0:
            break
        kept.append(part)
    return kept


def _best_items(block: ChatBlock, rank: Rank) -> str:
    """The items that answer best, in their order."""
    items = block.items or [replace(block, body=item, lead="") for item in _ITEM.split(block.body) if _marked(item)[0]]
    order = sorted(range(len(items)), key=lambda n: (-round(rank(items[n]), 6), n))[:FIRST_ITEMS]
    short = {n: _best_sentences(items[n], rank, ITEM_WORDS) for n in order}
    kept = order[: len(_first(list(short.values()), REPLY_WORDS))]
    return "\n".join(short[n] for n in sorted(kept))


def _best_sentences(block: ChatBlock, rank: Rank, words: int) -> str:
    """The sentences around the one that answers best."""
    if size(block.body) <= words:
        return block.body
    mark, text = _marked(block.body)
    candidates = [replace(block, body=sentence, lead="") for sentence in split_sentences(" ".join(text.split()))]
    low = high = best = _best(candidates, rank)
    room = words - candidates[best].size
    while high + 1 < len(candidates) and candidates[high + 1].size <= room:
        high += 1
        room -= candidates[high].size
    while low and candidates[low - 1].size <= room:
        low -= 1
        room -= candidates[low].size
    return mark + " ".join(candidate.body for candidate in candidates[low : high + 1])


def _marked(item: str) -> tuple[str, str]:
    """The marker of a list item and its text."""
    mark = _MARK.match(item)
    end = mark.end() if mark else 0
    return item[:end], item[end:]
