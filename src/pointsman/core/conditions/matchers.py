"""Matchers: what one field is compared with, as the operator, the expected value and a test.

Knows values, not fields or paths. A test never raises, and is false for a missing value, `!=`
included (A-08). Numbers and text compare after numeric coercion; true and false equal only
themselves (A-09).
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, isnan

from pointsman.core.conditions.glob import compile_glob

Number = int | float
Test = Callable[[object], bool]

COMPARISON = re.compile(
    r"\s*(?P<op>>=|<=|==|!=|>|<)\s*(?P<number>-?[0-9]+(?:\.[0-9]+)?)"
    r"(?:/(?P<per>s|sec|second|min|minute|h|hour|d|day))?\s*\Z"
)
STARTS_WITH_OPERATOR = re.compile(r"\s*(?:>=|<=|==|!=|>|<)")
PER_HOUR = {
    **dict.fromkeys(("s", "sec", "second"), 3600),
    **dict.fromkeys(("min", "minute"), 60),
    **dict.fromkeys(("h", "hour"), 1),
    **dict.fromkeys(("d", "day"), 1 / 24),
}
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?\Z")
_LONGEST_NUMBER = 40
_FALSE_TEXTS = frozenset({"", "false", "0"})
_ORDER: dict[str, Callable[[Number, Number], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Matcher:
    """One comparison with a fixed value."""

    op: str
    """`==`, `!=`, `<`, `<=`, `>`, `>=`, `glob`, `contains` or `present`."""
    expected: str | int | float | bool | None
    test: Test


def is_missing(value: object) -> bool:
    """Tell whether a value counts as missing: None, or not a number (A-08)."""
    return value is None or (isinstance(value, float) and isnan(value))


def to_number(value: object) -> Number | None:
    """Return a number for a number, or for text that is one in decimal notation; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else None
    if not isinstance(value, str) or len(value) > _LONGEST_NUMBER or not _NUMBER.match(value):
        return None
    return float(value) if "." in value else int(value)


def equals_text(expected: str) -> Matcher:
    """Match exactly this text; a typed number equals the text that is the same number."""
    number = to_number(expected)

    def test(actual: object) -> bool:
        if isinstance(actual, str) or number is None:
            return actual == expected
        return to_number(actual) == number

    return Matcher("==", expected, test)


def differs_from_text(expected: str) -> Matcher:
    """Match any value but this text; a missing value does not match."""
    same = equals_text(expected).test
    return Matcher("!=", expected, lambda actual: not is_missing(actual) and not same(actual))


def glob(pattern: str) -> Matcher:
    """Match text by a glob; never a number."""
    matches = compile_glob(pattern)
    return Matcher("glob", pattern, lambda actual: isinstance(actual, str) and matches(actual))


def contains(part: str) -> Matcher:
    """Match text that holds this text."""
    return Matcher("contains", part, lambda actual: isinstance(actual, str) and part in actual)


def compare(op: str, expected: Number) -> Matcher:
    """Match a number, or text that is one, by its order to `expected`."""
    holds = _ORDER[op]

    def test(actual: object) -> bool:
        number = actual if type(actual) is int else to_number(actual)
        return number is not None and holds(number, expected)

    return Matcher(op, expected, test)


def equals_boolean(expected: bool) -> Matcher:
    """Match exactly true or false."""
    return Matcher("==", expected, lambda actual: actual is expected)


def differs_from_boolean(expected: bool) -> Matcher:
    """Match the other of true and false; a missing value does not match."""
    return Matcher("!=", expected, lambda actual: actual is (not expected))


def present() -> Matcher:
    """Match any value but a missing one, false, `false`, `0` and empty text (A-16)."""
    return Matcher("present", None, _is_truthy)


def _is_truthy(actual: object) -> bool:
    if isinstance(actual, str):
        return actual.lower() not in _FALSE_TEXTS
    return not is_missing(actual) and bool(actual)
