"""What is allowed and probably not meant."""

import pytest

from pointsman.core.conditions import REQUEST_FIELDS, compile_condition, unreachable_rules


def _warnings(raw: object) -> tuple[str, ...]:
    return compile_condition(raw, REQUEST_FIELDS, "when").warnings


def test_a_glob_that_catches_a_sibling_model_is_pointed_out():
    """A-04: `gpt-4*` also catches gpt-4o."""
    (warning,) = _warnings({"model": "gpt-4*"})

    assert "gpt-4o" in warning
    assert warning.startswith("when.model:")


@pytest.mark.parametrize("pattern", ["claude-*", "gpt-4-*", "*", "*gpt", "gpt-4"])
def test_other_globs_are_not(pattern):
    """A separator before the star says what is meant."""
    assert _warnings({"model": pattern}) == ()


@pytest.mark.parametrize(
    "raw", [{"AND": []}, {"OR": []}, {}, {"tags": []}, {"tags": {}}, {"NOT": {"OR": []}}]
)
def test_empty_connectors_are_pointed_out(raw):
    """A-03."""
    (warning,) = _warnings(raw)

    assert "empty" in warning


def _unreachable(*rules: object) -> list[tuple[int, int]]:
    return unreachable_rules(
        [None if raw is None else compile_condition(raw, REQUEST_FIELDS, "when") for raw in rules]
    )


@pytest.mark.parametrize("always", [None, True, {"AND": []}, {"NOT": False}, {"OR": [True]}])
def test_rules_after_one_that_always_matches_are_unreachable(always):
    """A-50."""
    assert _unreachable({"stream": True}, always, {"tier": "x"}, None) == [(2, 1), (3, 1)]


def test_a_rule_behind_a_broader_one_is_unreachable():
    """A-50: all that the earlier asks for, the later asks for too."""
    assert _unreachable({"stream": True}, {"tier": "x", "AND": [{"stream": True}]}) == [(1, 0)]
    assert _unreachable({"OR": [{"tier": "a"}, {"tier": "b"}]}, {"tier": "c"}) == []
    assert _unreachable({"OR": [{"tier": "a"}, False]}, {"any": [False, {"plan": "a"}]}) == [(1, 0)]


def test_rules_that_can_be_reached_are_left_alone():
    """Disabled rules hide nothing and are not reported."""
    assert _unreachable(False, {"stream": True}, False, {"stream": False}, None) == []
    assert _unreachable({"stream": True, "tier": "x"}, {"stream": True}) == []
    assert _unreachable({"tags.a": "1"}, {"tags.a": 1}) == []


@pytest.mark.parametrize(
    ("raw", "constant"),
    [
        (True, True),
        ({"NOT": True}, False),
        ({"AND": [True, False]}, False),
        ({"AND": [False, {"stream": True}]}, False),
        ({"OR": [True, {"stream": True}]}, True),
        ({"OR": [False]}, False),
        ({"OR": [False, {"stream": True}]}, None),
        ({"AND": [True, {"stream": True}]}, None),
        ({"NOT": {"stream": True}}, None),
    ],
)
def test_a_condition_knows_whether_facts_can_change_it(raw, constant):
    """What the order of rules is judged by."""
    assert compile_condition(raw, REQUEST_FIELDS, "when").constant() is constant
