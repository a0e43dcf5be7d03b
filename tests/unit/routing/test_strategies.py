"""A weighted choice is recorded so that it can be made again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.records import Candidate, Exclusion
from pointsman.routing.strategies import draw_first, pick

WEIGHTS = st.lists(st.floats(0, 1e6), min_size=1, max_size=6)


def _candidates(eligible: list[bool]) -> list[Candidate]:
    return [
        Candidate(
            target=f"t{index}",
            provider="p",
            model="m",
            eligible=may,
            excluded_by=None if may else Exclusion("health", "target_down", "down", "degraded"),
        )
        for index, may in enumerate(eligible)
    ]


@given(WEIGHTS, st.data(), st.floats(0, 1, exclude_max=True))
def test_the_draw_can_be_made_again_from_the_record(weights, data, value):
    """Weights and value give the choice; the choice is eligible; the shares sum to 1."""
    eligible = data.draw(st.lists(st.booleans(), min_size=len(weights), max_size=len(weights)))
    candidates = _candidates(eligible)

    draw = draw_first(candidates, tuple(weights), lambda: value)

    usable = sum(weight for weight, may in zip(weights, eligible, strict=True) if may)
    if usable <= 0:
        assert draw is None
    else:
        assert draw.chosen == pick(draw.weights, draw.value) == candidates[0].target
        assert candidates[0].eligible
        assert draw.weights[draw.chosen] > 0
        assert sum(draw.weights.values()) == pytest.approx(1)
    assert [item.eligible for item in candidates] == sorted(eligible, reverse=True)


@pytest.mark.parametrize(
    ("value", "chosen"), [(0.0, "a"), (0.499, "a"), (0.5, "c"), (0.999999, "c")]
)
def test_each_share_is_a_half_open_interval(value, chosen):
    """A share of 0 is never picked, at no boundary."""
    assert pick({"a": 0.5, "b": 0.0, "c": 0.5, "d": 0.0}, value) == chosen


def test_rounding_leaves_nobody_without_a_target():
    """Ten tenths are a little less than one."""
    shares = {**{f"t{index}": 0.1 for index in range(10)}, "never": 0.0}

    assert pick(shares, 0.9999999999999999) == "t9"


def test_the_others_follow_by_share_and_ties_by_file_order():
    """Explicit, so that the same configuration gives the same failover."""
    candidates = _candidates([True, True, False, True, True])

    draw_first(candidates, (1, 2, 9, 2, 5), lambda: 0.0)

    assert [item.target for item in candidates] == ["t0", "t4", "t1", "t3", "t2"]
    assert candidates[1].score == {"share": 0.5}
    assert candidates[-1].score == {}


def test_only_targets_of_weight_zero_left_are_failover_without_a_draw():
    """Better a target that gets no share than none."""
    candidates = _candidates([False, True, True])

    assert draw_first(candidates, (1, 0, 0), lambda: 0.0) is None
    assert [item.target for item in candidates] == ["t1", "t2", "t0"]
