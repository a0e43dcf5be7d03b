"""JSON Schemas as the Messages API takes them: of tools, and of outputs that must follow one.

Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs and
/docs/en/agents-and-tools/tool-use/overview (read 2026-11). What a constrained schema cannot say is
told in its descriptions, where the model may still follow it.
"""

from typing import Any

import msgspec
from msgspec import Raw

from pointsman.wire.malformed import MALFORMED

_STRING_FORMATS = frozenset(
    {
        "date-time",
        "time",
        "date",
        "duration",
        "email",
        "hostname",
        "uri",
        "ipv4",
        "ipv6",
        "uuid",
    }
)
_KEPT = frozenset(
    {"$ref", "$defs", "definitions", "type", "enum", "const", "title", "description", "default"}
    | {"anyOf", "allOf", "properties", "required", "additionalProperties", "items", "format"}
    | {"minItems", "oneOf", "$schema", "$id"}
)
_CHOICES = ("anyOf", "oneOf", "allOf")

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


def tool_schema(raw: Raw | None) -> tuple[Raw, bool]:
    """Return the `input_schema` of a tool: an object schema without alternatives at its top.

    Returns:
        The schema, byte for byte as it came where it can stay, and whether alternatives were
        merged into one, which allows more than they did.
    """
    if raw is None:
        return Raw(b'{"type":"object","properties":{}}'), False
    try:
        schema = _decode(raw)
    except MALFORMED:
        return raw, False
    if schema.get("type") == "object" and not any(key in schema for key in _CHOICES):
        return raw, False
    merged = False
    for key in _CHOICES:
        variants = schema.pop(key, None)
        if isinstance(variants, list):
            _merge(
                schema, [each for each in variants if isinstance(each, dict)], every=key == "allOf"
            )
            merged = True
    schema["type"] = "object"
    schema.setdefault("properties", {})
    return Raw(_encode(schema)), merged


def constrained_schema(raw: Raw) -> tuple[Raw, list[str]]:
    """Return a schema that the API can hold its output to, and the keywords that it cannot hold.

    Objects are closed, alternatives are `anyOf`, and bounds become words of the description.
    """
    removed: set[str] = set()
    try:
        schema = _decode(raw)
    except MALFORMED:
        return raw, []
    return Raw(_encode(_constrain(schema, removed))), sorted(removed)


def _merge(schema: dict[str, Any], variants: list[dict[str, Any]], *, every: bool) -> None:
    """Take over the properties of all variants, and require what all, or any, of them do."""
    properties = schema.setdefault("properties", {})
    required = [set(_strings(each.get("required"))) for each in variants]
    for each in variants:
        for name, value in (each.get("properties") or {}).items():
            properties.setdefault(name, value)
    if required:
        shared = set.union(*required) if every else set.intersection(*required)
        names = [*_strings(schema.get("required")), *sorted(shared)]
        schema["required"] = list(dict.fromkeys(names))


def _strings(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _constrain(schema: object, removed: set[str]) -> object:
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    told: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("$schema", "$id"):
            continue
        (kept if _is_held(key, value) else told)[key] = value
    _constrain_inner(kept, removed)
    _split_types(kept)
    if kept.get("type") == "object" or "properties" in kept:
        if kept.get("additionalProperties", False) is not False:
            removed.add("additionalProperties")
        kept["additionalProperties"] = False
    if told:
        removed.update(told)
        words = ", ".join(f"{key}: {_encode(value).decode()}" for key, value in told.items())
        before = kept.get("description")
        kept["description"] = f"{before} ({words})" if before else f"({words})"
    return kept


def _is_held(key: str, value: object) -> bool:
    if key == "minItems":
        return value in (0, 1)
    if key == "format":
        return isinstance(value, str) and value in _STRING_FORMATS
    return key in _KEPT


def _constrain_inner(kept: dict[str, Any], removed: set[str]) -> None:
    for key in ("properties", "$defs", "definitions"):
        if isinstance(inner := kept.get(key), dict):
            kept[key] = {name: _constrain(each, removed) for name, each in inner.items()}
    if "oneOf" in kept:
        kept.setdefault("anyOf", kept.pop("oneOf"))
        kept.pop("oneOf", None)
    for key in ("anyOf", "allOf"):
        if isinstance(variants := kept.get(key), list):
            kept[key] = [_constrain(each, removed) for each in variants]
    if "items" in kept:
        kept["items"] = _constrain(kept["items"], removed)


def _split_types(kept: dict[str, Any]) -> None:
    """Write a list of types as alternatives; the first keeps what the schema says besides."""
    types = kept.get("type")
    if not isinstance(types, list) or "anyOf" in kept:
        return
    del kept["type"]
    if "enum" in kept or "const" in kept:
        return
    about = {
        key: kept.pop(key) for key in list(kept) if key not in ("description", "title", "$defs")
    }
    plain = ("null", "boolean")
    kept["anyOf"] = [
        {"type": each} if each in plain else _closed({"type": each, **_fitting(about, each)})
        for each in types
    ]


def _fitting(about: dict[str, Any], of_type: object) -> dict[str, Any]:
    """Return what of a schema says something about one type."""
    of_objects = {"properties", "required", "additionalProperties"}
    of_arrays = {"items", "minItems"}
    unfit = {
        "object": of_arrays | {"format"},
        "array": of_objects | {"format"},
    }.get(str(of_type), of_objects | of_arrays)
    return {key: value for key, value in about.items() if key not in unfit}


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    if schema["type"] == "object":
        schema["additionalProperties"] = False
    return schema
