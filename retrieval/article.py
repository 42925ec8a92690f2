"""An article: Markdown with YAML front matter, read from a folder; every fault names file and line."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, cast

from retrieval.errors import ArticleError, KbEmpty, KbMissing
from retrieval.front_matter import Fields, Value, split
from retrieval.markdown import headings

__all__ = ["Article", "ArticleError", "KbEmpty", "KbMissing", "Reading", "Visibility", "parse", "read"]

Visibility = Literal["public", "internal"]

MAX_ARTICLE_BYTES = 1024 * 1024  # PROTOCOL: articles
MAX_ARTICLE_LINES = 20_000  # the block parser needs 10 µs a line
MAX_ID_CHARS = 200  # an id becomes part of an address and of every citation
_ID_FORBIDDEN = re.compile(r"^\.|[/\\?#%<>\"'\s\x00-\x1f\x7f]")
_LOCALE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_URL = re.compile(r"https?://[^\s<>\"]+|/(?!/)[^\s<>\"]*")


@dataclass(frozen=True, slots=True)
class Article:
    """One article. `body` is the Markdown after the front matter, with plain newlines; `path` is posix, from the folder.

    Empty `sites` means every site, no `locale` any locale. `questions` are ways people ask it. `extra` keeps the
    fields this version does not know. `body_line` is the line of the file on which the body starts, from 1.
    """

    article_id: str
    title: str
    body: str
    path: str
    category: str | None
    tags: tuple[str, ...]
    questions: tuple[str, ...]
    visibility: Visibility
    sites: tuple[str, ...]
    draft: bool
    locale: str | None
    url: str | None
    updated: str | None
    extra: Mapping[str, Value]
    body_line: int = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """What a folder holds: good articles sorted by id (drafts too), and the errors of the others.

    Paths of articles are relative to `kb_dir`, those of errors begin with it.
    """

    articles: tuple[Article, ...]
    errors: tuple[ArticleError, ...]
    kb_dir: str = ""


def parse(text: str, *, path: str) -> Article:
    """The article a file's text describes. Raises ArticleError with the line of the fault."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > MAX_ARTICLE_LINES:
        problem = f"file has more than {MAX_ARTICLE_LINES} lines"
        raise ArticleError(path, MAX_ARTICLE_LINES, problem, "split the article in two")
    fields, body = split(text, path=path)
    body = body.replace("\x00", "\ufffd")  # as CommonMark asks; PostgreSQL refuses U+0000
    _refuse_surrogates(text, path)
    return Article(
        article_id=_article_id(fields, path),
        title=_title(fields, body),
        body=body,
        path=path,
        category=fields.text("category"),
        tags=fields.texts("tags"),
        questions=fields.texts("questions"),
        visibility=_visibility(fields),
        sites=fields.texts("sites"),
        draft=fields.flag("draft"),
        locale=_matching(fields, "locale", _LOCALE, "write a language tag such as 'en' or 'pt-BR'"),
        url=_matching(fields, "url", _URL, "write 'https://...' or a path such as '/help/refunds'"),
        updated=_updated(fields),
        extra=fields.rest(),
        body_line=1 + text.count("\n") - body.count("\n"),
    )


def read(kb_dir: Path) -> Reading:
    """Every `*.md` file below the folder; dot-folders and what links out of the folder are passed over.

    Paths of errors begin with `kb_dir` as given, so that a terminal or an editor can open them. Raises KbMissing without a folder and KbEmpty without a single file. One broken file harms no other.
    """
    if not kb_dir.is_dir():
        raise KbMissing(str(kb_dir))
    paths = sorted(_paths(kb_dir))
    if not paths:
        raise KbEmpty(str(kb_dir))
    articles: dict[str, list[Article]] = defaultdict(list)
    errors: list[ArticleError] = []
    for path in paths:
        try:
            article = parse(_decoded(kb_dir, path), path=path)
            articles[article.article_id].append(article)
        except ArticleError as error:
            errors.append(error)
    errors += (_doubled(first, other) for first, *others in articles.values() for other in others)
    errors = [replace(error, path=f"{kb_dir.as_posix()}/{error.path}") for error in errors]
    good = (same[0] for same in articles.values() if len(same) == 1)
    return Reading(
        articles=tuple(sorted(good, key=lambda article: article.article_id)),
        errors=tuple(sorted(errors, key=lambda error: (error.path, error.line))),
        kb_dir=kb_dir.as_posix(),
    )


def _paths(kb_dir: Path) -> Iterator[str]:
    root = kb_dir.resolve()
    for path in kb_dir.rglob("*.md"):
        relative = path.relative_to(kb_dir)
        hidden = any(part.startswith(".") for part in relative.parts)
        if not hidden and path.is_file() and path.resolve().is_relative_to(root):
            yield relative.as_posix()


def _decoded(kb_dir: Path, path: str) -> str:
    file = kb_dir / path
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_ARTICLE_BYTES + 1)
    except OSError as error:
        raise ArticleError(
            path, 1, f"file cannot be read ({error.strerror})", "check that it exists and is readable"
        ) from error
    if len(content) > MAX_ARTICLE_BYTES:
        raise ArticleError(path, 1, f"file is larger than {MAX_ARTICLE_BYTES} bytes", "split the article in two")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = 1 + content.count(b"\n", 0, error.start)
        problem = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise ArticleError(path, line, problem, "save the file as UTF-8") from error


def _doubled(first: Article, other: Article) -> ArticleError:
    problem = f"article id {other.article_id!r} is also that of {first.path!r}"
    return ArticleError(other.path, 1, problem, "give one of them another 'id'")


def _refuse_surrogates(text: str, path: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        line = 1 + text.count("\n", 0, error.start)
        raise ArticleError(path, line, f"{text[error.start]!r} is not a character", "remove it") from error


def _article_id(fields: Fields, path: str) -> str:
    stem = path.rsplit("/", 1)[-1].removesuffix(".md")
    article_id = fields.name("id") or "-".join(stem.split())
    if len(article_id) > MAX_ID_CHARS or _ID_FORBIDDEN.search(article_id):
        remedy = f"use letters, digits, '-', '_' and '.', at most {MAX_ID_CHARS}, no leading '.'"
        fields.refuse("id", f"is {article_id[:80]!r}", remedy)
    return article_id


def _title(fields: Fields, body: str) -> str:
    title = fields.text("title") or next((heading.text for heading in headings(body) if heading.text), None)
    if title is None:
        fields.refuse("title", "is missing", "add 'title: ...' to the front matter")
    return title


def _visibility(fields: Fields) -> Visibility:
    visibility = fields.text("visibility") or "public"
    if visibility not in {"public", "internal"}:
        fields.refuse("visibility", f"is {visibility!r}", "write 'public' or 'internal'")
    return cast("Visibility", visibility)


def _matching(fields: Fields, key: str, pattern: re.Pattern[str], remedy: str) -> str | None:
    value = fields.text(key)
    if value is not None and not pattern.fullmatch(value):
        fields.refuse(key, f"is {value[:80]!r}", remedy)
    return value


def _updated(fields: Fields) -> str | None:
    value = fields.text("updated")
    if value is not None and not _is_date(value):
        fields.refuse("updated", f"is {value[:80]!r}", "write a date such as 2026-01-31")
    return value


def _is_date(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
