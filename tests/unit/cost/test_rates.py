"""The arithmetic of a bill."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pointsman.core.usage import Usage
from pointsman.cost.rates import (
    DAY_NS,
    ContextBands,
    Period,
    PriceSchedule,
    Rates,
    bill,
    upper_bound,
)

GPT = ContextBands((Rates(input=150_000_000, output=600_000_000, cache_read=75_000_000),))
counts = st.none() | st.integers(0, 10**9)
rates = st.none() | st.integers(0, 10**12)


def test_a_bill_has_a_line_per_unit_and_their_sum():
    """OBS-25: tokens with their own rate are priced once, as themselves."""
    cost = bill(GPT, Usage(1200, 340, cache_read_tokens=1024), "v")

    assert [(line.unit, line.quantity, line.nano_usd) for line in cost.lines] == [
        ("cache_read_tokens", 1024, 76_800),
        ("input_tokens", 176, 26_400),
        ("output_tokens", 340, 204_000),
    ]
    assert cost.total_nano_usd == 307_200
    assert cost.price_version == "v"


CLAUDE = ContextBands(
    (
        Rates(
            input=10**9,
            output=5 * 10**9,
            cache_read=10**8,
            cache_write=1_250_000_000,
            cache_write_1h=2 * 10**9,
        ),
    )
)
WRITTEN = Usage(1161, 12, 1024, 128, cache_write_1h_tokens=100)


def test_what_the_cache_is_to_keep_for_an_hour_has_its_own_line():
    """OBS-21: 2 times the price of input for an hour, 1.25 for five minutes, each token once."""
    cost = bill(CLAUDE, WRITTEN, "v")

    assert [(line.unit, line.quantity, line.nano_usd) for line in cost.lines] == [
        ("cache_read_tokens", 1024, 102_400),
        ("cache_write_1h_tokens", 100, 200_000),
        ("cache_write_tokens", 28, 35_000),
        ("input_tokens", 9, 9_000),
        ("output_tokens", 12, 60_000),
    ]
    assert cost.total_nano_usd == 406_400


def test_without_the_hours_count_or_rate_all_writes_cost_the_same():
    """Records from before it was counted cost what they cost."""
    uncounted = bill(CLAUDE, Usage(1161, 12, 1024, 128), "v")
    unpriced = bill(ContextBands((replace(CLAUDE.rates[0], cache_write_1h=None),)), WRITTEN, "v")

    assert uncounted == unpriced
    assert uncounted.total_nano_usd == 406_400 - 75_000


def test_an_upper_bound_covers_a_prompt_that_is_kept_for_an_hour():
    """Every token may be such a one."""
    assert upper_bound(CLAUDE, 100, 0) == 200_000


def test_cached_tokens_without_a_rate_of_their_own_cost_as_input():
    """No discount is invented."""
    bands = ContextBands((Rates(input=1_000_000, output=0),))

    assert bill(bands, Usage(10, 0, cache_read_tokens=9), "v").total_nano_usd == 10


def test_a_line_is_rounded_up():
    """A sum is never too small."""
    bands = ContextBands((Rates(input=1, output=0),))

    assert bill(bands, Usage(1, 0), "v").total_nano_usd == 1


def test_an_unknown_count_makes_the_total_unknown_and_keeps_what_is_known():
    """None is unknown, 0 is zero."""
    cost = bill(GPT, Usage(None, 10), "v")

    assert cost.total_nano_usd is None
    assert [line.unit for line in cost.lines] == ["output_tokens"]
    assert bill(GPT, Usage(0, 0), "v").total_nano_usd == 0


def test_tokens_without_a_rate_make_the_total_unknown():
    """An embedding model that reports output tokens has no price for them."""
    bands = ContextBands((Rates(input=1_000_000),))

    assert bill(bands, Usage(10, 5), "v").total_nano_usd is None
    assert bill(bands, Usage(10, 0), "v").total_nano_usd == 10
    assert bill(bands, Usage(10, None), "v").total_nano_usd == 10


def test_passing_a_context_threshold_moves_every_token_to_the_next_rate():
    """The threshold itself still has the lower rate, as providers bill it."""
    bands = ContextBands(
        (Rates(input=1_000_000, output=0), Rates(input=2_000_000, output=0)), (200_000,)
    )

    assert bill(bands, Usage(200_000, 0), "v").total_nano_usd == 200_000
    assert bill(bands, Usage(200_001, 0), "v").total_nano_usd == 400_002
    assert bill(bands, Usage(None, 0), "v").total_nano_usd is None


def test_a_price_per_request_is_a_line():
    """Some providers charge for the call itself."""
    bands = ContextBands((Rates(input=0, output=0, requests=5_000_000_000_000),))

    assert bill(bands, Usage(1, 1), "v").total_nano_usd == 5_000_000


def test_hours_that_cross_midnight_apply_on_both_sides():
    """Off-peak prices are given as hours of the UTC day."""
    hour_ns = DAY_NS // 24
    night = Period(GPT, day_start_ns=22 * hour_ns, day_end_ns=6 * hour_ns)

    assert night.applies(23 * hour_ns)
    assert night.applies(DAY_NS + 5 * hour_ns)
    assert not night.applies(6 * hour_ns)
    assert not night.applies(12 * hour_ns)


def test_the_last_price_counts_when_none_is_valid_yet():
    """A call before the first date of a price list is charged by its oldest entry."""
    later = ContextBands((Rates(input=9, output=9),))
    schedule = PriceSchedule((Period(later, from_unix_ns=200), Period(GPT, from_unix_ns=100)), "v")

    assert schedule.bands_at(50) is GPT
    assert schedule.bands_at(150) is GPT
    assert schedule.bands_at(200) is later


def test_an_upper_bound_without_a_rate_is_unknown():
    """What cannot be priced cannot be held."""
    assert upper_bound(ContextBands((Rates(input=1),)), 10, 10) is None
    assert upper_bound(ContextBands((Rates(input=1),)), 10, 0) == 1


@given(counts, counts, counts, counts, counts, st.lists(rates, min_size=6, max_size=6))
def test_no_line_is_ever_negative_and_no_token_is_priced_twice(i, o, read, write, reason, values):
    """Whatever the counts claim, the lines add up to the whole."""
    cost = bill(ContextBands((Rates(*values),)), Usage(i, o, read, write, reason), "v")

    assert all(line.nano_usd >= 0 and line.quantity > 0 for line in cost.lines)
    by_unit = {line.unit: line.quantity for line in cost.lines}
    inputs = [by_unit.get(f"{u}_tokens", 0) for u in ("input", "cache_read", "cache_write")]
    outputs = [by_unit.get(f"{u}_tokens", 0) for u in ("output", "reasoning")]
    assert sum(inputs) <= (i or 0)
    assert sum(outputs) <= (o or 0)
    if cost.total_nano_usd is not None:
        assert sum(line.nano_usd for line in cost.lines) == cost.total_nano_usd


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_upper_bound_covers_every_split_of_the_same_tokens(i, o, read, write):
    """A hold is enough for the call that was announced."""
    bands = ContextBands((Rates(150_000_000, 600_000_000, 75_000_000, 187_500_000),))

    bound = upper_bound(bands, i, o)

    spent = bill(bands, Usage(i, o, min(read, i), min(write, i)), "v").total_nano_usd
    assert bound is not None
    assert spent is not None
    # Each of three input lines is rounded up by itself.
    assert spent <= bound + 2
