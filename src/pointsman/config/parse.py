"""From the text of a YAML file to a tree of nodes.

Builds the tree from the parser's events, so that every bound holds while reading: size, depth and
number of values. Refuses what makes a file mean something else than it seems to: duplicate keys,
anchors, aliases, merge keys, tags and several documents. Does not know variables or sections.
"""

import re
from collections.abc import Iterator

import yaml
from msgspec import Struct

from pointsman.config.findings import Findings, quoted
from pointsman.config.nodes import Mapping, Node, Scalar, Sequence, child_path

MAX_BYTES = 1_048_576
MAX_DEPTH = 32
MAX_VALUES = 50_000

_QUOTED_PART = re.compile(r"'[^']{8,}'|\"[^\"]{8,}\"")
_SURROGATE = re.compile("[\ud800-\udfff]")


class _StopParsingError(Exception):
    """The rest of the file cannot be read; the reason has been noted."""


class _Open(Struct):
    """A mapping or list whose end has not come yet."""

    node: Mapping | Sequence
    path: str
    key: str | None = None
    """The key whose value comes next."""
    key_line: int = 0


_HINTS = (
    (r"\t", "indent with spaces, not with tabs"),
    ("mapping values are not allowed", "check the indentation; text with `: ` in it needs quotes"),
    ("expected <block end>", "check the indentation: members of one mapping begin in one column"),
)
"""What the parser's words mostly mean."""


def _hint(message: str) -> str:
    found = (hint for sign, hint in _HINTS if sign in message)
    return next(found, "text with : # { [ or quotes in it needs quotes around it")


def parse(text: str, findings: Findings) -> Mapping:
    """Read a configuration file.

    Returns:
        The top-level mapping, without what could not be read; an empty one when the file holds
        none. Every problem is in `findings`.
    """
    try:
        return _Builder(findings).build(yaml.parse(text, Loader=yaml.SafeLoader))
    except _StopParsingError:
        pass
    except yaml.MarkedYAMLError as error:
        mark: yaml.Mark | None = error.problem_mark or error.context_mark
        message = _QUOTED_PART.sub("…", error.problem or error.context or "cannot be read")
        findings.error(
            "",
            f"not valid YAML: {message}",
            line=mark.line + 1 if mark else None,
            hint=_hint(message),
        )
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        findings.error("", "a character that YAML does not allow", line=line)
    except (ValueError, OverflowError):
        # The scanner hands escapes such as \UFFFFFFFF to chr() and versions to int() unchecked.
        findings.error("", "not valid YAML: an escape or number that is out of range")
    return Mapping(line=1)


class _Builder:
    """Turns events into nodes."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._open: list[_Open] = []
        self._root: Node | None = None
        self._values = 0
        self._documents = 0

    def build(self, events: Iterator[yaml.Event]) -> Mapping:
        for event in events:
            self._take(event)
        root = self._root
        if root is None or (isinstance(root, Scalar) and root.is_null):
            return Mapping(line=1)
        if not isinstance(root, Mapping):
            self._findings.error(
                "", "expected sections such as `providers:` at the top", line=root.line
            )
            return Mapping(line=1)
        return root

    def _take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self._refuse("a second document begins", "keep one document per file", line)
            case yaml.AliasEvent():
                self._refuse("aliases are not supported", "write the value out", line)
            case yaml.ScalarEvent():
                self._check_node(event, line)
                self._scalar(event, line)
            case yaml.MappingStartEvent():
                self._check_node(event, line)
                self._begin(Mapping(line=line), line)
            case yaml.SequenceStartEvent():
                self._check_node(event, line)
                self._begin(Sequence(line=line), line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._place(self._open.pop().node)
            case _:
                pass

    def _check_node(self, event: yaml.NodeEvent, line: int) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            self._refuse(f"more than {MAX_VALUES} values", "split the configuration", line)
        if event.anchor is not None:
            self._refuse("anchors are not supported", "write the value out where it is used", line)
        # A lone `!` says no more than quotes do; every other tag would change a value's type.
        if getattr(event, "tag", None) not in (None, "!"):
            self._refuse("tags such as !!str are not supported", "use quotes for text", line)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        if _SURROGATE.search(event.value):
            self._refuse("half of a surrogate pair is not text", "write the character", line)
        is_quoted = event.style is not None or event.tag == "!"
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.node, Mapping) and top.key is None:
            self._key(top, event.value, is_quoted=is_quoted, line=line)
        else:
            self._place(Scalar(text=event.value, line=line, is_quoted=is_quoted))

    def _key(self, top: _Open, key: str, *, is_quoted: bool, line: int) -> None:
        if key == "<<" and not is_quoted:
            self._refuse("merge keys are not supported", "write the keys out", line)
        if isinstance(top.node, Mapping) and key in top.node.entries:
            self._findings.error(
                child_path(top.path, key),
                f"the key {quoted(key)} is there twice",
                hint=f"the first is in line {top.node.key_lines[key]}",
                line=line,
            )
        top.key, top.key_line = key, line

    def _begin(self, node: Mapping | Sequence, line: int) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._refuse(f"nested more than {MAX_DEPTH} levels deep", "flatten it", line)
        path = ""
        if self._open:
            top = self._open[-1]
            if isinstance(top.node, Sequence):
                path = child_path(top.path, len(top.node.items))
            elif top.key is None:
                self._refuse("a key must be text", "put quotes around it", line)
            else:
                path = child_path(top.path, top.key)
        self._open.append(_Open(node=node, path=path))

    def _place(self, node: Node) -> None:
        if not self._open:
            self._root = node
            return
        top = self._open[-1]
        if isinstance(top.node, Sequence):
            top.node.items.append(node)
        elif top.key is not None:
            # The first of two equal keys stays: it is where the problem points to.
            top.node.entries.setdefault(top.key, node)
            top.node.key_lines.setdefault(top.key, top.key_line)
            top.key = None

    def _refuse(self, message: str, hint: str, line: int) -> None:
        path = self._open[-1].path if self._open else ""
        self._findings.error(path, message, hint=hint, line=line)
        raise _StopParsingError
