"""The base of every configuration section, and the value types that sections share."""

import re
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*\Z")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

Positive: TypeAlias = Annotated[int, Meta(ge=1)]
"""A size or count that cannot be zero."""


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping in the configuration; unknown keys are errors.

    Subclasses repeat `frozen=True, kw_only=True, forbid_unknown_fields=True` as msgspec asks.
    """


class Duration(float):
    """Seconds, written as `2s`, `500ms`, `1m`, `1h`, `7d` or a plain number of seconds."""

    __slots__ = ()

    @classmethod
    def parse(cls, value: object) -> "Duration":
        """Read a duration.

        Raises:
            ValueError: It is not a number with one of the units above.
        """
        is_scalar = isinstance(value, (int, float, str)) and not isinstance(value, bool)
        match = _DURATION.match(str(value)) if is_scalar else None
        if match is None:
            raise ValueError(f"expected a duration such as 2s or 500ms, got {value!r}")
        return cls(float(match[1]) * _UNIT_S[match[2] or "s"])


class Secret:
    """A secret from the configuration: it never shows itself."""

    __slots__ = ("_value", "alias")

    def __init__(self, value: str, alias: str) -> None:
        self._value = value
        self.alias = alias
        """What may be shown: the variable it came from, or its last four characters."""

    def reveal(self) -> str:
        """Return the secret itself, for the one place that sends or hashes it."""
        return self._value

    def __repr__(self) -> str:
        """Return the alias only."""
        return f"Secret({self.alias})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        """Compare by value, for reloads that ask whether anything changed."""
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        """Hash by value."""
        return hash(self._value)
