"""Whom a request is given to that a provider found too long."""

import pytest

from pointsman.core.records import Exclusion
from pointsman.core.target import Target
from pointsman.resilience.larger_context import not_larger


def target(tokens: int | None) -> Target:
    return Target(name="t", provider="p", model="m", context_tokens=tokens)


@pytest.mark.parametrize(
    ("tokens", "refused", "expected"),
    [
        (128_000, [8_000], None),
        (8_000, [8_000], Exclusion("context", "not_larger", 8_000, 8_000)),
        (32_000, [8_000, 128_000], Exclusion("context", "not_larger", 32_000, 128_000)),
        (None, [8_000], Exclusion("context", "not_larger", "unknown", 8_000)),
        (8_000, [None], None),
        (None, [None], Exclusion("context", "not_larger", "unknown", "unknown")),
        (None, [], None),
    ],
)
def test_only_a_context_that_is_known_to_be_larger_is_asked(tokens, refused, expected):
    """A refusal of the request moves on only where another answer can be hoped for."""
    assert not_larger(target(tokens), [target(each) for each in refused]) == expected
