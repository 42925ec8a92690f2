"""An article's Markdown as a chat shows it: paragraphs, emphasis, code, lists and links (PROTOCOL: `text` of the bot).

Tables become lists, labelled quotes a bold word, links to headings lead to the article's page. What a chat cannot show
(images, attributes, footnotes) goes; code is never touched.
"""

import html
import re
import textwrap
from collections.abc import Callable, Iterator

from conversation.markup import untagged
from retrieval.articles import Block

_SPECIAL = re.compile(r"([\\\[\]*_`<])")

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_CODE_SPAN = re.compile(r"(`+)(?!`)[^`\n]{1,1000}\1(?!`)")
_LABEL = re.compile(r"^([ \t]*)>[ \t]*\[!(\w+)\][ \t]*(?:\n[ \t]*>[ \t]*)?", re.MULTILINE)
_FOOTNOTE = re.compile(r"^[ \t]*\[\^[^\]\n]{1,50}\]:[^\n]*$\n?", re.MULTILINE)
_TARGET = r"\([^()\n]{0,2000}(?:\([^()\n]{0,500}\)[^()\n]{0,500})?\)"
_AWAY = (
    re.compile(r"!\[[^\[\]\n]{0,500}\]" + _TARGET),
    re.compile(r"\{[:#.][^{}\n]{0,200}\}"),  # {#anchor}, {.class}
    re.compile(r"\[\^[^\]\n]{1,50}\]"),
    re.compile(r"^([ \t]*)>[ \t]?", re.MULTILINE),
    re.compile(r"(?<=\S)[ \t]{2,}(?=\S)"),
)
_KEPT = ("", "", "", r"\1", " ")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
_EMPTY_ITEM = re.compile(r"^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]*$\n?", re.MULTILINE)
_LINK = re.compile(
    r"\[([^\[\]\n]{0,500})\]\([ \t]{0,9}<?((?:[^\s()<>]|\([^\s()<>]{0,500}\)){0,2000})>?"
    r"(?:[ \t]{1,9}\"[^\"\n]{0,500}\")?[ \t]{0,9}\)"
)
_ABROAD = re.compile(r"https?://|mailto:", re.IGNORECASE)
_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_CELL_ENDS = re.compile(r"(?<!\\)\|")
_HTML_LINE = re.compile(
    r"<br\s*/?>|</?(?:p|div|h[1-6]|tr|table|ul|ol|section|summary|details|figcaption)(?:\s[^<>]{0,500})?>|</li>",
    re.IGNORECASE,
)
_HTML_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_HTML_ITEM = re.compile(r"<li(?:\s[^<>]*)?>", re.IGNORECASE)
_HTML_GONE = re.compile(r"<(script|style|form|select)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL | re.IGNORECASE)
_HTML_HIDDEN = re.compile(r"<(\w{1,20})\s[^<>]{0,300}display:\s*none[^<>]{0,300}>[^<]*</\1>", re.IGNORECASE)
_HTML_LINK = re.compile(
    r"<a\s[^<>]{0,500}?href=[\"'](https?://[^\s\"'<>()]{1,2000})[\"'][^<>]{0,500}>(.*?)</a>", re.IGNORECASE
)
_BULLET = "•"
_HTML_CELL = re.compile(r"</t[dh]>(?=\s*<t[dh])", re.IGNORECASE)


def escaped(text: str) -> str:
    """Plain text as Markdown that shows just that."""
    return _SPECIAL.sub(r"\\\1", text)


def to_chat_markdown(block: Block, written: str, page: str) -> str:
    """A block of an article for a chat; empty where nothing of it can be shown. `page` is where its headings stand."""
    match block.kind:
        case "hr" | "definitions":
            return ""
        case "fence":
            return written.rstrip()
        case "code_block":  # a chat knows fences only
            return f"```\n{textwrap.dedent(written).strip(chr(10))}\n```"
        case "html_block":
            return _html_lines(written)
    if block.heading is not None:
        return f"**{escaped(block.heading.text)}**" if block.heading.text else ""
    return _outside_code(written, lambda prose: _prose(prose, page)).strip("\n").rstrip()


def _html_lines(markup: str) -> str:
    """The words and links of raw HTML, a paragraph for each element that begins a line on a page."""
    markup = _HTML_CELL.sub(" – ", _HTML_HIDDEN.sub("", _HTML_GONE.sub("", markup)))
    lines = _HTML_LINE.split(_HTML_ITEM.sub(_BULLET, " ".join(markup.split())))
    told = (" ".join(filter(None, _html_words(line))) for line in lines)
    return "\n\n".join(line.replace(_BULLET, "- ") for line in told if line.strip(_BULLET))


def _html_words(line: str) -> Iterator[str]:
    """The words of a line and its links to the web, as Markdown."""
    at = 0
    for link in _HTML_LINK.finditer(line):
        yield _html_text(line[at : link.start()])
        words = _html_text(link[2])
        yield f"[{words}]({link[1]})" if words else ""
        at = link.end()
    yield _html_text(line[at:])


def _html_text(markup: str) -> str:
    return escaped(" ".join(html.unescape(_HTML_TAG.sub("", markup)).split()))


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """`text` with `change` applied to all that is not in a fence."""
    return "\n".join(part if is_code else change(part) for is_code, part in _parts(text))


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """(whether it is a fence, lines) of runs of lines, in order."""
    run: list[str] = []
    closing = ""
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if not closing and fence:
            if run:
                yield False, "\n".join(run)
            run, closing = [line], fence[1]
        elif closing and line.strip().startswith(closing):
            yield True, "\n".join([*run, line])
            run, closing = [], ""
        else:
            run.append(line)
    if run:
        yield bool(closing), "\n".join(run)


def _prose(text: str, page: str) -> str:
    text = "\n".join(_without_tables(_FOOTNOTE.sub("", text).split("\n")))
    text = _LABEL.sub(lambda label: f"{label[1]}> **{label[2].title()}:** ", text)
    spans: list[str] = []

    def set_aside(span: re.Match[str]) -> str:
        spans.append(span[0])
        return f"\x00{len(spans) - 1}\x00"  # no article holds U+0000

    text = untagged(_CODE_SPAN.sub(set_aside, text))
    for away, kept in zip(_AWAY, _KEPT, strict=True):
        text = away.sub(kept, text)
    text = _BLANK_LINES.sub("\n\n", _EMPTY_ITEM.sub("", _LINK.sub(lambda link: _link(link, page), text)))
    return re.sub("\x00(\\d+)\x00", lambda place: spans[int(place[1])], text)


def _link(link: re.Match[str], page: str) -> str:
    """A link to the web stays, one to a heading leads to the article's page, any other leads nowhere from a chat."""
    words, target = link[1], link[2]
    if _ABROAD.match(target):
        return f"[{words}]({target})"
    return f"[{words}]({page}{target})" if target.startswith("#") and len(target) > 1 and page else words


def _without_tables(lines: list[str]) -> Iterator[str]:
    """The lines, each table made a list: an item a row, named by its first cell."""
    at = 0
    while at < len(lines):
        if at + 1 < len(lines) and "|" in lines[at] and "|" in lines[at + 1] and _RULE.fullmatch(lines[at + 1]):
            end = next((n for n in range(at + 2, len(lines)) if "|" not in lines[n]), len(lines))
            yield from _listed(_cells(lines[at]), lines[at + 2 : end], _indent(lines[at]))
            at = end
        else:
            yield lines[at]
            at += 1


def _listed(head: list[str], rows: list[str], indent: str) -> Iterator[str]:
    if len(head) == len(("name", "value")) and all(head):
        yield f"{indent}{head[0]} – {head[1]}:"
        head = ["", ""]
    for row in rows:
        name, *rest = _cells(row) or [""]
        told = [f"{column}: {cell}" if column else cell for column, cell in zip(head[1:], rest, strict=False) if cell]
        yield f"{indent}- {': '.join(filter(None, (name, '; '.join(told))))}"


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _cells(row: str) -> list[str]:
    cells = [cell.strip().replace("\\|", "|") for cell in _CELL_ENDS.split(row.strip())]
    return cells[(not cells[0]) : len(cells) - (not cells[-1])]
