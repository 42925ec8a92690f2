"""The blocks of a section as a chat shows them; a reply takes or leaves each as a whole."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from bot.answer.reply.extractive.chat_markdown import to_chat_markdown
from bot.answer.reply.extractive.section import ArticleSection
from retrieval.articles import Block, blocks

_CHARS_PER_WORD = 12  # text without spaces (Chinese, base64) counts a word per so many characters


@dataclass(frozen=True, slots=True)
class ChatBlock:
    """A block as a chat shows it, with the place it takes in the article.

    `lead` is what announces it: a heading, a line that ends with a colon. `items` are those of
    a list.
    """

    kind: str
    body: str
    start: int
    end: int
    lead: str = ""
    items: tuple["ChatBlock", ...] = ()

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
def chat_blocks(section: ArticleSection, page_url: str, *, named: bool = False) -> tuple[ChatBlock, ...]:
    """The blocks of a section in order. Its own heading is shown only if it is to be `named`.

    `page` is the address of the article, to which links to its headings lead.
    """
    return tuple(_led(_shown(section, page_url, named=named)))


def _shown(section: ArticleSection, page_url: str, *, named: bool) -> Iterator[ChatBlock]:
    is_shown = named
    for block in blocks(section.text):
        is_shown = is_shown or block.heading is None
        chat_block = _chat_block(section, block, block.start, block.end, page_url)
        if is_shown and block.kind == "html_block":
            yield from (
                replace(chat_block, kind="paragraph", body=line) for line in chat_block.body.split("\n\n") if line
            )
        elif is_shown and chat_block.body.strip():
            yield replace(chat_block, items=tuple(_items(section, block, page_url)))


def _chat_block(section: ArticleSection, block: Block, start: int, end: int, page_url: str) -> ChatBlock:
    return ChatBlock(
        block.kind,
        to_chat_markdown(block, section.text[start:end], page_url, section.references),
        section.start + start,
        section.start + end,
    )


def _items(section: ArticleSection, block: Block, page_url: str) -> Iterator[ChatBlock]:
    if block.kind == "bullet_list":
        for start, end in pairwise([block.start, *block.cuts, block.end]):
            yield _chat_block(section, block, start, end, page_url)


def _led(shown: Iterator[ChatBlock]) -> Iterator[ChatBlock]:
    """Joins what announces with what it announces; a heading that announces nothing is left out."""
    leads: list[ChatBlock] = []
    for chat_block in shown:
        if chat_block.kind == "heading" or (chat_block.kind == "paragraph" and chat_block.body.endswith(":")):
            leads.append(chat_block)
            continue
        start, lead = (
            min(leading.start for leading in (*leads, chat_block)),
            "\n\n".join(leading.body for leading in leads),
        )
        yield replace(chat_block, lead=lead, start=start)
        leads = []
    yield from (leading for leading in leads if leading.kind != "heading")
