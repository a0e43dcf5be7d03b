"""LO-02 to LO-04, LO-10: contexts that fit, prompts that are never cut, limits from the rate."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from pointsman.core.canonical.conversation import Conversation, Tool, Turn
from pointsman.core.canonical.parts import ImagePart, TextPart, ToolResultPart
from pointsman.core.target import LocalRun, Timeouts
from pointsman.core.usage import Usage
from pointsman.cost.token_estimator import TokenEstimator
from pointsman.providers.ollama.window import (
    TOKENS_PER_IMAGE,
    TooLongError,
    Window,
    choose_window,
    estimate_tokens,
    limits_for,
    measure,
    teaches,
    was_cut,
)

WINDOWS = LocalRun(windows=(4096, 16_384, 32_768))


def saying(text: str, **fields) -> Conversation:
    turns = [Turn("user", [TextPart(text)])]
    return Conversation(dialect="openai.chat", turns=turns, **fields)


def tokens_of(conversation: Conversation, estimator: TokenEstimator | None = None) -> int:
    learnt = partial((estimator or TokenEstimator()).input_tokens, "m")
    return estimate_tokens(measure(conversation), learnt)


def chosen(conversation: Conversation, local: LocalRun | None = WINDOWS) -> Window:
    return choose_window(tokens_of(conversation), conversation, local)


def having_read(size_bytes: int, tokens: int) -> TokenEstimator:
    """Return an estimator that has seen the same prompt a hundred times."""
    estimator = TokenEstimator()
    for _ in range(100):
        estimator.observe("m", size_bytes, 0, Usage(input_tokens=tokens))
    return estimator


@pytest.mark.parametrize(
    ("characters", "output_tokens", "size"),
    [
        (400, None, 4096),
        (400, 4000, 16_384),
        (12_000, None, 16_384),
        (60_000, None, 32_768),
        # The prompt fits; not all of the answer's room does.
        (100_000, 8000, 32_768),
    ],
)
def test_the_smallest_window_that_holds_prompt_and_answer_is_chosen(
    characters: int, output_tokens: int | None, size: int
):
    """LO-04: memory grows with the window."""
    conversation = saying("x" * characters, max_output_tokens=output_tokens)

    assert chosen(conversation).size == size


def test_a_prompt_that_fits_no_window_is_refused_with_both_values():
    """LO-02: never silently truncated."""
    with pytest.raises(TooLongError) as caught:
        chosen(saying("x" * 200_000))

    assert caught.value.largest == 32_768
    assert caught.value.prompt_tokens > 50_000


@pytest.mark.parametrize("local", [None, LocalRun(keep_alive="1h")])
def test_without_windows_the_choice_is_the_servers(local: LocalRun | None):
    """Nothing is known, so nothing is said."""
    assert chosen(saying("x" * 200_000), local).size is None


@given(st.text(max_size=2000), st.integers(1, 40_000))
def test_what_is_chosen_always_holds_the_prompt(text: str, output_tokens: int):
    """Whatever the text is made of."""
    window = chosen(saying(text, max_output_tokens=output_tokens))

    assert window.size in WINDOWS.windows
    assert window.prompt_tokens < window.size


def test_everything_that_the_model_reads_is_counted():
    """Instructions, tools, results and pictures, not only what the user typed."""
    plain = saying("hello")
    full = saying("hello", system=[TextPart("s" * 100)], tools=[Tool("f", "d" * 100, Raw(b"{}"))])
    full.turns.append(
        Turn("user", [ToolResultPart("c", [TextPart("r" * 100), ImagePart(data="A")])])
    )

    more = tokens_of(full) - tokens_of(plain)

    assert more >= 90 + TOKENS_PER_IMAGE


def test_scripts_with_longer_characters_count_for_more():
    """A sentence of Chinese has about a token per character."""
    assert tokens_of(saying("语" * 100)) >= 80


def test_a_model_that_makes_more_tokens_gets_a_larger_window():
    """What it has read of earlier prompts counts, with a margin above the mean."""
    prompt = saying("x" * 10_000)
    learnt = having_read(10_000, 5000)

    tokens = tokens_of(prompt, learnt)

    assert tokens_of(prompt) < 3100
    assert 5400 < tokens < 5600
    assert choose_window(tokens, prompt, WINDOWS).size == 16_384


@given(st.text(max_size=3000), st.integers(1, 20_000), st.integers(1, 20_000))
def test_experience_never_lowers_the_guard(text: str, size: int, tokens: int):
    """One text is not like another: the guess stays the least, one token a byte the most."""
    prompt = saying(text)
    size_bytes = measure(prompt).size_bytes

    estimate = tokens_of(prompt, having_read(size, tokens))

    assert tokens_of(prompt) <= estimate <= max(tokens_of(prompt), size_bytes + 16)


@pytest.mark.parametrize(
    ("conversation", "expected"),
    [
        (saying("x" * 2000), True),
        (saying("x" * 1999), False),
        (
            Conversation(
                dialect="openai.chat",
                turns=[Turn("user", [TextPart("x" * 9000), ImagePart(data="A")])],
            ),
            False,
        ),
    ],
    ids=["long", "short", "picture"],
)
def test_templates_and_pictures_teach_nothing(conversation: Conversation, expected: bool):
    """Their tokens are not those of the text."""
    assert teaches(measure(conversation)) is expected


@pytest.mark.parametrize(
    ("prompt", "size", "read", "cut"),
    [
        (12_000, 4096, 2050, True),
        (3000, 4096, 2800, False),
        (1000, 4096, 300, False),
        (12_000, None, 2050, False),
        (12_000, 4096, None, False),
    ],
)
def test_a_count_far_below_the_estimate_tells_of_a_cut(prompt, size, read, cut):
    """LO-03: servers that do not know `truncate: false` cut, and tell only by the count."""
    assert was_cut(Window(prompt, size), read) is cut


def test_limits_follow_from_the_rate_and_are_never_lowered():
    """LO-10: at ten tokens a second a long answer takes minutes."""
    timeouts = Timeouts(first_token_s=60, idle_s=30, total_s=9999)
    window = Window(8000, 16_384)
    slow = LocalRun(tokens_per_second=10.0, total_s=120)
    streamed = limits_for(timeouts, window, saying("", stream=True, max_output_tokens=2000), slow)
    whole = limits_for(timeouts, window, saying("", max_output_tokens=2000), slow)
    quick = LocalRun(tokens_per_second=1000.0, total_s=120)
    fast = limits_for(timeouts, window, saying("", stream=True, max_output_tokens=100), quick)

    assert streamed.first_token_s == 30 + 2 * 8000 / 80
    assert streamed.total_s == streamed.first_token_s + 2 * 2000 / 10
    assert whole.first_token_s == whole.total_s == streamed.total_s
    assert (fast.first_token_s, fast.idle_s, fast.total_s) == (60, 30, 120)
    assert limits_for(timeouts, window, saying(""), LocalRun()) is timeouts
