"""Terms as rows hold them, and what changed between two of them, for the audit."""

from collections.abc import Mapping

import msgspec

from pointsman.config.policy import PlanConfig
from pointsman.core.errors import InvalidRequestError

MAX_TERMS_BYTES = 32_768
"""Of the terms of one plan or tenant: every gateway holds all of them."""


def terms_row(terms: PlanConfig) -> dict[str, object]:
    """Return what is written of terms: what they say, without what they leave open."""
    empty = msgspec.to_builtins(PlanConfig())
    written = msgspec.to_builtins(terms)
    return {name: value for name, value in written.items() if value != empty[name]}


def terms_of(row: Mapping[str, object]) -> PlanConfig:
    """Return terms from a row.

    Raises:
        InvalidRequestError: They are not terms, or too long.
    """
    if len(msgspec.json.encode(row)) > MAX_TERMS_BYTES:
        raise InvalidRequestError(f"terms have at most {MAX_TERMS_BYTES} bytes")
    try:
        return msgspec.convert(row, PlanConfig)
    except msgspec.ValidationError as error:
        raise InvalidRequestError(f"these are no terms: {error}") from None


def merged(row: Mapping[str, object], change: Mapping[str, object]) -> PlanConfig:
    """Return terms with some fields replaced, and those that are None taken away.

    Raises:
        InvalidRequestError: The result is none.
    """
    replaced = {name: value for name, value in {**row, **change}.items() if value is not None}
    return terms_of(replaced)


def differences(
    before: Mapping[str, object], after: Mapping[str, object]
) -> dict[str, dict[str, object]]:
    """Return field -> `from` and `to`, of the fields that are not the same."""
    return {
        name: {"from": before.get(name), "to": after.get(name)}
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    }
