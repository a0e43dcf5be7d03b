"""The dialect of rules made by program: `{field, operator, value}` under `all` and `any` (A-51).

Translates each entry into the same matchers as the written grammar. `eq` and `neq` are exact: a
star is a star here.
"""

from collections.abc import Callable, Mapping

from pointsman.core.conditions import matchers
from pointsman.core.conditions.catalogue import F, Field, FieldType
from pointsman.core.conditions.matchers import Matcher
from pointsman.core.conditions.problem import ConditionError
from pointsman.core.conditions.written import MAX_TEXT_CHARACTERS

_KEYS = frozenset({"field", "operator", "value"})
_ORDER = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_TEXT: dict[str, Callable[[str], Matcher]] = {
    "eq": matchers.equals_text,
    "neq": matchers.differs_from_text,
    "contains": matchers.contains,
}
OPERATORS = (*_TEXT, *_ORDER)


def is_api_entry(raw: Mapping[object, object]) -> bool:
    """Tell whether a map is one entry of this dialect."""
    return "field" in raw and "operator" in raw and raw.keys() <= _KEYS


def matcher_for_entry(field: Field[F], operator: object, value: object, path: str) -> Matcher:
    """Return the matcher for one entry.

    Raises:
        ConditionError: The operator is not known, or does not fit the field or the value.
    """
    if operator == "regex":
        raise ConditionError(
            "regular expressions are not supported", path, "use a glob: {model: 'gpt-4*'}"
        )
    if operator not in OPERATORS:
        raise ConditionError(
            f"unknown operator {operator!r}", path, f"one of {', '.join(OPERATORS)}"
        )

    if field.choices and value not in field.choices:
        hint = f"one of {', '.join(field.choices)}"
        raise ConditionError(f"`{field.name}` is never {value!r}", path, hint)

    found = _matcher(field, str(operator), value)
    if found is None:
        raise ConditionError(
            f"`{field.name}` is {field.type}: it cannot be {operator} {value!r}", path
        )
    return found


def _matcher(field: Field[F], operator: str, value: object) -> Matcher | None:
    if isinstance(value, bool):
        return _boolean_matcher(field, operator, value)
    if field.type in {FieldType.BOOLEAN, FieldType.MAP}:
        return None
    if operator in _ORDER or field.type is FieldType.NUMBER:
        return _number_matcher(operator, value)
    if not isinstance(value, str | int | float) or len(str(value)) > MAX_TEXT_CHARACTERS:
        return None
    return _TEXT[operator](str(value))


def _boolean_matcher(field: Field[F], operator: str, value: bool) -> Matcher | None:
    if operator not in {"eq", "neq"}:
        return None
    if field.is_member:
        return _TEXT[operator]("true" if value else "false")
    if field.type is not FieldType.BOOLEAN:
        return None
    make = matchers.equals_boolean if operator == "eq" else matchers.differs_from_boolean
    return make(value)


def _number_matcher(operator: str, value: object) -> Matcher | None:
    number = matchers.to_number(value)
    op = {"eq": "==", "neq": "!=", **_ORDER}.get(operator)
    return None if number is None or op is None else matchers.compare(op, number)
