"""From a written value to a matcher, by the type of the field it stands beside.

Owns the rulings on what a text means (A-04, A-06, A-07): a comparison, a glob or itself. Everything
that cannot mean anything for the field's type is refused here, while the configuration is loaded.
"""

from math import isfinite

from pointsman.core.conditions import matchers
from pointsman.core.conditions.catalogue import F, Field, FieldType
from pointsman.core.conditions.glob import MAX_GLOB_CHARACTERS, is_glob
from pointsman.core.conditions.matchers import Matcher
from pointsman.core.conditions.problem import ConditionError

MAX_TEXT_CHARACTERS = 1024
COMPARISON_HINT = "comparisons are written like '> 1000' or '!= 3', with a number"


def matcher_for(field: Field[F], value: object, path: str) -> Matcher:
    """Return the matcher for a scalar written beside `field`.

    Raises:
        ConditionError: The value does not fit the field.
    """
    if field.type is FieldType.MAP:
        hint = f"write {field.name}: [name] or {field.name}: {{name: value}}"
        raise ConditionError(f"`{field.name}` is {field.type}, got {value!r}", path, hint)

    if isinstance(value, bool):
        return _boolean(field, value, path)
    if isinstance(value, int | float):
        return _number(field, value, path)
    if isinstance(value, str):
        return _text(field, value, path)
    raise ConditionError(f"`{field.name}` cannot be compared with {value!r}", path)


def _boolean(field: Field[F], value: bool, path: str) -> Matcher:
    if field.type is FieldType.BOOLEAN:
        return matchers.equals_boolean(value)
    if field.is_member and not field.choices:
        # Metadata arrives as text, and true is written `true` in it (GB-03: the single boolean).
        return matchers.equals_text("true" if value else "false")
    raise ConditionError(f"`{field.name}` is {field.type}, got {str(value).lower()}", path)


def _number(field: Field[F], value: float, path: str) -> Matcher:
    if field.type is FieldType.BOOLEAN or field.choices:
        raise ConditionError(_misfit(field, value), path)
    if not isfinite(value):
        raise ConditionError(f"{value!r} is not a number that can be compared", path)
    return matchers.compare("==", value)


def _text(field: Field[F], value: str, path: str) -> Matcher:
    if len(value) > MAX_TEXT_CHARACTERS:
        raise ConditionError(f"the text is longer than {MAX_TEXT_CHARACTERS} characters", path)
    if matchers.STARTS_WITH_OPERATOR.match(value):
        return _comparison(field, value, path)

    if field.type is FieldType.BOOLEAN:
        raise ConditionError(
            _misfit(field, value), path, "true and false are written without quotes"
        )
    if field.type is FieldType.NUMBER:
        return _number_text(field, value, path)
    return _glob(value, path) if is_glob(value) else _literal(field, value, path)


def _comparison(field: Field[F], value: str, path: str) -> Matcher:
    match = matchers.COMPARISON.match(value)
    number = matchers.to_number(match["number"]) if match is not None else None
    if match is None or number is None:
        raise ConditionError(
            f"{value!r} starts like a comparison and is none", path, _comparison_hint(field)
        )
    if field.type is FieldType.BOOLEAN or field.choices:
        raise ConditionError(_misfit(field, value), path)

    per = match["per"]
    if per is None:
        return matchers.compare(match["op"], number)
    if not field.allows_rate:
        raise ConditionError(
            f"`{field.name}` is not counted over time, so {value!r} means nothing", path
        )
    return matchers.compare(match["op"], number * matchers.PER_HOUR[per])


def _comparison_hint(field: Field[F]) -> str:
    if field.type is FieldType.TEXT:
        return f"{COMPARISON_HINT}; for text write NOT: {{{field.name}: value}}"
    return COMPARISON_HINT


def _number_text(field: Field[F], value: str, path: str) -> Matcher:
    number = matchers.to_number(value)
    if number is None:
        raise ConditionError(
            _misfit(field, value), path, f"numbers have no globs; {COMPARISON_HINT}"
        )
    return matchers.compare("==", number)


def _glob(value: str, path: str) -> Matcher:
    if len(value) > MAX_GLOB_CHARACTERS:
        raise ConditionError(f"the glob is longer than {MAX_GLOB_CHARACTERS} characters", path)
    return matchers.glob(value)


def _literal(field: Field[F], value: str, path: str) -> Matcher:
    if field.choices and value not in field.choices:
        raise ConditionError(
            f"`{field.name}` is never {value!r}", path, f"one of {', '.join(field.choices)}"
        )
    return matchers.equals_text(value)


def _misfit(field: Field[F], value: object) -> str:
    kind = f"one of {', '.join(field.choices)}" if field.choices else str(field.type)
    return f"`{field.name}` is {kind}, got {value!r}"
