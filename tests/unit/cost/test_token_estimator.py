"""Tokens of texts that nobody counted, by what was counted before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.usage import Usage
from pointsman.cost.token_estimator import MAX_MODELS, TokenEstimator


def taught(characters: int, tokens: int, times: int = 100) -> TokenEstimator:
    estimator = TokenEstimator()
    usage = Usage(input_tokens=tokens, output_tokens=tokens)
    for _ in range(times):
        estimator.observe("m", characters, characters, usage)
    return estimator


def test_an_unknown_model_has_four_characters_a_token():
    """The estimate is rounded up, so that a hold is not too small."""
    estimator = TokenEstimator()

    assert (estimator.input_tokens("m", 9), estimator.output_tokens("m", 0)) == (3, 0)


def test_a_model_is_estimated_by_what_it_reported():
    """AC-13: after some dozens of calls at one character a token, a thousand are a thousand."""
    estimator = taught(1000, 1000)

    assert estimator.input_tokens("m", 1000) == pytest.approx(1000, rel=0.03)
    assert estimator.output_tokens("m", 1000) == pytest.approx(1000, rel=0.03)
    assert estimator.input_tokens("other", 1000) == 250


@pytest.mark.parametrize(
    ("characters", "usage"),
    [
        (100, Usage(input_tokens=100)),
        (1000, Usage(input_tokens=1000, estimated=True)),
        (1000, Usage(input_tokens=5)),
        (1000, Usage(input_tokens=100_000)),
        (1000, Usage()),
    ],
)
def test_what_says_nothing_teaches_nothing(characters: int, usage: Usage):
    """Short texts, estimates, and counts that cannot be those of this text, such as of images."""
    estimator = TokenEstimator()
    for _ in range(100):
        estimator.observe("m", characters, 0, usage)

    assert estimator.input_tokens("m", 1000) == 250


@given(st.integers(200, 10**6), st.integers(0, 10**6), st.integers(0, 10**9))
def test_an_estimate_is_never_absurd(characters: int, tokens: int, asked: int):
    """Between an eighth of the characters and twice of them, whatever was reported."""
    estimator = taught(characters, tokens, times=3)

    assert asked / 8 <= estimator.input_tokens("m", asked) <= 2 * asked + 1


def test_models_are_bounded():
    """Callers may name models at will."""
    estimator = TokenEstimator()
    for number in range(MAX_MODELS + 5):
        estimator.observe(f"m{number}", 1000, 0, Usage(input_tokens=500))

    assert len(estimator.ratios()) == MAX_MODELS
    assert "m0" not in estimator.ratios()
