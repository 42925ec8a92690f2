"""An article: Markdown with YAML front matter, read from a folder; every fault names file and line."""

import os
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, cast

from retrieval.articles.front_matter import Fields, Value, split
from retrieval.articles.markdown import headings
from retrieval.errors import ArticleError, KbEmpty, KbMissing

__all__ = ["Article", "ArticleError", "KbEmpty", "KbMissing", "Reader", "Reading", "Visibility", "parse", "read"]

Visibility = Literal["public", "internal"]

MAX_ARTICLE_BYTES = 1024 * 1024  # docs/protocol.md: articles
MAX_ARTICLE_LINES = 20_000  # the block parser needs 10 µs a line
MAX_ID_CHARS = 200  # an id becomes part of an address and of every citation
SETTLED_NS = 100_000_000  # clocks of file systems tick every 10 ms at worst: a file this young may change unseen
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


class Fingerprint(NamedTuple):
    """What changes when a file is saved."""

    size: int
    mtime_ns: int
    inode: int


Fingerprints = Mapping[str, Fingerprint]


class _Parsed(NamedTuple):
    fingerprint: Fingerprint
    read_ns: int
    outcome: Article | ArticleError


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
    """Every `*.md` file below the folder, once. Raises KbMissing and KbEmpty, as `Reader.read`."""
    return Reader(kb_dir).read()


class Reader:
    """Reads a folder again and again, and parses only the files that changed since the last time."""

    def __init__(self, kb_dir: Path) -> None:
        self.kb_dir = kb_dir
        self._parsed: dict[str, _Parsed] = {}

    def look(self) -> Fingerprints:
        """The files as they are now, by path from the folder; nothing is opened. 40 ms for 10,000.

        Dot-folders and what links out of the folder are passed over. Empty without a folder.
        """
        root = self.kb_dir.resolve()
        return dict(_files(self.kb_dir, "", root))

    def listing(self) -> Fingerprints:
        """As `look`, where there is something to read. Raises KbMissing and KbEmpty."""
        if not self.kb_dir.is_dir():
            raise KbMissing(str(self.kb_dir))
        files = self.look()
        if not files:
            raise KbEmpty(str(self.kb_dir))
        return files

    def read(self) -> Reading:
        """What the folder holds; one broken file harms no other. The articles of unchanged files are the same objects.

        Paths of errors begin with `kb_dir` as given, so that a terminal or an editor can open them. Raises KbMissing
        without a folder and KbEmpty without a single file.
        """
        files = self.listing()
        self._parsed = {path: self._one(path, fingerprint) for path, fingerprint in sorted(files.items())}
        articles: dict[str, list[Article]] = defaultdict(list)
        errors: list[ArticleError] = []
        for parsed in self._parsed.values():
            if isinstance(parsed.outcome, ArticleError):
                errors.append(parsed.outcome)
            else:
                articles[parsed.outcome.article_id].append(parsed.outcome)
        errors += (_doubled(first, other) for first, *others in articles.values() for other in others)
        errors = [replace(error, path=f"{self.kb_dir.as_posix()}/{error.path}") for error in errors]
        good = (same[0] for same in articles.values() if len(same) == 1)
        return Reading(
            articles=tuple(sorted(good, key=lambda article: article.article_id)),
            errors=tuple(sorted(errors, key=lambda error: (error.path, error.line))),
            kb_dir=self.kb_dir.as_posix(),
        )

    def _one(self, path: str, fingerprint: Fingerprint) -> _Parsed:
        before = self._parsed.get(path)
        if before and before.fingerprint == fingerprint and before.read_ns - fingerprint.mtime_ns > SETTLED_NS:
            return before
        read_ns = time.time_ns()
        try:
            return _Parsed(fingerprint, read_ns, parse(_decoded(self.kb_dir, path), path=path))
        except ArticleError as error:
            return _Parsed(fingerprint, read_ns, error)


def _files(folder: Path, prefix: str, root: Path) -> Iterator[tuple[str, Fingerprint]]:
    """The Markdown files below a folder, with posix paths from the top; what cannot be listed or is gone is passed over."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = f"{prefix}{entry.name}"
            with suppress(OSError):  # gone between listing and looking
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(folder / entry.name, f"{name}/", root)
                elif entry.name.endswith(".md") and entry.is_file() and _inside(entry, root):
                    status = entry.stat()
                    yield name, Fingerprint(status.st_size, status.st_mtime_ns, status.st_ino)


def _inside(entry: os.DirEntry[str], root: Path) -> bool:
    return not entry.is_symlink() or Path(entry.path).resolve().is_relative_to(root)


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
