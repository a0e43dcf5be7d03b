"""What a field expects, in words, for messages and for the reference page."""

from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from msgspec import Meta, Struct

from pointsman.config.section import Duration, Secret

_SCALARS: dict[object, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Duration: "a duration above zero such as 2s or 500ms",
    Secret: "text, at best `${VARIABLE}`",
    object: "a condition",
}


def expectation(kind: object) -> str:
    """Describe the values that a field of type `kind` takes; `None` is not mentioned."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        words = _any_of(arguments)
    elif origin is Annotated:
        words = expectation(arguments[0]) + "".join(map(_bounds, arguments[1:]))
    elif origin is Literal:
        words = f"one of {', '.join(arguments)}"
    elif origin is dict:
        words = f"a mapping of names to {_plural(arguments[1])}"
    elif origin in (list, tuple):
        words = f"a list of {_plural(arguments[0])}"
    elif isinstance(kind, type) and issubclass(kind, Struct):
        words = "a mapping"
    else:
        words = _SCALARS[kind]
    return words


def _any_of(members: tuple[object, ...]) -> str:
    present = [one for one in members if one is not type(None)]
    if {int, float} <= set(present):
        present.remove(int)
    return " or ".join(expectation(one) for one in present)


def _plural(kind: object) -> str:
    words = expectation(kind)
    return {"text": "texts", "a number": "numbers", "a mapping": "mappings"}.get(words, words)


def _bounds(meta: object) -> str:
    if not isinstance(meta, Meta):
        return ""
    if meta.ge is not None and meta.le is not None:
        return f" from {meta.ge} to {meta.le}"
    return f" of at least {meta.ge}" if meta.ge is not None else ""


def duration_text(seconds: float) -> str:
    """Return a duration as it would be written: `500ms`, `2s`, `1m`, `1h`."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"


def condition_text(raw: object) -> str:
    """Return a condition on one line: `chars <= 1000 and tier is enterprise`."""
    if isinstance(raw, dict) and "operator" in raw:
        return f"{raw.get('field')} {raw['operator']} {raw.get('value', '')}".rstrip()
    if isinstance(raw, dict):
        return " and ".join(_entry_text(str(key), value) for key, value in raw.items())
    return str(raw).lower() if isinstance(raw, bool) else str(raw)


def _entry_text(key: str, value: object) -> str:
    if key.upper() in ("AND", "OR") and isinstance(value, list):
        return f"({f' {key.lower()} '.join(condition_text(part) for part in value)})"
    if key.upper() == "NOT":
        return f"not ({condition_text(value)})"
    if isinstance(value, list):
        return f"{key} is {', '.join(str(one) for one in value)}"
    if isinstance(value, dict):
        return " and ".join(_entry_text(f"{key}.{name}", one) for name, one in value.items())
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"{key} {text}" if text.startswith(("<", ">", "=", "!")) else f"{key} is {text}"
