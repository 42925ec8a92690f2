"""YAML front matter as typed fields, each fault with its line.

The safe subset only: no aliases or anchors (they explode when expanded), no custom tags, no duplicate
keys, bounded size and depth. Text fields take the words as written, so `locale: no` is Norwegian.
"""

import re
from collections.abc import Mapping
from typing import NoReturn, TypeAlias

import yaml
from pydantic import JsonValue

from retrieval.errors import ArticleError

Value: TypeAlias = JsonValue

MAX_FRONT_MATTER_CHARS = 64 * 1024  # read in 0.03 s; a hundred long `questions` take 10 KiB
MAX_DEPTH = 16  # composing YAML recurses

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is 10 times faster; not every build has it
_FENCE = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
_OPENING = re.compile(r"---[ \t]*(?:\n|$)")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\ud800-\udfff\ufffe\uffff]")
_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_CORE + name for name in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map"))
_SHOWN = {"null": "empty", "bool": "true or false", "int": "a number", "float": "a number", "timestamp": "a date"}
_FIRST_LINE = 2  # of the YAML, in its file


def split(text: str, *, path: str) -> tuple["Fields", str]:
    """Split front matter from Markdown: the fields and the text after them; a text without front matter has no fields.

    Raises ArticleError. `text` has plain newlines and no byte order mark.
    """
    opening = _OPENING.match(text)
    if opening is None:
        return Fields(path, {}), text
    closing = _FENCE.search(text, opening.end())
    if closing is None:
        raise ArticleError(path, 1, "front matter is not closed", "add a line '---' after its last field")
    source = text[opening.end() : closing.start()]
    return Fields(path, _compose(source, path)), text[closing.end() :].lstrip("\n")


class Fields:
    """The keys of one front matter; each getter takes its key out and checks its type."""

    def __init__(self, path: str, nodes: dict[str, yaml.Node]) -> None:
        self._path = path
        self._nodes = nodes
        self._lines = {key: _line(node) for key, node in nodes.items()}

    def refuse(self, key: str, problem: str, remedy: str) -> NoReturn:
        """Raise the ArticleError of a field, at its line (or at the first line when the key is absent)."""
        raise ArticleError(self._path, self._lines.get(key, 1), f"field {key!r} {problem}", remedy)

    def text(self, key: str) -> str | None:
        """The words of a field as written, with white space folded; None when absent or empty."""
        node = self._take(key)
        return None if node is None else self._words(key, node)

    def name(self, key: str) -> str | None:
        """A text or a number, as text: what may serve as an identifier."""
        node = self._nodes.get(key)
        if node is not None and node.tag in {_CORE + "bool", _CORE + "timestamp"}:
            self.refuse(key, f"is {_shown(node)}, not text", f"quote it: {key}: '...'")
        return self.text(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty when absent."""
        node = self._take(key)
        if node is None:
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self.refuse(key, f"is {_shown(node)}, not a list", f"write '{key}: [first, second]'")
        words = (self._words(key, item) for item in node.value)
        return tuple(word for word in words if word)

    def flag(self, key: str) -> bool:
        """True or false; false when absent."""
        node = self._take(key)
        if node is None:
            return False
        if node.tag != _CORE + "bool":
            self.refuse(key, f"is {_shown(node)}, not true or false", f"write '{key}: true' or '{key}: false'")
        return bool(yaml.SafeLoader.bool_values[node.value.lower()])

    def rest(self) -> Mapping[str, Value]:
        """Every field nobody asked for, as plain JSON-like values."""
        return {key: _plain(node) for key, node in self._nodes.items()}

    def _take(self, key: str) -> yaml.Node | None:
        node = self._nodes.pop(key, None)
        return None if node is None or node.tag == _CORE + "null" else node

    def _words(self, key: str, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag == _CORE + "null":
            self._lines[key] = _line(node)
            self.refuse(key, f"holds {_shown(node)} where text belongs", "write it as text, in quotes if need be")
        return " ".join(node.value.split())


def _compose(source: str, path: str) -> dict[str, yaml.Node]:
    if len(source) > MAX_FRONT_MATTER_CHARS:
        problem = f"front matter has {len(source)} characters, more than {MAX_FRONT_MATTER_CHARS}"
        raise ArticleError(path, 1, problem, "move the text below the closing '---'")
    try:
        _refuse_unsafe(source, path)
        root = yaml.compose(source, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = _FIRST_LINE + (mark.line if mark else 0)
        if "nesting depth" in str(error.problem):  # libyaml reads ahead, and has a bound of its own
            raise _too_deep(path, line) from error
        raise ArticleError(path, line, f"front matter is not valid YAML ({error.problem})", _QUOTE) from error
    except yaml.YAMLError as error:
        raise ArticleError(path, 1, f"front matter is not valid YAML ({error})", _QUOTE) from error
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        problem = f"front matter is {_shown(root)}, not fields"
        raise ArticleError(path, _line(root), problem, "write lines such as 'title: ...'")
    return _unique(root, path)


_QUOTE = "check indentation, and quote values that contain ':' or '#'"


def _refuse_unsafe(source: str, path: str) -> None:
    unprintable = _UNPRINTABLE.search(source)
    if unprintable:
        line = _FIRST_LINE + source.count("\n", 0, unprintable.start())
        problem = f"front matter contains the character {unprintable.group()!r}"
        raise ArticleError(path, line, problem, "remove it")
    depth = 0
    for event in yaml.parse(source, Loader=_LOADER):
        line = _line(event)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _too_deep(path, line)
        if isinstance(event, yaml.NodeEvent):
            _refuse_unsafe_node(event, path, line)


def _too_deep(path: str, line: int) -> ArticleError:
    return ArticleError(path, line, f"front matter is nested deeper than {MAX_DEPTH} levels", "flatten it")


def _refuse_unsafe_node(event: yaml.NodeEvent, path: str, line: int) -> None:
    if event.anchor is not None:
        sign = "alias '*" if isinstance(event, yaml.AliasEvent) else "anchor '&"
        raise ArticleError(path, line, f"front matter uses the {sign}{event.anchor}'", "write the value out")
    tag = getattr(event, "tag", None)
    if tag not in {None, "!"} and tag not in _PLAIN_TAGS:
        raise ArticleError(path, line, f"front matter uses the tag {tag!r}", "remove it")
    if isinstance(event, yaml.ScalarEvent) and (unprintable := _UNPRINTABLE.search(event.value)):
        problem = f"front matter contains the escaped character {unprintable.group()!r}"
        raise ArticleError(path, line, problem, "remove it")


def _unique(mapping: yaml.MappingNode, path: str) -> dict[str, yaml.Node]:
    """The fields by key; nested mappings are checked alike."""
    nodes: dict[str, yaml.Node] = {}
    for key, node in mapping.value:
        if not isinstance(key, yaml.ScalarNode):
            raise ArticleError(path, _line(key), f"front matter has {_shown(key)} as a key", "use a word as the key")
        if key.value in nodes:
            raise ArticleError(path, _line(key), f"field {key.value!r} is given twice", "keep one of them")
        nodes[key.value] = node
        _check_nested(node, path)
    return nodes


def _check_nested(node: yaml.Node, path: str) -> None:
    if isinstance(node, yaml.MappingNode):
        _unique(node, path)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_nested(item, path)


def _plain(node: yaml.Node) -> Value:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    return _scalar(node)


def _scalar(node: yaml.Node) -> Value:
    kind, words = node.tag.removeprefix(_CORE), str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return bool(yaml.SafeLoader.bool_values.get(words.lower(), words))
    if kind in {"int", "float"} and _NUMBER.fullmatch(words):
        return int(words) if kind == "int" else float(words)
    return words


_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?")  # the rest (hex, 1:30, inf) stays text


def _line(part: yaml.Node | yaml.Event) -> int:
    return _FIRST_LINE + (part.start_mark.line if part.start_mark else 0)


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    return _SHOWN.get(node.tag.removeprefix(_CORE), f"the text {node.value[:40]!r}")
