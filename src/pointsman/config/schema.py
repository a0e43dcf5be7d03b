"""The JSON Schema of a configuration file, for editors.

Made from the section structs by the same types that the decoder follows. Every value may also be
written as `${VARIABLE}`. What sections mean together is not in it: `pointsman check` knows that.
"""

from types import UnionType
from typing import Annotated, Literal, TypeAlias, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Meta, Struct

from pointsman.config.field_docs import field_docs
from pointsman.config.root import Config
from pointsman.config.section import Duration, Secret
from pointsman.config.words import duration_text

Schema: TypeAlias = dict[str, object]

_VARIABLE: Schema = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}"}
_DURATION: Schema = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*(ms|s|m|h|d)?\s*$"},
        _VARIABLE,
    ]
}
_SCALARS: dict[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Secret: {"type": "string"},
    Duration: _DURATION,
    object: {"type": ["object", "boolean"]},
}


def json_schema() -> bytes:
    """Return the schema as indented JSON (draft 2020-12)."""
    definitions: dict[str, Schema] = {}
    _struct(Config, definitions)
    root = definitions.pop("Config")
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pointsman configuration",
        **root,
        "$defs": definitions,
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=2)


def _struct(cls: type[Struct], definitions: dict[str, Schema]) -> Schema:
    if cls.__name__ not in definitions:
        definitions[cls.__name__] = {}
        docs = field_docs(cls)
        properties: dict[str, Schema] = {}
        required = []
        for one in msgspec.structs.fields(cls):
            properties[one.encode_name] = {
                **_schema(one.type, definitions),
                "description": docs[one.name],
                **_default(one.default),
            }
            if one.required:
                required.append(one.encode_name)
        definitions[cls.__name__] = {
            "description": (cls.__doc__ or "").partition("\n")[0],
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{cls.__name__}"}


def _schema(kind: object, definitions: dict[str, Schema]) -> Schema:
    origin, arguments = get_origin(kind), get_args(kind)
    schema: Schema
    if origin in (Union, UnionType):
        schema = {"anyOf": [_schema(member, definitions) for member in arguments]}
    elif origin is Annotated:
        schema = _or_variable({**_SCALARS[arguments[0]], **_bounds(arguments[1])})
    elif origin is Literal:
        schema = _or_variable({"enum": list(arguments)})
    elif origin is dict:
        values = _schema(arguments[1], definitions)
        schema = {"type": "object", "additionalProperties": values}
    elif origin in (list, tuple):
        schema = {"type": "array", "items": _schema(arguments[0], definitions)}
    elif isinstance(kind, type) and issubclass(kind, Struct):
        schema = _struct(kind, definitions)
    elif kind in (int, float, bool):
        schema = _or_variable(_SCALARS[kind])
    else:
        schema = _SCALARS[kind]
    return schema


def _or_variable(schema: Schema) -> Schema:
    return {"anyOf": [schema, _VARIABLE]}


def _bounds(meta: object) -> Schema:
    if not isinstance(meta, Meta):
        return {}
    bounds = {"minimum": meta.ge, "maximum": meta.le}
    return {name: value for name, value in bounds.items() if value is not None}


def _default(value: object) -> Schema:
    """Return the default of a simple field; those of sections stand in their own fields."""
    if isinstance(value, Duration):
        return {"default": duration_text(value)}
    if value is NODEFAULT or value is None or isinstance(value, Struct):
        return {}
    return {"default": value}
