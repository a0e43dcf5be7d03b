"""JSON Schemas as the Gemini API takes them: of functions, and of outputs that must follow one.

Both take JSON Schema (`parametersJsonSchema`, `responseJsonSchema`) and ignore the keywords that
they do not know. What breaks a request, or is ignored though there is a known way to say it, is
rewritten here: references get their target in place, `const` is an `enum`, several types are
alternatives. For outputs, where the schema is a promise, the ignored rest is told in descriptions.

Source: the vendor's Kotlin SDK, which lists the keywords and says that nothing else may stand
beside `$ref`: https://googleapis.github.io/kotlin-genai, `responseJsonSchema` (read 2026-11).
"""

from typing import Any

import msgspec
from msgspec import Raw

from pointsman.wire.malformed import MALFORMED

_KEPT = frozenset(
    {"$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum"}
    | {"items", "prefixItems", "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf"}
    | {"properties", "additionalProperties", "required", "propertyOrdering"}
)
_MAPS = ("properties", "$defs", "definitions", "patternProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "not")
_NO_ARGUMENTS = frozenset({"type", "properties", "required", "additionalProperties", "title"})
_MAX_DEPTH = 64
_MAX_OBJECTS = 5000
"""Bounds on putting references in place: a few hundred bytes can stand for a schema without end."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


def function_schema(raw: Raw | None) -> Raw | None:
    """Return the `parametersJsonSchema` of a function: an object; None for one without arguments.

    Every keyword stays that means something; those that the API ignores do no harm.
    """
    schema = _read(raw)
    if schema is None:
        return raw if raw is not None and bytes(raw) != b"null" else None
    written = _Writer(schema, None).write()
    written.setdefault("type", "object")
    if written.get("properties") == {} and _NO_ARGUMENTS.issuperset(written):
        # As the vendor has it for functions without arguments: it refuses empty objects in places.
        return None
    return Raw(_encode(written))


def output_schema(raw: Raw) -> tuple[Raw, list[str]]:
    """Return a `responseJsonSchema`, and the keywords that the API does not hold its output to."""
    schema = _read(raw)
    if schema is None:
        return raw, []
    removed: set[str] = set()
    written = _Writer(schema, removed).write()
    return Raw(_encode(written)), sorted(removed)


def _read(raw: Raw | None) -> dict[str, Any] | None:
    if raw is None:
        return None
    try:
        return _decode(raw)
    except MALFORMED:
        return None


class _Writer:
    """Rewrites one schema.

    Args:
        root: Where references point into.
        removed: Gets the keywords that are told in words instead; None leaves them in.
    """

    __slots__ = ("_count", "_keeps_definitions", "_removed", "_root")

    def __init__(self, root: dict[str, Any], removed: set[str] | None) -> None:
        self._root = root
        self._removed = removed
        self._keeps_definitions = False
        self._count = 0

    def write(self) -> dict[str, Any]:
        """Return the schema."""
        written = self._object(self._root, ())
        if self._keeps_definitions:
            # Of references in a circle: those cannot be put in place.
            for key in ("$defs", "definitions"):
                if key in self._root:
                    written[key] = self._value(key, self._root[key], ("#",))
        return written

    def _object(self, schema: dict[str, Any], inside: tuple[str, ...]) -> dict[str, Any]:
        self._count += 1
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._reference(schema, reference, inside)
        written: dict[str, Any] = {}
        told: dict[str, Any] = {}
        for key, value in schema.items():
            if key in ("$schema", "$defs", "definitions"):
                continue
            if key == "const":
                written.setdefault("enum", [value])
            elif self._removed is not None and key not in _KEPT:
                told[key] = value
            else:
                written[key] = self._value(key, value, inside)
        _split_types(written)
        self._tell(written, told)
        return written

    def _reference(
        self, schema: dict[str, Any], reference: str, inside: tuple[str, ...]
    ) -> dict[str, Any]:
        """Put the target in place, with what stands beside the reference."""
        target = self._target(reference)
        is_endless = reference in inside or len(inside) > _MAX_DEPTH or self._count > _MAX_OBJECTS
        if target is None or is_endless:
            self._keeps_definitions = True
            return {"$ref": reference}
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return self._object({**target, **beside}, (*inside, reference))

    def _target(self, reference: str) -> dict[str, Any] | None:
        if not reference.startswith("#"):
            return None
        found: Any = self._root
        for step in filter(None, reference[1:].split("/")):
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else None

    def _value(self, key: str, value: object, inside: tuple[str, ...]) -> object:
        if key in _MAPS and isinstance(value, dict):
            return {name: self._inner(each, inside) for name, each in value.items()}
        if key in _LISTS and isinstance(value, list):
            return [self._inner(each, inside) for each in value]
        return self._inner(value, inside) if key in _SINGLE else value

    def _inner(self, value: object, inside: tuple[str, ...]) -> object:
        return self._object(value, inside) if isinstance(value, dict) else value

    def _tell(self, written: dict[str, Any], told: dict[str, Any]) -> None:
        if not told or self._removed is None:
            return
        self._removed.update(told)
        words = ", ".join(f"{key}: {_encode(value).decode()}" for key, value in told.items())
        before = written.get("description")
        written["description"] = f"{before} ({words})" if before else f"({words})"


def _split_types(written: dict[str, Any]) -> None:
    """Write `null` beside several other types as alternatives; a single one beside it is known."""
    types = written.get("type")
    if not isinstance(types, list) or "anyOf" in written:
        return
    others = [each for each in types if each != "null"]
    if len(others) <= 1:
        return
    del written["type"]
    written["anyOf"] = [{"type": each} for each in types]
