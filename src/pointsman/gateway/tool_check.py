"""Tool calls of answers, compared with what the request declared.

Judges and records; whether a bad call is passed on, flagged or asked for again is decided by
`gateway/tool_calls.py`. Schemas come from callers: they are compiled once each, cannot reach
another document, and their patterns run in linear time. Arguments never leave this module.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import NoReturn

import jsonschema_rs
import msgspec
from msgspec import Raw

from pointsman.core.canonical.conversation import Conversation, Tool
from pointsman.core.canonical.parts import ToolCallPart
from pointsman.core.records import ToolCallCheck
from pointsman.gateway.schema_cost import SchemaCost, cost_of
from pointsman.wire.malformed import MALFORMED

OK = "ok"
MAX_VALIDATORS = 512
MAX_SCHEMA_BYTES = 65_536
"""A longer one is compared with nothing: compiled ones are kept, and take many times that."""
MAX_VIOLATIONS = 8
MAX_NAME_CHARACTERS = 64
_OPEN_KEYWORDS = frozenset({"additionalProperties", "patternProperties", "unevaluatedProperties"})
_COMBINING = frozenset({"$ref", "allOf", "anyOf", "oneOf", "if"})
_decode = msgspec.json.Decoder().decode
_decode_object = msgspec.json.Decoder(dict[str, object]).decode


class ToolChecker:
    """Compares tool calls with declared schemas; keeps the compiled schemas."""

    def __init__(self) -> None:
        self._schemas: OrderedDict[bytes, _Schema] = OrderedDict()

    def check(
        self, conversation: Conversation, calls: Sequence[ToolCallPart]
    ) -> list[ToolCallCheck]:
        """Return one check per call; a single `missing_call` when one was asked for in vain."""
        choice = conversation.tool_choice
        if not calls:
            if choice is None or choice.mode not in ("required", "named"):
                return []
            return [ToolCallCheck(_short(choice.name or ""), "missing_call")]
        tools = {tool.name: tool for tool in conversation.tools}
        wanted = choice.name if choice is not None and choice.mode == "named" else None
        return [self._check(call, tools, wanted) for call in calls]

    def breaks(self, schema: Raw, value: object) -> bool:
        """Tell whether a value breaks a schema; one that cannot be compiled is broken by none."""
        return self._schema(schema).is_broken_by(value)

    def _check(
        self, call: ToolCallPart, tools: Mapping[str, Tool], wanted: str | None
    ) -> ToolCallCheck:
        name = _short(call.name)
        tool = tools.get(call.name)
        if tool is None:
            return ToolCallCheck(name, "unknown_tool")
        if wanted is not None and call.name != wanted:
            return ToolCallCheck(name, "wrong_tool")
        try:
            # A call without arguments is written as no text at all by some models.
            arguments = _decode(call.arguments or "{}")
        except MALFORMED:
            return ToolCallCheck(name, "malformed_arguments")
        if not isinstance(arguments, dict):
            return ToolCallCheck(name, "malformed_arguments")
        if tool.schema is None:
            return ToolCallCheck(name, OK)
        return self._schema(tool.schema).check(name, arguments)

    def _schema(self, raw: Raw) -> "_Schema":
        key = bytes(raw)
        if len(key) > MAX_SCHEMA_BYTES:
            return _Schema(b"")
        schema = self._schemas.get(key)
        if schema is None:
            if len(self._schemas) >= MAX_VALIDATORS:
                self._schemas.popitem(last=False)
            schema = self._schemas[key] = _Schema(key)
        else:
            self._schemas.move_to_end(key)
        return schema


class _Schema:
    """One declared schema, compiled; one that cannot be compiled finds no fault."""

    __slots__ = ("_cost", "_names", "_validator")

    def __init__(self, raw: bytes) -> None:
        self._names: frozenset[str] | None = None
        self._validator: jsonschema_rs.Validator | None = None
        self._cost: SchemaCost | None = None
        try:
            schema = _decode_object(raw)
            if b"$" in raw or b"\\" in raw:  # else it can refer to nothing
                self._cost = cost_of(schema)
                if self._cost is None:
                    return
            self._validator = jsonschema_rs.validator_for(
                schema, retriever=_nowhere, pattern_options=jsonschema_rs.RegexOptions()
            )
        except (*MALFORMED, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
            return
        self._names = _closed_names(schema)

    def is_broken_by(self, value: object) -> bool:
        """Tell whether a value breaks the schema as JSON Schema says it."""
        validator = self._validator_for(value)
        return validator is not None and not validator.is_valid(value)

    def check(self, name: str, arguments: dict[str, object]) -> ToolCallCheck:
        """Compare arguments; what nobody declared counts as invented."""
        validator = self._validator_for(arguments)
        if validator is None:
            return ToolCallCheck(name, OK)
        found: list[tuple[str, str]] = []
        for error in validator.iter_errors(arguments):
            path = "/".join(str(step) for step in error.instance_path)
            keyword = str(error.schema_path[-1]) if error.schema_path else ""
            found.append((_short(path), keyword))
            if len(found) == MAX_VIOLATIONS:
                break
        invented = self._invented(arguments)
        if found and not (invented and {keyword for _, keyword in found} <= _OPEN_KEYWORDS):
            violations = [f"{path or 'arguments'}: {keyword}" for path, keyword in found]
            return ToolCallCheck(name, "schema_violation", violations)
        if invented:
            return ToolCallCheck(name, "invented_parameter", invented)
        return ToolCallCheck(name, OK)

    def _validator_for(self, value: object) -> jsonschema_rs.Validator | None:
        """Return what compares a value; None when nothing can, or it might take too long."""
        return self._validator if self._cost is None or self._cost.allows(value) else None

    def _invented(self, arguments: dict[str, object]) -> list[str]:
        if self._names is None:
            return []
        unknown = [_short(key) for key in arguments if key not in self._names]
        return unknown[:MAX_VIOLATIONS]


def _closed_names(schema: dict[str, object]) -> frozenset[str] | None:
    """Return the names of all parameters that there are; None when there may be others.

    A schema that only lists its properties means no others, whatever JSON Schema says: the model
    was told of these alone.
    """
    if not schema.keys().isdisjoint(_COMBINING):
        return None
    properties = schema.get("properties")
    is_open = any(schema.get(keyword) not in (None, False) for keyword in _OPEN_KEYWORDS)
    if not isinstance(properties, dict) or is_open:
        return None
    return frozenset(properties)


def _nowhere(uri: str) -> NoReturn:
    raise ValueError(f"a schema of a tool may not refer to {uri[:100]}")


def _short(text: str) -> str:
    return text[:MAX_NAME_CHARACTERS]
