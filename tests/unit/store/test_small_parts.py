"""Bins of latency, cursors, thinning, columns: the pure parts that engines share."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.records import Attempt, CallRecord
from pointsman.store import genai
from pointsman.store.cursor import Cursor, read_cursor
from pointsman.store.duckdb.migrate import read_steps
from pointsman.store.duckdb.tables import trace_key_of
from pointsman.store.errors import StoreQueryError
from pointsman.store.latency import bin_of, quantiles
from pointsman.store.row_of_call import attempt_rows, call_row, read_record
from pointsman.store.thinning import is_kept, threshold
from stored_records import encoded, make_failure, make_record, trace_id

DURATIONS = st.integers(1, 10**13)


@given(st.lists(DURATIONS, min_size=1, max_size=60), st.floats(0.01, 1.0))
def test_a_quantile_from_bins_is_within_its_promise_of_the_exact_one(durations, share):
    """1.1 %, and half a nanosecond for rounding."""
    bins: dict[int, int] = {}
    for duration in durations:
        bins[bin_of(duration)] = bins.get(bin_of(duration), 0) + 1
    exact = sorted(durations)[max(1, math.ceil(share * len(durations))) - 1]

    (found,) = quantiles(bins, [share])

    assert abs(found - exact) <= 0.011 * exact + 0.5


def test_no_values_have_no_quantiles():
    """None is unknown, 0 would be a lie."""
    assert quantiles({}, [0.5, 0.99]) == [None, None]


@pytest.mark.parametrize("duration", [0, 1])
def test_the_shortest_durations_share_a_bin(duration):
    """A clock may not have moved at all."""
    assert bin_of(duration) == 0


@given(st.integers(0, 2**63 - 1), st.from_regex(r"\A[0-9a-f]{32}\Z"))
def test_a_cursor_comes_back_as_it_was_given_out(started, identifier):
    """Whatever it points at."""
    cursor = Cursor(started, identifier)

    assert read_cursor(cursor.text()) == cursor


@given(st.text(max_size=40))
def test_text_from_a_url_is_a_cursor_or_an_error(text):
    """Never anything else."""
    try:
        cursor = read_cursor(text)
    except StoreQueryError:
        return
    assert cursor is not None
    assert 0 <= cursor.started_unix_ns < 2**63


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_trace_that_a_small_share_keeps_is_kept_by_a_larger_one(one, other):
    """Thinning twice with the same share removes nothing more."""
    less, more = sorted([threshold(one), threshold(other)])

    assert all(is_kept(trace_id(n), less) for n in range(50) if is_kept(trace_id(n), more))


def test_thinning_keeps_about_the_share_it_was_asked_for():
    """Over many traces."""
    limit = threshold(0.1)

    kept = sum(is_kept(trace_id(number), limit) for number in range(10_000))

    assert 850 < kept < 1_150


@pytest.mark.parametrize("ratio", [-0.1, 1.1, math.nan])
def test_a_share_that_is_none_is_refused(ratio):
    """It comes from a configuration."""
    with pytest.raises(ValueError, match="from 0 to 1"):
        threshold(ratio)


def test_a_trace_id_of_64_bits_still_has_a_key_of_its_own():
    """Older tracers fill the first half with zeros."""
    assert trace_key_of("0" * 16 + "00f067aa0ba902b7") == 0x0F067AA0BA902B7


@pytest.mark.parametrize("value", ["12", True, -1, 2**63, 1.5, None, [1]])
def test_a_count_that_is_none_is_unknown(value):
    """Applications send what they like."""
    assert genai.columns_of({genai.INPUT_TOKENS: value}).input_tokens is None


def test_the_model_that_answered_comes_before_the_one_asked():
    """They may differ."""
    asked, answered = {genai.REQUEST_MODEL: "a"}, {genai.RESPONSE_MODEL: "b"}

    assert genai.columns_of(asked).model == "a"
    assert genai.columns_of(asked | answered).model == "b"


def test_a_record_becomes_columns_and_a_row_for_each_attempt():
    """A request that failed is found under the target that failed."""
    second = Attempt("large", "openai", "gpt-4o", kind="failover", start_ns=5, end_ns=9)
    record = make_failure(1, attempts=[*make_failure(1).attempts, second])

    row, rows = call_row(record, 7), attempt_rows(record)

    assert (row.position, row.failed, row.fell_back, row.attempt_count) == (7, True, True, 2)
    assert (row.target, row.served_model, row.cost_nano_usd) == ("large", None, None)
    assert [(one.number, one.target, one.duration_ns) for one in rows] == [
        (0, "small", 240_000_000),
        (1, "large", 4),
    ]


def test_a_record_is_read_as_it_was_written():
    """Round trip."""
    record = make_record(3)

    assert read_record(encoded(record)) == record
    assert isinstance(read_record(encoded(record)), CallRecord)


def test_migrations_are_numbered_without_a_gap():
    """And none is empty."""
    steps = read_steps()

    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    assert all(step.sql.strip() for step in steps)
