"""From the tree of a file to the section structs, led by their types.

Decodes each value apart, so that every problem is noted and not only the first. Values that came
from a variable are read as what the field asks for (`port: "${PORT}"` is a number); values written
out are not bent. Does not know what the sections mean together: that is `checks`.
"""

import difflib
import math
from collections.abc import Mapping as MappingType
from types import UnionType
from typing import TypeGuard, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from pointsman.config.findings import Findings, quoted
from pointsman.config.nodes import (
    Mapping,
    Node,
    Scalar,
    Sequence,
    child_path,
    core_value,
    is_broken,
    plain_value,
)
from pointsman.config.section import Duration, Secret
from pointsman.config.words import expectation

_LONGEST_DURATION_S = 366 * 86_400.0
_SHORTEST_SHOWN_SECRET = 13


class _Broken:
    """Stands for a value that cannot be used; why has been noted."""


BROKEN = _Broken()


class Decoder:
    """Decodes nodes by type; problems go to `findings`."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def decode(self, node: Node, kind: object, path: str) -> object:
        """Return the value of `node` as `kind`, or `BROKEN` once a problem is noted."""
        if kind is object:
            return BROKEN if is_broken(node) else plain_value(node)
        if isinstance(node, Scalar) and node.is_broken:
            return BROKEN
        members = _members(kind)
        if isinstance(node, Scalar) and type(None) in members and _is_absent(node):
            return None
        return self._member(node, kind, [one for one in members if one is not type(None)], path)

    def _member(self, node: Node, kind: object, members: list[object], path: str) -> object:
        """Decode by the member of a union that fits the shape of the node."""
        for member in members:
            origin = get_origin(member) or member
            if _is_struct(member):
                if isinstance(node, Mapping) or _is_null(node):
                    return self._struct(node, member, path)
            elif origin is dict:
                if isinstance(node, Mapping) or _is_null(node):
                    return self._dict(node, member, path)
            elif origin in (list, tuple):
                if isinstance(node, Sequence) or _is_null(node):
                    return self._list(node, member, path)
            elif isinstance(node, Scalar):
                return self._scalar(node, kind, members, path)
        self._findings.error(path, f"expected {expectation(kind)}, got {_shape(node)}")
        return BROKEN

    def _struct(self, node: Node, cls: type[Struct], path: str) -> object:
        entries = node.entries if isinstance(node, Mapping) else {}
        fields = {one.encode_name: one for one in msgspec.structs.fields(cls)}
        self._refuse_unknown(entries, list(fields), path)
        values: dict[str, object] = {}
        is_complete = True
        for name, one in fields.items():
            if name in entries:
                value = self.decode(entries[name], one.type, child_path(path, name))
                if value is not BROKEN:
                    values[name] = value
                    continue
            elif one.required and not self._findings.is_noted(child_path(path, name)):
                self._findings.error(child_path(path, name), "is required and missing")
            is_complete = is_complete and not one.required
        return cls(**values) if is_complete else BROKEN

    def _refuse_unknown(self, entries: MappingType[str, Node], known: list[str], path: str) -> None:
        for key in entries:
            if key in known:
                continue
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"known keys: {', '.join(known)}"
            self._findings.error(child_path(path, key), f"unknown key {quoted(key)}", hint=hint)
            if close and close[0] not in entries:
                self._findings.mark(child_path(path, close[0]))

    def _dict(self, node: Node, kind: object, path: str) -> dict[str, object]:
        entries = node.entries if isinstance(node, Mapping) else {}
        value_kind = get_args(kind)[1]
        decoded = {
            key: self.decode(child, value_kind, child_path(path, key))
            for key, child in entries.items()
        }
        for key, value in decoded.items():
            if value is BROKEN:
                self._findings.mark(child_path(path, key))
        return {key: value for key, value in decoded.items() if value is not BROKEN}

    def _list(self, node: Node, kind: object, path: str) -> object:
        items = node.items if isinstance(node, Sequence) else []
        item_kind = get_args(kind)[0]
        decoded = [
            self.decode(child, item_kind, child_path(path, index))
            for index, child in enumerate(items)
        ]
        if any(value is BROKEN for value in decoded):
            # Dropping one item would move the others away from their lines.
            self._findings.mark(path)
            return BROKEN
        return tuple(decoded) if get_origin(kind) is tuple else decoded

    def _scalar(self, scalar: Scalar, kind: object, members: list[object], path: str) -> object:
        if Secret in members:
            value: object = BROKEN if scalar.is_null else self._secret(scalar)
        else:
            value = _duration(scalar) if Duration in members else _leaf(scalar, kind)
        if value is BROKEN:
            hint = None
            if scalar.variables:
                hint = f"the value comes from the variable {scalar.variables[0]}"
            elif str in members:
                hint = "put quotes around it to make it text"
            self._findings.error(path, f"expected {expectation(kind)}, {_got(scalar)}", hint=hint)
        return value

    def _secret(self, scalar: Scalar) -> Secret:
        text = scalar.text
        if len(scalar.variables) == 1:
            alias = scalar.variables[0]
        else:
            alias = f"…{text[-4:]}" if len(text) >= _SHORTEST_SHOWN_SECRET else "…"
        self._findings.conceal(text, alias)
        return Secret(text, alias)


def _members(kind: object) -> tuple[object, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _is_struct(kind: object) -> TypeGuard[type[Struct]]:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _is_null(node: Node) -> bool:
    """Tell whether nothing was written: a section that is empty, not one that is wrong."""
    return isinstance(node, Scalar) and node.is_null


def _is_absent(scalar: Scalar) -> bool:
    return scalar.is_null or (scalar.is_expanded and scalar.text == "")


def _duration(scalar: Scalar) -> object:
    try:
        seconds = Duration.parse(scalar.text if scalar.is_expanded else scalar.value())
    except ValueError:
        return BROKEN
    if not math.isfinite(seconds) or not 0 < seconds <= _LONGEST_DURATION_S:
        return BROKEN
    return seconds


def _leaf(scalar: Scalar, kind: object) -> object:
    readings: list[object] = [scalar.value()]
    if scalar.is_expanded:
        # A variable is text by nature: it is what the field asks for, if it can be.
        readings = [scalar.text, core_value(scalar.text)]
    for reading in readings:
        try:
            return msgspec.convert(reading, kind)
        except msgspec.ValidationError:
            continue
    return BROKEN


def _got(scalar: Scalar) -> str:
    if scalar.variables:
        return f"got the value of ${{{scalar.variables[0]}}}"
    if scalar.is_null:
        return "got nothing"
    return f"got {quoted(scalar.text) if scalar.is_quoted else quoted(scalar.text)[1:-1]}"


def _shape(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    return "a list" if isinstance(node, Sequence) else _got(node).removeprefix("got ")
