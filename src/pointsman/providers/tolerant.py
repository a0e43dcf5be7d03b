"""Reading JSON objects whose fields may have other types than documented.

Some servers answer text in parts, ids as numbers or usage in an own form. Each field that does not
fit is read one level deeper, and left at its default when that does not help. Knows no schema.
"""

from typing import TypeVar, get_args, get_origin

import msgspec
from msgspec import Raw, Struct, structs

from pointsman.wire.malformed import MALFORMED

T = TypeVar("T", bound=Struct)

_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode


def decode_tolerantly(payload: bytes, shape: type[T]) -> T | None:
    """Decode what can be decoded; every field of `shape` must have a default.

    Returns:
        None when the payload is not a JSON object.
    """
    try:
        fields = _decode_fields(payload)
    except MALFORMED:
        return None
    return _fill(fields, shape)


def _fill(fields: dict[str, Raw], shape: type[T]) -> T:
    known: dict[str, object] = {}
    for field in structs.fields(shape):
        raw = fields.get(field.encode_name)
        if raw is None:
            continue
        try:
            known[field.name] = msgspec.json.decode(raw, type=field.type)
        except MALFORMED:
            value = _fill_inner(raw, field.type)
            if value is not None:
                known[field.name] = value
    return shape(**known)


def _fill_inner(raw: Raw, declared: object) -> object:
    """Read a struct, or a list of them, field by field; None when there is none inside."""
    inner = _struct_in(declared)
    if inner is None:
        return None
    try:
        if bytes(raw).startswith(b"["):
            if not _is_list(declared):
                return None
            items = msgspec.json.decode(raw, type=list[dict[str, Raw]])
            return [_fill(fields, inner) for fields in items]
        if not _is_object(declared):
            return None
        return _fill(_decode_fields(raw), inner)
    except MALFORMED:
        return None


def _is_list(declared: object) -> bool:
    """Tell whether a type such as `list[X] | None` has lists at all."""
    return list in (declared, get_origin(declared)) or any(map(_is_list, get_args(declared)))


def _is_object(declared: object) -> bool:
    """Tell whether a type such as `X | None` has structs outside of lists."""
    if isinstance(declared, type) and issubclass(declared, Struct):
        return True
    return get_origin(declared) is not list and any(map(_is_object, get_args(declared)))


def _struct_in(declared: object) -> type[Struct] | None:
    """Return the struct that a type such as `list[X] | None` is about."""
    if isinstance(declared, type) and issubclass(declared, Struct):
        return declared
    return next(filter(None, map(_struct_in, get_args(declared))), None)
