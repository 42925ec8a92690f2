"""The pieces of a section that a reply takes or leaves as a whole."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from bot.answer.reply.extractive.chat_markdown import to_chat_markdown
from bot.answer.reply.extractive.section import Section
from retrieval.articles import Block, blocks

_CHARS_PER_WORD = 12  # text without spaces (Chinese, base64) counts a word per so many characters


@dataclass(frozen=True, slots=True)
class Piece:
    """A block as a chat shows it, with the place it takes in the article.

    `lead` is what announces it: a heading, a line that ends with a colon. `items` are those of
    a list.
    """

    kind: str
    body: str
    start: int
    end: int
    lead: str = ""
    items: tuple["Piece", ...] = ()

    @property
    def text(self) -> str:
        """Lead and body, Markdown."""
        return "\n\n".join(filter(None, (self.lead, self.body)))

    @property
    def size(self) -> int:
        """Length in words."""
        return size(self.text)


def size(text: str) -> int:
    """The length of a text in words."""
    return max(len(text.split()), len(text) // _CHARS_PER_WORD)


@lru_cache(maxsize=512)  # a few sections answer most questions, and reading Markdown takes a millisecond
def pieces(section: Section, page: str, *, named: bool = False) -> tuple[Piece, ...]:
    """The pieces of a section in order. Its own heading is shown only if it is to be `named`.

    `page` is the address of the article, to which links to its headings lead.
    """
    return tuple(_led(_shown(section, page, named=named)))


def _shown(section: Section, page: str, *, named: bool) -> Iterator[Piece]:
    begun = named
    for block in blocks(section.text):
        begun = begun or block.heading is None
        piece = _piece(section, block, block.start, block.end, page)
        if begun and block.kind == "html_block":
            yield from (replace(piece, kind="paragraph", body=line) for line in piece.body.split("\n\n") if line)
        elif begun and piece.body.strip():
            yield replace(piece, items=tuple(_items(section, block, page)))


def _piece(section: Section, block: Block, start: int, end: int, page: str) -> Piece:
    return Piece(
        block.kind,
        to_chat_markdown(block, section.text[start:end], page, section.references),
        section.start + start,
        section.start + end,
    )


def _items(section: Section, block: Block, page: str) -> Iterator[Piece]:
    if block.kind == "bullet_list":
        for start, end in pairwise([block.start, *block.cuts, block.end]):
            yield _piece(section, block, start, end, page)


def _led(found: Iterator[Piece]) -> Iterator[Piece]:
    """Joins what announces with what it announces; a heading that announces nothing is left out."""
    leads: list[Piece] = []
    for piece in found:
        if piece.kind == "heading" or (piece.kind == "paragraph" and piece.body.endswith(":")):
            leads.append(piece)
            continue
        start, lead = min(one.start for one in (*leads, piece)), "\n\n".join(one.body for one in leads)
        yield replace(piece, lead=lead, start=start)
        leads = []
    yield from (one for one in leads if one.kind != "heading")
