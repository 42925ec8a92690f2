"""One form for the same HTML, so that a page made by a renderer can be compared with a tree that a browser draws.

Attributes other than `href` and `start` go, addresses are absolute, an item's words stand in a paragraph whether its list
is loose or tight, and white space that no reader sees is left out.
"""

import re
from html import escape
from html.parser import HTMLParser
from urllib.parse import urljoin

BASE = "https://help.example/"  # what relative addresses are relative to; the widget's tests know it too

_HOLDERS = {"li", "blockquote"}  # of blocks: words that stand in them by themselves are a paragraph
_LEAVES = {"p", "th", "td", "h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = {*_HOLDERS, *_LEAVES, "ul", "ol", "pre", "hr", "table", "thead", "tbody", "tr"}
_LINE_END = re.compile(r" +\n")
_EMPTY = {"br", "hr"}


def html_form(markup: str) -> str:
    """The form of `markup`; two texts have the same one if a reader sees the same."""
    form = _Form()
    form.feed(markup)
    form.close()
    return form.text()


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[str] = []
        self._implied = False  # whether the open paragraph is one that only we see

    def text(self) -> str:
        """What was fed."""
        self._end_implied()
        return "".join(self._parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opens an element."""
        if tag in _BLOCKS:
            self._end_implied()
        else:
            self._imply()
        if tag == "br":
            self._trim()
        self._parts.append(f"<{tag}{self._attributes(tag, dict(attrs))}>")
        if tag not in _EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Closes it."""
        if tag in _EMPTY:
            return
        if tag in _HOLDERS:
            self._end_implied()
        self._end(tag)

    def handle_data(self, data: str) -> None:
        """Words, or the white space between blocks."""
        within = self._open[-1] if self._open else ""
        between = within in _BLOCKS - _LEAVES or not within
        if between:
            data = data.lstrip()
        if not data:
            return
        if between:
            self._imply()
        if "pre" not in self._open:
            data = _LINE_END.sub("\n", data)
            data = data.removeprefix("\n") if self._parts[-1:] == ["<br>"] else data
        self._parts.append(escape(data, quote=False))

    def _attributes(self, tag: str, attributes: dict[str, str | None]) -> str:
        if tag == "a":
            return f' href="{escape(urljoin(BASE, attributes["href"] or ""), quote=False)}"'
        return f' start="{attributes["start"]}"' if tag == "ol" and "start" in attributes else ""

    def _imply(self) -> None:
        if self._open and self._open[-1] in _HOLDERS:
            self._parts.append("<p>")
            self._open.append("p")
            self._implied = True

    def _end_implied(self) -> None:
        if self._implied:
            self._implied = False
            self._end("p")

    def _end(self, tag: str) -> None:
        if tag in _LEAVES:
            self._trim()
        if tag == "code" and self._open[-2:-1] == ["pre"] and self._parts[-1].endswith("\n"):
            self._parts[-1] = self._parts[-1].removesuffix("\n")
        self._parts.append(f"</{tag}>")
        self._open.pop()

    def _trim(self) -> None:
        if self._parts and not self._parts[-1].startswith("<"):
            self._parts[-1] = self._parts[-1].rstrip(" \n")
