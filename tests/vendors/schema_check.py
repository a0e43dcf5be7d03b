"""Strict comparison of JSON with the types that a vendor publishes in its Python SDK.

Owns the walk over TypedDicts and pydantic models: unknown fields, missing fields, wrong types and
wrong values, without any of the leniency that the SDKs have for their users (`extra="allow"`,
number strings, defaults). Knows no vendor. The same walk checks requests and fixtures.
"""

import base64
import binascii
import collections.abc
import enum
import functools
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pydantic
import typing_extensions

_LISTS = (list, tuple, collections.abc.Iterable, collections.abc.Sequence)
_DICTS = (dict, collections.abc.Mapping)
_DISCRIMINATORS = ("type", "role", "object")


@dataclass
class SchemaError(Exception):
    """The first place where a value is not what the schema says."""

    path: tuple[str | int, ...]
    kind: str
    """`unknown`, `missing`, `type` or `value`."""
    expected: str = ""
    got: Any = None

    @property
    def where(self) -> str:
        """The path with dots, as in `messages.0.content`."""
        return ".".join(str(step) for step in self.path)

    def __str__(self) -> str:
        return f"{self.where}: {self.kind} field, expected {self.expected}, got {self.got!r:.200}"


@dataclass(frozen=True)
class Field:
    """One field of an object of the schema."""

    annotation: Any
    is_required: bool


def check(value: Any, annotation: Any, path: tuple[str | int, ...] = ()) -> None:
    """Raise SchemaError where the decoded JSON `value` is not exactly `annotation`."""
    annotation = bare(annotation)
    origin = typing.get_origin(annotation)
    if annotation is Any or annotation is object:
        return
    if origin in (typing.Union, types.UnionType):
        _check_union(value, typing.get_args(annotation), path)
    elif origin is typing.Literal:
        _check_literal(value, typing.get_args(annotation), path)
    elif is_object(annotation):
        _check_object(value, annotation, path)
    elif _is_list(annotation, origin):
        _check_list(value, typing.get_args(annotation), path)
    elif origin in _DICTS or annotation in _DICTS:
        _check_dict(value, typing.get_args(annotation), path)
    else:
        _check_scalar(value, annotation, path)


def fields_of(annotation: Any) -> dict[str, Field]:
    """Return the fields of a TypedDict or pydantic model by their names on the wire."""
    return _fields_of_model(annotation) if _is_model(annotation) else _fields_of_dict(annotation)


@functools.cache
def _fields_of_dict(annotation: Any) -> dict[str, Field]:
    # `__required_keys__` knows the class's `total`, but not `Required[...]` in postponed
    # annotations; those are visible only once they are evaluated.
    hints = typing_extensions.get_type_hints(annotation, include_extras=True)
    found = {}
    for name, hint in hints.items():
        marked = typing.get_origin(hint)
        required = marked is typing_extensions.Required or (
            marked is not typing_extensions.NotRequired and name in annotation.__required_keys__
        )
        found[name] = Field(hint, required)
    return found


@functools.cache
def _fields_of_model(annotation: Any) -> dict[str, Field]:
    return {
        info.alias or name: Field(info.annotation, info.is_required())
        for name, info in annotation.model_fields.items()
    }


def bare(annotation: Any) -> Any:
    """Return an annotation without its wrappers and aliases."""
    wrappers = (typing.Annotated, typing_extensions.Required, typing_extensions.NotRequired)
    while True:
        if isinstance(annotation, typing_extensions.TypeAliasType):
            annotation = annotation.__value__
        elif typing.get_origin(annotation) in wrappers:
            annotation = typing.get_args(annotation)[0]
        else:
            return annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel)


def is_object(annotation: Any) -> bool:
    """Tell whether an annotation is a TypedDict or a pydantic model."""
    return _is_model(annotation) or typing_extensions.is_typeddict(annotation)


def _is_list(annotation: Any, origin: Any) -> bool:
    # The SDKs' own protocol for "a sequence that is not a string".
    named = getattr(origin, "__name__", "") == "SequenceNotStr"
    return named or origin in _LISTS or annotation in _LISTS


def _check_union(value: Any, branches: tuple[Any, ...], path: tuple[str | int, ...]) -> None:
    failures = []
    for branch in _meant(value, branches):
        try:
            return check(value, branch, path)
        except SchemaError as violation:
            failures.append(violation)
    # The branch that got furthest is the one that was meant.
    furthest = max(failures, key=lambda each: (len(each.path), each.kind != "type"))
    if len(furthest.path) == len(path) and furthest.kind == "type":
        expected = " or ".join(each.expected for each in failures)
        raise SchemaError(path, "type", expected, value)
    raise furthest


def _meant(value: Any, branches: tuple[Any, ...]) -> list[Any]:
    """Return the branches that a discriminating field of `value` selects, else all of them."""
    known = [bare(branch) for branch in branches]
    if not isinstance(value, dict):
        return known
    for name in _DISCRIMINATORS:
        chosen = [each for each in known if is_object(each) and _accepts(each, name, value)]
        if chosen:
            return chosen
    return known


def _accepts(branch: Any, name: str, value: dict[str, Any]) -> bool:
    field = fields_of(branch).get(name)
    if field is None or name not in value:
        return False
    literal = bare(field.annotation)
    return typing.get_origin(literal) is typing.Literal and value[name] in typing.get_args(literal)


def _check_literal(value: Any, allowed: tuple[Any, ...], path: tuple[str | int, ...]) -> None:
    if not any(value == each and type(value) is type(each) for each in allowed):
        expected = ", ".join(f"'{each}'" for each in allowed)
        kind = "value" if isinstance(value, str) else "type"
        raise SchemaError(path, kind, expected, value)


def _check_object(value: Any, annotation: Any, path: tuple[str | int, ...]) -> None:
    if not isinstance(value, dict):
        raise SchemaError(path, "type", "object", value)
    fields = fields_of(annotation)
    config = getattr(annotation, "__pydantic_config__", {})
    for name in value:
        if name not in fields and config.get("extra") != "allow":
            raise SchemaError((*path, name), "unknown", "no such field", value[name])
    for name, field in fields.items():
        if name in value:
            check(value[name], field.annotation, (*path, name))
        elif field.is_required:
            raise SchemaError((*path, name), "missing", "a value")


def _check_list(value: Any, arguments: tuple[Any, ...], path: tuple[str | int, ...]) -> None:
    if not isinstance(value, list):
        raise SchemaError(path, "type", "array", value)
    for index, item in enumerate(value):
        check(item, arguments[0] if arguments else Any, (*path, index))


def _check_dict(value: Any, arguments: tuple[Any, ...], path: tuple[str | int, ...]) -> None:
    if not isinstance(value, dict):
        raise SchemaError(path, "type", "object", value)
    for name, item in value.items():
        check(item, arguments[1] if arguments else Any, (*path, name))


def _check_scalar(value: Any, annotation: Any, path: tuple[str | int, ...]) -> None:
    expected, is_right = _scalar(value, annotation)
    if not is_right:
        raise SchemaError(path, "type", expected, value)


def _scalar(value: Any, annotation: Any) -> tuple[str, bool]:
    """Return the schema's word for the annotation, and whether the value is one."""
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        names = [each.value for each in annotation]
        return ", ".join(f"'{name}'" for name in names), value in names
    for known, (word, is_one) in _SCALARS.items():
        if annotation is known:
            return word, is_one(value)
    # A subclass with a meaning of its own, as a number of bytes.
    is_integer = isinstance(annotation, type) and issubclass(annotation, int)
    return "integer" if is_integer else str(annotation), is_integer and _is_integer(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_base64(value: Any) -> bool:
    """Either alphabet, as the JSON form of protocol buffers has it."""
    try:
        base64.b64decode(value, altchars=b"-_" if set(value) & set("-_") else None, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return False
    return isinstance(value, str)


def _is_time(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


_SCALARS: dict[Any, tuple[str, Callable[[Any], bool]]] = {
    None: ("null", lambda value: value is None),
    types.NoneType: ("null", lambda value: value is None),
    bool: ("boolean", lambda value: isinstance(value, bool)),
    int: ("integer", _is_integer),
    float: ("number", lambda value: isinstance(value, float) or _is_integer(value)),
    str: ("string", lambda value: isinstance(value, str)),
    bytes: ("base64 string", _is_base64),
    datetime: ("RFC 3339 time", _is_time),
}
