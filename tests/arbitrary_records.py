"""Any record that its types allow, for tests that must hold for all of them."""

import types
import typing

import msgspec
from hypothesis import strategies as st

from pointsman.core.records import (
    CallRecord,
    Evaluated,
)

LETTERS = "abcdefghijklmno .:_-\x1b\n\u009b{}é"
"""No digits, so that every digit in a telling comes from a number; control characters too."""
WORDS = [
    "success", "failure", "refused", "client_left", "gateway_crashed", "preview", "retry",
    "failover", "first", "timeout", "health", "context", "too_long", "provider_down", "AND", "NOT",
    "glob", "present", "header", "provider_failover", "not_routed", "route_request", "done",
    "spend_nano_usd_day", "rule", "a: scope_missing",
]  # fmt: skip
texts = st.text(LETTERS, max_size=12) | st.sampled_from(WORDS)
SIMPLE: dict[object, st.SearchStrategy] = {
    str: texts,
    int: st.integers(-5, 10**15) | st.integers(-(2**63), 2**63 - 1),
    float: st.floats(),
    bool: st.booleans(),
    type(None): st.none(),
}


def strategy_for(kind: object, depth: int = 0) -> st.SearchStrategy:
    """Return a strategy for a type as it stands in the record's fields."""
    if kind in SIMPLE:
        return SIMPLE[kind]
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([strategy_for(arg, depth) for arg in args])
    if origin is list:
        if args[0] is Evaluated and depth > 2:
            return st.just([])
        return st.lists(strategy_for(args[0], depth + 1), max_size=3)
    if origin is dict:
        return st.dictionaries(texts, strategy_for(args[1], depth), max_size=3)
    return struct(kind, depth)


def struct(kind: type, depth: int = 0) -> st.SearchStrategy:
    """Return a strategy for a struct: required fields always, the others now and then."""
    required, optional = {}, {}
    hints = typing.get_type_hints(kind)
    for each in msgspec.structs.fields(kind):
        place = required if each.required else optional
        place[each.name] = strategy_for(hints[each.name], depth)
    return st.fixed_dictionaries(required, optional=optional).map(lambda values: kind(**values))


records: st.SearchStrategy[CallRecord] = struct(CallRecord)


def numbers_in(value: object) -> typing.Iterator[float]:
    """Yield every number that a record holds."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from numbers_in(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from numbers_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from numbers_in(item)
