"""Sentence segmentation of Markdown that is still being streamed, into the statements that are judged one by one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["sentence", "item", "step", "code"]
Gap = Literal["", " ", "\n", "\n\n"]

_FENCE = re.compile(r"[ \t]{0,3}(?:`{3,}|~{3,})")
_CLOSING_FENCE = re.compile(r"\n[ \t]{0,3}(?:`{3,}|~{3,})[ \t]*(?=\n)")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|(\d{1,9})[.)])[ \t]+")
# The end of a sentence with its closing quotes and citations, where the next one has surely begun. All repetitions are
# bounded, because a model may write anything.
_END = re.compile(
    r"[.!?…]{1,5}[\"'”’»)*_]{0,4}(?:\s{0,3}\[[\d, ]{1,12}\]){0,6}[.!?]{0,3}\s{1,9}(?=[^\s\[a-z]|\[(?![\d, ]*(?:\]|$)))"
    r"|[。！？]{1,5}(?:\s{0,3}\[[\d, ]{1,12}\]){0,6}(?=[^\s\[。！？])"  # noqa: RUF001 - full-width marks are what is looked for
)
_ENDS_SOON = re.compile(r"[\s。！？]")  # noqa: RUF001 - likewise
_ABBREVIATION = re.compile(
    r"\b(?:e\.g|i\.e|etc|vs|approx|ca|no|nr|dr|mr|mrs|ms|st|inc|ltd|fig|d\.h|bzw|[a-z])\.\s*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of a paragraph, a whole list item (`step`: of a numbered list) or a whole block of code."""

    kind: Kind
    text: str
    gap: Gap = ""  # the white space before it, as far as it matters


def split_sentences(line: str) -> list[str]:
    """The sentences of one line; citations behind the full stop belong to the sentence."""
    return [part.strip() for part in _parts(line) if part.strip()]


def _parts(line: str) -> list[str]:
    """The line cut behind each sentence; the last part may still go on."""
    parts, start = [], 0
    for end in _END.finditer(line):
        part = line[start : end.end()]
        if not _ABBREVIATION.search(part):
            parts.append(part)
            start = end.end()
    return [*parts, line[start:]]


class SentenceSplitter:
    """A streaming sentence splitter: takes text as it comes, gives statements as soon as they are complete."""

    def __init__(self) -> None:
        self._rest = ""
        self._gap: Gap = ""
        self._line_begins = True

    def feed(self, text: str) -> list[Statement]:
        """The statements that `text` completes."""
        self._rest += text.replace("\r", "")
        statements: list[Statement] = []
        while (end := self._line_end()) >= 0:
            line, self._rest = self._rest[:end], self._rest[end + 1 :]
            statements += self._statements(line)
            self._gap = "\n" if line.strip() and self._gap != "\n\n" else "\n\n"
            self._line_begins = True
        if _ENDS_SOON.search(text):  # not for each syllable: what is not seen now is seen a word later
            statements += self._sentences_so_far()
        return statements

    def end(self) -> list[Statement]:
        """The statements of the rest; a block of code that was not closed is none."""
        return self.feed("\n")

    def _line_end(self) -> int:
        """Where the line, or the whole block of code, ends; -1 where it has not ended yet."""
        if self._line_begins and _FENCE.match(self._rest):
            closing = _CLOSING_FENCE.search(self._rest)
            return closing.end() if closing else -1
        return self._rest.find("\n")

    def _sentences_so_far(self) -> Iterator[Statement]:
        if self._line_begins and (_FENCE.match(self._rest) or _ITEM.match(self._rest)):
            return
        *whole, self._rest = _parts(self._rest)
        for part in whole:
            yield self._statement("sentence", part.strip())

    def _statements(self, line: str) -> Iterator[Statement]:
        if self._line_begins and _FENCE.match(line):
            yield self._statement("code", line.rstrip())
        elif self._line_begins and (item := _ITEM.match(line)):
            yield self._statement("step" if item[1] else "item", line.rstrip())
        else:
            for sentence in split_sentences(line):
                yield self._statement("sentence", sentence)

    def _statement(self, kind: Kind, text: str) -> Statement:
        gap, self._gap, self._line_begins = self._gap, " ", False
        return Statement(kind, text, gap)
