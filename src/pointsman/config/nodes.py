"""The tree that a configuration file is before it is decoded: values with their lines.

Knows which unquoted words are numbers, truth values or nothing (the core schema of YAML 1.2, so
that `no`, `on`, `12:30` and `1_000` stay text). Does not know YAML's syntax, variables or sections.
"""

import math
import re
from collections.abc import Mapping as Environment
from typing import TypeAlias

from msgspec import Struct, field

from pointsman.config.root import SourceMap

PlainValue: TypeAlias = "str | int | float | bool | list[PlainValue] | dict[str, PlainValue] | None"

_CORE_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
# Longer runs of digits are identifiers rather than quantities, and stay text.
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FRACTION = re.compile(
    r"[-+]?(?:\.[0-9]{1,18}|[0-9]{1,18}(?:\.[0-9]{0,18})?)(?:[eE][-+]?[0-9]{1,3})?\Z"
)


class Scalar(Struct, frozen=True):
    """One value that is neither a mapping nor a list."""

    text: str
    line: int
    is_quoted: bool = False
    variables: tuple[str, ...] = ()
    """Names of the variables whose values are in `text`."""
    is_expanded: bool = False
    """`text` comes from a reference to a variable or from its default."""
    is_broken: bool = False
    """A problem with it has been reported: whoever meets it says nothing more."""

    def value(self) -> str | int | float | bool | None:
        """Return the value as the core schema reads it; quoted text stays text."""
        return self.text if self.is_quoted else core_value(self.text)

    @property
    def is_null(self) -> bool:
        """Whether nothing was written, or the word `null`."""
        return not self.is_quoted and self.value() is None


class Sequence(Struct, frozen=True):
    """A list."""

    line: int
    items: "list[Node]" = field(default_factory=list)


class Mapping(Struct, frozen=True):
    """A mapping; keys are always text."""

    line: int
    entries: "dict[str, Node]" = field(default_factory=dict)
    key_lines: dict[str, int] = field(default_factory=dict)


Node: TypeAlias = Scalar | Sequence | Mapping


def core_value(text: str) -> str | int | float | bool | None:
    """Read one unquoted word."""
    if text in _CORE_WORDS:
        return _CORE_WORDS[text]
    if _WHOLE.match(text):
        return int(text)
    if _FRACTION.match(text) and math.isfinite(number := float(text)):
        return number
    return text


def plain_value(node: Node) -> PlainValue:
    """Return the tree as plain Python values."""
    if isinstance(node, Mapping):
        return {key: plain_value(child) for key, child in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain_value(child) for child in node.items]
    return node.value()


def with_options(root: Mapping, server_options: Environment[str, object]) -> Mapping:
    """Return the tree with fields of `server` replaced by values from the command line."""
    server = root.entries.get("server", Mapping(line=root.line))
    if not server_options or isinstance(server, Sequence):
        return root
    written = server if isinstance(server, Mapping) else Mapping(line=server.line)
    options: dict[str, Node] = {
        # As from a variable: text that becomes what the field asks for.
        name: Scalar(text=str(value), line=written.line, is_expanded=True)
        for name, value in server_options.items()
    }
    merged = Mapping(written.line, {**written.entries, **options}, written.key_lines)
    return Mapping(root.line, {**root.entries, "server": merged}, root.key_lines)


def is_broken(node: Node) -> bool:
    """Tell whether a problem has been reported for any value of the tree."""
    if isinstance(node, Mapping):
        return any(is_broken(child) for child in node.entries.values())
    if isinstance(node, Sequence):
        return any(is_broken(child) for child in node.items)
    return node.is_broken


def child_path(path: str, key: str | int) -> str:
    """Return the path of an entry: `routes.auto`, `routes.auto.rules[1]`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def source_map(node: Node, path: str = "") -> SourceMap:
    """Return the line of every entry of the tree."""
    lines = SourceMap()
    if isinstance(node, Mapping):
        for key, child in node.entries.items():
            lines[child_path(path, key)] = node.key_lines[key]
            lines.update(source_map(child, child_path(path, key)))
    elif isinstance(node, Sequence):
        for index, child in enumerate(node.items):
            lines[child_path(path, index)] = child.line
            lines.update(source_map(child, child_path(path, index)))
    return lines
