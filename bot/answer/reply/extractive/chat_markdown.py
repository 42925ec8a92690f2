"""An article's Markdown as a chat shows it: paragraphs, emphasis, code, lists and links (docs/protocol.md: `text` of the bot).

Tables become lists, labelled quotes a bold word, links to headings lead to the article's page. What a chat cannot show
(images, attributes, footnotes) goes; code is never touched.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence

from markdown_it.tree import SyntaxTreeNode

from bot.answer.reply.extractive.chat_inline import Surroundings, escaped, prose
from bot.answer.reply.extractive.html_words import html_lines
from retrieval.articles import Block, References, plain, tree

_LABEL = re.compile(r"\[!(\w{1,20})\][ \t]*\n?")  # GitHub's `> [!NOTE]`
_HARD_BREAK = re.compile(r"[ \t]*\\\n[ \t]*")
_TICKS = re.compile(r"`{3,}")
_LISTS = {"bullet_list", "ordered_list"}
_CLOSE = {*_LISTS, "fence"}  # what stands in the line below the words of an item


def to_chat_markdown(block: Block, written: str, page: str, references: References = ()) -> str:
    """A block of an article for a chat; empty where nothing of it can be shown.

    `written` is the block or an item of it, `page` where its headings stand, `references` are the article's link
    definitions.
    """
    if block.heading is not None:
        return _strong(block.heading.text)
    return _blocks(tree(written).children, Surroundings(page, references))


def _blocks(nodes: Sequence[SyntaxTreeNode], around: Surroundings) -> str:
    return "\n\n".join(filter(None, (_block(node, around) for node in nodes)))


def _block(node: SyntaxTreeNode, around: Surroundings) -> str:
    match node.type:
        case "paragraph":
            return prose(_source(node), around)
        case "heading":
            return _strong(plain(_source(node)))
        case "fence":
            return _fence(node.content, node.markup, node.info)
        case "code_block":  # a chat knows fences only
            return _fence(textwrap.dedent(node.content).strip("\n"), _longer(node.content))
        case "html_block":
            return html_lines(node.content)
        case "bullet_list" | "ordered_list":
            return _list(node, around)
        case "blockquote":
            return _quote(node, around)
        case "table":
            return "\n".join(_listed(*_rows(node, around)))
    return ""


def _source(node: SyntaxTreeNode) -> str:
    return node.children[0].content if node.children else ""


def _strong(words: str) -> str:
    return f"**{escaped(words)}**" if words else ""


def _fence(code: str, marks: str, info: str = "") -> str:
    return "\n".join([f"{marks}{info}", code.removesuffix("\n"), marks])


def _longer(code: str) -> str:
    """A fence that no line of the code ends."""
    return "`" * max([3, *(len(run[0]) + 1 for run in _TICKS.finditer(code))])


def _list(node: SyntaxTreeNode, around: Surroundings) -> str:
    tight = all(child.hidden for item in node.children for child in item.children if child.type == "paragraph")
    items = ((f"{item.info}{item.markup} ", _item(item, around, tight=tight)) for item in node.children)
    return ("\n" if tight else "\n\n").join(f"{mark}{_indented(text, len(mark))}" for mark, text in items if text)


def _item(item: SyntaxTreeNode, around: Surroundings, *, tight: bool) -> str:
    text = ""
    for node in item.children:
        shown = _block(node, around)
        gap = "\n" if tight and node.type in _CLOSE else "\n\n"
        text = gap.join(filter(None, (text, shown)))
    return text


def _indented(text: str, width: int) -> str:
    """The text with all lines but the first moved to the right."""
    return textwrap.indent(text, " " * width).lstrip(" ") if "\n" in text else text


def _quote(node: SyntaxTreeNode, around: Surroundings) -> str:
    first = node.children[0] if node.children and node.children[0].type == "paragraph" else None
    label = _LABEL.match(_source(first)) if first else None
    if not first or not label:
        return _blocks(node.children, around)
    words = prose(_source(first)[label.end() :], around)
    return "\n\n".join(filter(None, (f"**{label[1].title()}:** {words}".rstrip(), _blocks(node.children[1:], around))))


def _rows(table: SyntaxTreeNode, around: Surroundings) -> list[list[str]]:
    rows = (row for part in table.children for row in part.children)
    return [[_HARD_BREAK.sub(" ", prose(_source(cell), around)) for cell in row.children] for row in rows]


def _listed(head: Sequence[str], *rows: Sequence[str]) -> Iterator[str]:
    """A table as a list: an item a row, named by its first cell."""
    if len(head) == len(("name", "value")) and all(head):
        yield f"{head[0]} – {head[1]}:"
        head = ["", ""]
    for name, *rest in rows:
        cells = [f"{column}: {cell}" if column else cell for column, cell in zip(head[1:], rest, strict=False) if cell]
        yield f"- {': '.join(filter(None, (name, '; '.join(cells))))}"
