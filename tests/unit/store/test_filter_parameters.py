"""Filters in query strings: both ways, and nothing that is ignored in silence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.store.errors import StoreQueryError
from pointsman.store.filter_parameters import (
    call_parameters,
    read_call_filter,
    read_trace_filter,
    trace_parameters,
)
from pointsman.store.query import CallFilter, TraceFilter

NOW = 1_790_000_000_000_000_000
_TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=20)
_AMOUNT = st.integers(0, 2**62)
_CALL_FILTERS = st.builds(
    CallFilter,
    from_unix_ns=st.none() | _AMOUNT,
    to_unix_ns=st.none() | _AMOUNT,
    status=st.none() | st.integers(0, 999),
    failed=st.none() | st.booleans(),
    tenant=st.none() | _TEXT,
    model=st.none() | _TEXT,
    min_cost_nano_usd=st.none() | _AMOUNT,
    min_duration_ns=st.none() | _AMOUNT,
    error_text=st.none() | _TEXT,
)


@given(_CALL_FILTERS)
def test_what_was_written_is_read_again(wanted):
    """The address bar holds the whole filter."""
    assert read_call_filter(call_parameters(wanted), NOW) == wanted


def test_trace_filters_go_both_ways():
    """With fewer names."""
    wanted = TraceFilter(service="shop", failed=False, min_duration_ns=1_500_000)

    assert trace_parameters(wanted) == {
        "service": "shop",
        "failed": "false",
        "min_duration_ms": "1.5",
    }
    assert read_trace_filter(trace_parameters(wanted), NOW) == wanted


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("15m", NOW - 900 * 10**9),
        ("7d", NOW - 7 * 86_400 * 10**9),
        ("1790000000000000000", NOW),
        ("2026-09-21T14:13:20Z", NOW),
        ("2026-09-21T16:13:20.000001+02:00", NOW + 1_000),
        ("2026-09-21T14:13:20", NOW),
    ],
)
def test_moments_may_be_written_in_three_ways(text, moment):
    """A length before now, nanoseconds, or RFC 3339; UTC unless it says otherwise."""
    assert read_call_filter({"from": text}, NOW).from_unix_ns == moment


def test_dollars_are_exact():
    """No binary fraction on the way."""
    assert read_call_filter({"min_cost_usd": "0.1"}, NOW).min_cost_nano_usd == 100_000_000


def test_empty_values_do_not_filter():
    """As a form sends them."""
    assert read_call_filter({"tenant": "", "failed": " "}, NOW) == CallFilter()


@pytest.mark.parametrize(
    "parameters",
    [
        {"colour": "red"},
        {"status": "4xx"},
        {"status": "-1"},
        {"status": "NaN"},
        {"failed": "perhaps"},
        {"from": "yesterday"},
        {"from": "1900-01-01"},
        {"min_cost_usd": "1e99"},
        {"tenant": "x" * 513},
    ],
)
def test_what_cannot_be_read_is_an_error(parameters):
    """A filter that was ignored would show everything."""
    with pytest.raises(StoreQueryError):
        read_call_filter(parameters, NOW)
