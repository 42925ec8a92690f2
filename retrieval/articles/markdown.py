"""The structure of a Markdown text: its blocks with exact offsets, its headings with their anchors, its links.

One CommonMark parser (markdown-it-py) decides what a heading, a list, a fence or a link is, so that chunks, lint,
replies and the rendered page agree; `#` inside a code fence is code for all of them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import takewhile
from operator import itemgetter

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from markdown_it.utils import EnvType

from retrieval.articles.inline import AnyAddress, References, is_costly, spans

_NEWLINE = re.compile(r"\r\n?|\n")
_CUSTOM_ID = re.compile(r"[ \t]*\{#([\w.:-]{1,200})\}[ \t]*$")
_NOT_IN_SLUG = re.compile(r"[^\w\- ]")
_HTML_LINK = re.compile(r"<a\s[^<>]{0,500}?href=[\"']([^\"'<>]{0,2000})[\"']", re.IGNORECASE)
_CUT_AT = {"bullet_list_open": "list_item_open", "ordered_list_open": "list_item_open", "table_open": "tr_open"}
_BREAKS = {"softbreak", "hardbreak"}
MAX_HEADING_CHARS = 500  # the inline parser is slow on long hostile text, and no heading is longer
_DEEPEST_CUT = 2  # rows stand inside thead and tbody
_BY_LINE = {"fence", "code_block", "html_block"}


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: `level` 1 to 6, its plain words, the anchor of its element, where it starts in the text."""

    level: int
    text: str
    anchor: str
    start: int


@dataclass(frozen=True, slots=True)
class Block:
    """A top-level block, text[start:end], with the offsets at which it may be cut if it must be.

    `end` is where the next block starts, `own_end` where this one stops: between them CommonMark sees no block.
    """

    kind: str
    start: int
    end: int
    own_end: int
    cuts: tuple[int, ...] = ()
    heading: Heading | None = None


@dataclass(slots=True)
class Anchors:
    """Hands out anchors in document order: an explicit `{#id}` wins, repeats get `-1`, `-2` as on GitHub."""

    _next: dict[str, int] = field(default_factory=dict)

    def take(self, words: str, custom: str | None) -> str:
        """The anchor of the next heading."""
        if custom is not None:
            self._next.setdefault(custom, 1)
            return custom
        wanted = anchor = slug(words)
        while anchor in self._next:
            anchor = f"{wanted}-{self._next[wanted]}"
            self._next[wanted] += 1
        self._next[anchor] = 1
        return anchor


def slug(words: str) -> str:
    """The anchor GitHub gives a heading: lower case, punctuation dropped, spaces as hyphens."""
    return _NOT_IN_SLUG.sub("", words.strip().lower()).replace(" ", "-")


def blocks(text: str) -> tuple[Block, ...]:
    """The top-level blocks in order; together they cover the text, blank lines before the first aside, without gaps.

    What CommonMark gives no block (blank lines, link definitions) belongs to the block before it, and to one of the
    kind `definitions` if there is none.
    """
    lines = [0, *(newline.end() for newline in _NEWLINE.finditer(text)), len(text)]
    tokens = _block_parser().parse(text)
    anchors = Anchors()
    found = [_block(token, tokens, index, lines, anchors) for index, token in _top(tokens)]
    first = found[0].start if found else len(text)
    if text[:first].strip():
        found.insert(0, Block("definitions", 0, first, first))
    ends = [*(block.start for block in found[1:]), len(text)]
    return tuple(_until(block, end) for block, end in zip(found, ends, strict=False))


def headings(text: str) -> tuple[Heading, ...]:
    """The headings outside lists and quotes, in order."""
    return tuple(block.heading for block in blocks(text) if block.heading)


def tree(text: str) -> SyntaxTreeNode:
    """The blocks of a text and all within them; what stands within a paragraph is left as written, for `spans`."""
    return SyntaxTreeNode(_block_parser().parse(text))


def references(text: str) -> References:
    """The link definitions of a text."""
    if "]:" not in text:
        return ()
    return _references(_parsed(text)[1])


def links(text: str) -> Iterator[tuple[str, int]]:
    """Each link target outside code, with its line (from 1); what points to a definition has that one's target and line.

    None of a text that would take more than half a second: the help centre shows that as it stands.
    """
    if not is_costly(text):
        tokens, env = _parsed(text)
        yield from sorted([*_defined(env), *_written(tokens, _references(env))], key=itemgetter(1))


def _parsed(text: str) -> tuple[Sequence[Token], EnvType]:
    env: EnvType = {}
    return _block_parser().parse(text, env), env


def _references(env: EnvType) -> References:
    return tuple((label, definition["href"]) for label, definition in env.get("references", {}).items())


def _defined(env: EnvType) -> Iterator[tuple[str, int]]:
    for definition in [*env.get("references", {}).values(), *env.get("duplicate_refs", [])]:
        yield definition["href"], definition["map"][0] + 1


def _written(tokens: Iterable[Token], known: References) -> Iterator[tuple[str, int]]:
    """The links that name their target where they stand, in Markdown or in HTML."""
    for token in tokens:
        if token.type == "html_block":
            yield from _html_links(token.content, token)
        elif token.type == "inline":
            for span in spans(token.content, known):
                line = _line(token) + token.content.count("\n", 0, span.start)
                if span.kind == "autolink" or (span.kind == "link" and token.content[span.end - 1] == ")"):
                    yield span.href, line
                elif span.kind == "html":
                    yield from ((target, line) for target, _ in _html_links(span.content, token))


def _html_links(markup: str, token: Token) -> Iterator[tuple[str, int]]:
    for link in _HTML_LINK.finditer(markup):
        yield link[1], _line(token) + markup.count("\n", 0, link.start())


def _line(token: Token) -> int:
    assert token.map is not None
    return token.map[0] + 1


@cache
def _inline_parser() -> MarkdownIt:
    return MarkdownIt("commonmark")


@cache
def _block_parser() -> MarkdownIt:
    parser = AnyAddress("commonmark")
    parser.enable("table").disable("inline")
    return parser


def _until(block: Block, end: int) -> Block:
    return replace(block, end=end, cuts=tuple(sorted({cut for cut in block.cuts if block.start < cut < end})))


def _top(tokens: Sequence[Token]) -> Iterator[tuple[int, Token]]:
    return (
        (index, token) for index, token in enumerate(tokens) if token.level == 0 and token.map and token.nesting >= 0
    )


def _block(token: Token, tokens: Sequence[Token], index: int, lines: list[int], anchors: Anchors) -> Block:
    assert token.map is not None
    first, last = token.map
    heading = (
        _heading(token, tokens[index + 1].content, lines[first], anchors) if token.type == "heading_open" else None
    )
    cuts = lines[first + 1 : last - 1] if token.type in _BY_LINE else _item_starts(tokens, index, lines)
    return Block(token.type.removesuffix("_open"), lines[first], lines[last], lines[last], tuple(cuts), heading)


def _item_starts(tokens: Sequence[Token], index: int, lines: list[int]) -> Iterator[int]:
    """Where the items of a list, the rows of a table or the blocks of a quote start."""
    kind = tokens[index].type
    if kind not in _CUT_AT and kind != "blockquote_open":
        return
    for token in takewhile(lambda token: token.level > 0, (tokens[at] for at in range(index + 1, len(tokens)))):
        if token.map and token.level <= _DEEPEST_CUT and token.type == _CUT_AT.get(kind, token.type):
            yield lines[token.map[0]]


def _heading(token: Token, content: str, start: int, anchors: Anchors) -> Heading:
    custom = _CUSTOM_ID.search(content)
    words = _inline_words(content[: custom.start()] if custom else content)
    return Heading(int(token.tag[1:]), words, anchors.take(words, custom.group(1) if custom else None), start)


def _inline_words(content: str) -> str:
    """What a reader sees of a heading; `1. Install` is no list here, so `plain` would not do."""
    inline = _inline_parser().parseInline(content[:MAX_HEADING_CHARS])[0].children or []
    return " ".join(
        "".join(" " if token.type in _BREAKS else token.content for token in inline if _shown(token)).split()
    )


def _shown(token: Token) -> bool:
    return token.type not in {"html_inline", "image"}
