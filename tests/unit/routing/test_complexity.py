"""Complexity is given by the caller, or computed by a stated rule."""

import pytest

from pointsman.core.facts import Facts
from pointsman.routing.complexity import complexity_of


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "low"),
        ({"estimated_input_tokens": 2000}, "low"),
        ({"estimated_input_tokens": 2001}, "high"),
        ({"tool_count": 4}, "low"),
        ({"tool_count": 5}, "high"),
        ({"message_count": 12}, "low"),
        ({"message_count": 13}, "high"),
        ({"json_schema": True}, "low"),
        ({"json_schema": True, "estimated_input_tokens": 1000}, "low"),
        ({"json_schema": True, "estimated_input_tokens": 1001}, "high"),
    ],
)
def test_the_rule_and_its_boundaries(facts, expected):
    """CP-15: computed when nobody says."""
    assert complexity_of(Facts(**facts)) == expected


def test_what_the_caller_says_wins():
    """Either way."""
    assert complexity_of(Facts(tags={"complexity": "high"})) == "high"
    assert complexity_of(Facts(tags={"complexity": "low"}, tool_count=50)) == "low"


def test_any_other_word_says_nothing():
    """A condition compares with `low` and `high` only."""
    assert complexity_of(Facts(tags={"complexity": "HUGE"})) == "low"
