"""Bundler: puts ES modules together into one classic script.

Understands what the widget's modules use and nothing more: `import { a, b } from "./x.js";` on one line at the top
level, and `export` before a top-level `function`, `async function`, `class` or `const`. Whatever else speaks of modules
is an error, so the script that visitors get means what the type checker has read.

All modules share one scope; a name that two of them declare at the top level is an error, too. Comments that stand on
lines of their own or close a line of code, type comments within a line, blank lines and indentation are left out, also
within template literals that span lines: the only one holds CSS.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_IMPORT = re.compile(r'import \{ (?P<names>\w+(?:, \w+)*) \} from "\./(?P<module>[a-z]+\.js)";')
_DECLARATION = re.compile(r"(?P<export>export )?(?:async )?(?:function|class|const|let) (?P<name>\w+)")
_MODULE_WORD = re.compile(r"^(?:import|export)\b|\b(?:import\s*\(|import\.meta\b|require\s*\()")
# Taken out before _COMMENT, which would run from it on over the code behind it
_TYPE = re.compile(r"/\*\* @type \{[^\"'`\n]*?\} \*/ ")
_COMMENT = re.compile(r"^[ \t]*/\*.*?\*/[ \t]*$|^[ \t]*//[^\n]*$", re.DOTALL | re.MULTILINE)
# With quotes before and in it, it might be the end of a string
_TRAILING_COMMENT = re.compile(r"^([^\"'`/]*[;,{]) // .*$|([;,{]) // [^\"'`]*$")


class LinkError(ValueError):
    """A module says something that the linker does not understand, or that cannot be true."""

    code = "widget_link"

    def __init__(self, module: str, problem: str, value: str) -> None:
        self.module = module
        self.problem = problem
        self.value = value
        super().__init__(module, problem, value)

    def __str__(self) -> str:
        return f"widget/{self.module}: {self.problem}: {self.value!r}"


@dataclass(frozen=True, slots=True)
class Module:
    """A parsed source file: what it imports (name to module), declares and exports, and the rest of its text."""

    name: str
    imports: Mapping[str, str]
    declared: tuple[str, ...]
    exported: frozenset[str]
    body: str


def link(sources: Mapping[str, str], entry: str) -> str:
    """One script of the module `entry` and all that it needs, in order of dependency.

    `sources` maps file names to ES module text. Raises LinkError.
    """
    modules = _in_order(sources, entry)
    _check_names(modules)
    body = "\n".join(module.body for module in modules)
    return f'(()=>{{"use strict";\n{body}\n}})();\n'


def needed(sources: Mapping[str, str], entry: str) -> list[str]:
    """The names of the module `entry` and of all that it imports, in order of dependency. Raises LinkError."""
    return [module.name for module in _in_order(sources, entry)]


def read_module(name: str, source: str) -> Module:
    """Parse one module. Raises LinkError on a form that the linker does not know."""
    lines = [line.strip() for line in _COMMENT.sub("", _TYPE.sub("", source)).splitlines()]
    top_level = {line for line in source.splitlines() if line[:1].strip()}
    imports: dict[str, str] = {}
    declared: list[str] = []
    exported: set[str] = set()
    body: list[str] = []
    for line in filter(None, lines):
        declaration = _DECLARATION.match(line) if line in top_level else None
        if statement := _IMPORT.fullmatch(line):
            imports |= dict.fromkeys(statement["names"].split(", "), statement["module"])
            continue
        if declaration:
            declared.append(declaration["name"])
            exported |= {declaration["name"]} if declaration["export"] else set()
        rest = line.removeprefix("export ") if declaration else line
        if _MODULE_WORD.search(rest):
            raise LinkError(name, "this form of import or export is not understood", line)
        body.append(_TRAILING_COMMENT.sub(r"\1\2", rest))
    return Module(name, imports, tuple(declared), frozenset(exported), "\n".join(body))


def _in_order(sources: Mapping[str, str], entry: str) -> list[Module]:
    """Depth first, so that a module stands after all that it imports."""
    linked: dict[str, Module] = {}
    under_way: list[str] = []

    def visit(name: str, wanted_by: str) -> None:
        if name in linked:
            return
        if name in under_way:
            raise LinkError(wanted_by, "modules import each other in a circle", name)
        if name not in sources:
            raise LinkError(wanted_by, "there is no such module", name)
        under_way.append(name)
        module = read_module(name, sources[name])
        for dependency in dict.fromkeys(module.imports.values()):
            visit(dependency, name)
        linked[name] = module

    visit(entry, entry)
    return list(linked.values())


def _check_names(modules: list[Module]) -> None:
    """Every import is exported by its module, and no name is declared twice in the one scope."""
    exported = {module.name: module.exported for module in modules}
    owners: dict[str, str] = {}
    for module in modules:
        for name, source in module.imports.items():
            if name not in exported[source]:
                raise LinkError(module.name, f"{source} does not export it", name)
        for name in module.declared:
            if name in owners:
                raise LinkError(module.name, f"{owners[name]} declares the same name", name)
            owners[name] = module.name
