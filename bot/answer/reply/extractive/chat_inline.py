"""A paragraph of an article as a chat shows it, still Markdown: words as written, links that lead somewhere, no images."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from conversation.markup import untagged
from retrieval.articles import References, Span, spans

_SPECIAL = re.compile(r"([\\\[\]*_`<]|&(?=#?\w{1,31};))")
_FOOTNOTE = re.compile(r"^[ \t]*\[\^[^\]\n]{1,50}\]:[^\n]*$\n?", re.MULTILINE)
_NOTE_MARK = re.compile(r"\[\^[^\]\n]{1,50}\]")
_ATTRIBUTES = re.compile(r"\{[:#.][^{}\n]{0,200}\}")  # {#anchor}, {.class}
_WIDE_SPACE = re.compile(r"(?<!\n)[ \t]{2,}(?![\n \t])")  # what stands before a line's end is a hard break
_MARKER = re.compile(r"[-+*](?=[ \t]|$)|\d{1,9}[.)](?=[ \t]|$)")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_ABROAD = re.compile(r"https?://|mailto:", re.IGNORECASE)
_ENDS_TARGET = str.maketrans({"(": "%28", ")": "%29", "<": "%3C", ">": "%3E", " ": "%20"})
_PLAIN_TARGET = re.compile(r"(?:[^\s()<>]|\((?:[^\s()<>]|\([^\s()<>]*\))*\))*")  # as deep as a chat reads them


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a paragraph stands: `page` is the address of its article, `references` are its link definitions."""

    page: str = ""
    references: References = ()


def escaped(text: str) -> str:
    """Plain text as Markdown that shows just that."""
    return _SPECIAL.sub(r"\\\1", text)


def prose(text: str, around: Surroundings) -> str:
    """The paragraph for a chat; empty where nothing of it can be shown."""
    text = _FOOTNOTE.sub("", text)
    shown = _rewritten(text, (0, len(text)), spans(text, around.references), around)
    return "\n".join(_no_item(line.lstrip()) for line in shown.strip().split("\n"))


def _no_item(line: str) -> str:
    """The line so that it begins no list item: within a paragraph none does."""
    marker = _MARKER.match(line)
    return f"{line[: marker.end() - 1]}\\{line[marker.end() - 1 :]}" if marker else line


def _rewritten(text: str, within: tuple[int, int], inner: Sequence[Span], around: Surroundings) -> str:
    return "".join(_spaced(_parts(text, within, inner, around)))


def _parts(text: str, within: tuple[int, int], inner: Sequence[Span], around: Surroundings) -> Iterator[str]:
    position, end = within
    for span in inner:
        yield _words(text[position : span.start])
        yield _shown(text, span, around)
        position = span.end
    yield _words(text[position:end])


def _words(text: str) -> str:
    return _WIDE_SPACE.sub(" ", _ATTRIBUTES.sub("", _NOTE_MARK.sub("", text)))


def _spaced(parts: Iterable[str]) -> Iterator[str]:
    """The parts, with one space or line break where there was one on either side of what went."""
    last = "\n"
    for part in parts:
        kept = part.lstrip() if last == "\n" else part.lstrip(" \t") if last == " " and not part.isspace() else part
        last = kept[-1:] or last
        yield kept


def _shown(text: str, span: Span, around: Surroundings) -> str:
    written = text[span.start : span.end]
    match span.kind:
        case "code":
            return written.replace("\n", " ")
        case "entity":
            return "\\&" if span.content == "&" else escaped(span.content.replace("\n", " "))
        case "image":
            return ""
        case "html":
            return "\\\n" if _BREAK.fullmatch(written) else untagged(written)
        case "autolink":
            return written if _ABROAD.match(span.href) else escaped(written[1:-1])
        case "link":
            return _link(_rewritten(text, span.label, span.inner, around), span.href, around.page)
    return written  # an escape


def _link(words: str, href: str, page: str) -> str:
    """A link to the web stays, one to a heading leads to the article's page, any other leads nowhere from a chat."""
    if href.startswith("#") and len(href) > 1 and page:
        href = page + href
    elif not _ABROAD.match(href):
        return words
    if not words.strip() or words.startswith("^"):
        return ""  # a picture, or a footnote's mark
    return f"[{words}]({href if _PLAIN_TARGET.fullmatch(href) else href.translate(_ENDS_TARGET)})"
