"""A reply without a language model: the passage that answers, cut to what is worth reading, and where it is from."""

import re
import textwrap
from collections.abc import Iterator

from retrieval.index import Hit
from retrieval.markdown import Block, blocks
from retrieval.plain import plain

REPLY_WORDS = 120  # about what a visitor reads in half a minute
UNIT_WORDS = 220  # steps, tables and code are kept whole up to here
UNITS = {"bullet_list", "ordered_list", "table", "fence", "code_block"}

_NOISE = (
    (re.compile(r"!\[([^\]]*)\]\([^)]*\)"), ""),  # a chat shows no images
    (re.compile(r"</?[A-Za-z][^<>]*>"), ""),  # raw HTML is never passed on
    (re.compile(r"^>[ \t]*\[!\w+\][ \t]*$", re.MULTILINE), ""),  # the label line of an admonition
    (re.compile(r"^>[ \t]?", re.MULTILINE), ""),
    (re.compile(r"\[([^\]]*)\]\((?!https?://|mailto:)[^)\s]*\)"), r"\1"),  # relative links lead nowhere from a chat
)
_SPECIAL = re.compile(r"([\\\[\]*_`<>])")


def compose(hit: Hit, url: str) -> str:
    """The reply from one passage, in Markdown, ending with its source."""
    label = _SPECIAL.sub(r"\\\1", source(hit))
    return f"{excerpt(hit.chunk.text)}\n\nFrom [{label}]({url})"


def source(hit: Hit) -> str:
    """`Refunds › When the money arrives`, for the reader."""
    return " › ".join((hit.article.title, *hit.chunk.heading_path[-1:]))


def excerpt(passage: str) -> str:
    """The first blocks of a passage, about REPLY_WORDS words; steps, tables and code stay whole where they fit."""
    kept: list[str] = []
    words = 0
    for block, text in _readable(passage):
        size = len(text.split())
        if kept and words + size > (UNIT_WORDS if block.kind in UNITS else REPLY_WORDS):
            break
        kept.append(text)
        words += size
    while len(kept) > 1 and _introduces(kept[-1]):
        kept.pop()  # what it introduced was cut away
    return "\n\n".join(kept)


def _readable(passage: str) -> Iterator[tuple[Block, str]]:
    """The blocks a chat can show, with their text; the passage's own heading is named by its source already."""
    for position, block in enumerate(blocks(passage)):
        written = passage[block.start : block.end].rstrip()
        if block.kind == "hr" or (block.kind == "heading" and position == 0):
            continue
        text = _show(block, written)
        if text.strip():
            yield block, text


def _show(block: Block, written: str) -> str:
    if block.kind == "fence":
        return written
    if block.kind == "code_block":  # a chat knows fences only
        return f"```\n{textwrap.dedent(written)}\n```"
    if block.kind == "html_block":
        return _SPECIAL.sub(r"\\\1", plain(written))
    if block.heading is not None:
        return f"**{block.heading.text}**"
    for pattern, instead in _NOISE:
        written = pattern.sub(instead, written)
    return written


def _introduces(text: str) -> bool:
    """Whether `text` is a heading or ends in a colon."""
    return text.endswith(":") or (text.startswith("**") and text.endswith("**") and "\n" not in text)
