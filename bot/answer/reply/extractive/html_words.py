"""Raw HTML that writers paste into an article, as a chat shows it: its words and its links to the web."""

import html
import re
from collections.abc import Iterator

from bot.answer.reply.extractive.chat_inline import escaped

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


def html_lines(markup: str) -> str:
    """The words and links of raw HTML, a paragraph for each element that begins a line on a page."""
    markup = _HTML_CELL.sub(" – ", _HTML_HIDDEN.sub("", _HTML_GONE.sub("", markup)))
    lines = _HTML_LINE.split(_HTML_ITEM.sub(_BULLET, " ".join(markup.split())))
    texts = (" ".join(filter(None, _html_words(line))) for line in lines)
    return "\n\n".join(line.replace(_BULLET, "- ") for line in texts if line.strip(_BULLET))


def _html_words(line: str) -> Iterator[str]:
    """The words of a line and its links to the web, as Markdown."""
    position = 0
    for link in _HTML_LINK.finditer(line):
        yield _html_text(line[position : link.start()])
        words = _html_text(link[2])
        yield f"[{words}]({link[1]})" if words else ""
        position = link.end()
    yield _html_text(line[position:])


def _html_text(markup: str) -> str:
    return escaped(" ".join(html.unescape(_HTML_TAG.sub("", markup)).split()))
