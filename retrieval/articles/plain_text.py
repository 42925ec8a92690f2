"""The words of a Markdown text, for searching: no link targets, images, tags or markers.

Regular expressions instead of a parser, because this runs over every passage: a third of the time, and linear on text
that was written to make parsers slow. What a reader sees is rendered elsewhere, by a real parser.
"""

import html
import re

_TARGET = r"(?:\([^()\n]{0,2000}(?:\([^()\n]{0,500}\)[^()\n]{0,500})?\)|\[[^\[\]\n]{0,200}\])"
# Each step with the signs without one of which it has nothing to do: most texts have few, and looking is quick.
_STEPS: tuple[tuple[str, re.Pattern[str], str], ...] = tuple(
    (signs, re.compile(pattern, flags), replacement)
    for signs, pattern, flags, replacement in (
        ("`~", r"^[ \t]*(?:`{3,}|~{3,})[^`\n]*$", re.MULTILINE, " "),  # code fences
        (
            "-=",
            r"^[ \t]*(?:(?:\|[ \t]*)?:?-{2,}[-| :\t]*|={2,}[ \t]*)$",
            re.MULTILINE,
            " ",
        ),  # table rules, heading underlines
        ("[", r"^ {0,3}\[[^\[\]\n]{1,200}\]:[ \t]*\S+[^\n]*$", re.MULTILINE, " "),  # link definitions
        (
            ">#-*+.)",
            r"^[ \t]*(?:>[ \t]?)*(?:#{1,6}[ \t]+|[-*+][ \t]+|\d{1,9}[.)][ \t]+)?",
            re.MULTILINE,
            "",
        ),  # line markers
        ("!", r"!\[[^\[\]\n]{0,500}\]" + _TARGET, 0, " "),  # images
        ("[", r"\[([^\[\]\n]{0,500})\]" + _TARGET, 0, r"\1"),  # links
        ("{", r"\{#[\w.:-]{1,200}\}", 0, " "),  # explicit anchors
        ("<", r"<!--(?:(?!<!--|-->).)*-->", re.DOTALL, " "),
        ("<", r"<(?:https?://|mailto:)([^\s<>]+)>", 0, r"\1"),
        ("<", r"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?>", 0, " "),  # tags, but not <Servo.h>
        ("\\", r"\\([!-/:-@\[-`{-~])", 0, r"\1"),  # escapes
        ("*`|~", r"[*`|]+|~~", 0, " "),  # emphasis, code spans, table cells
        ("_", r"(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)", 0, ""),
    )
)


def plain(text: str) -> str:
    """The words of a passage, white space folded."""
    for signs, pattern, replacement in _STEPS:
        if any(sign in text for sign in signs):
            text = pattern.sub(replacement, text)
    return " ".join(html.unescape(text).split())
