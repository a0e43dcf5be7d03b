"""Numbers in lists are short, have a unit, and never say 0 for what is unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.console import figures


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (None, "—"),
        (0, "0 ns"),
        (999, "999 ns"),
        (21_000, "21 µs"),
        (999_499, "999 µs"),
        (12_340_000, "12.3 ms"),
        (853_000_000, "853 ms"),
        (999_600_000, "1 s"),
        (1_240_000_000, "1.24 s"),
        (200_000_000_000, "3 min 20 s"),
        (7_500_000_000_000, "2 h 5 min"),
        (356_400_000_000_000, "4 d 3 h"),
    ],
)
def test_durations_have_three_digits_and_a_unit(duration_ns, text):
    """From nanoseconds to days."""
    assert figures.short_duration(duration_ns) == text


@pytest.mark.parametrize(
    ("nano_usd", "text"),
    [
        (None, "—"),
        (0, "$0"),
        (1, "$0.000000001"),
        (119_250, "$0.000119"),
        (3_615_000, "$0.00362"),
        (500_000_000, "$0.5"),
        (999_999_999, "$1"),
        (1_500_000_000, "$1.50"),
        (12_345_678_900_000, "$12,345.68"),
        (-3_470_000, "-$0.00347"),
    ],
)
def test_money_keeps_three_significant_digits(nano_usd, text):
    """A small amount is not rounded away, and an unknown one is not 0."""
    assert figures.short_money(nano_usd) == text


@given(st.integers(min_value=1, max_value=10**18))
def test_money_that_was_spent_never_reads_as_nothing(nano_usd):
    """However little it is."""
    text = figures.short_money(nano_usd)

    shown = float(text.replace("$", "").replace(",", ""))
    assert shown == pytest.approx(nano_usd / 1e9, rel=0.006)


def test_a_difference_has_its_sign():
    """So that dearer and cheaper cannot be mixed up."""
    assert figures.signed_money(1_000_000) == "+$0.001"
    assert figures.signed_money(-1_000_000) == "-$0.001"
    assert figures.signed_money(0) == "same"


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "—"), (987, "987"), (1_234, "1,234"), (12_345, "12.3k"), (4_560_000, "4.56M")],
)
def test_counts_are_shortened_from_ten_thousand_on(count, text):
    """Exact while it is readable."""
    assert figures.short_count(count) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, "—"), (512, "512 B"), (1_500, "1.5 kB"), (999_900, "1 MB"), (2_250_000_000, "2.25 GB")],
)
def test_sizes_have_a_unit(size, text):
    """In powers of a thousand."""
    assert figures.short_bytes(size) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "—"), (0, 10, "0 %"), (1, 10_000, "<0.1 %"), (1, 41, "2.4 %"), (37, 100, "37 %")],
)
def test_a_share_of_nothing_is_unknown_and_a_tiny_one_is_not_zero(part, whole, text):
    """An error ratio of 0 % means that there was none."""
    assert figures.percent(part, whole) == text
