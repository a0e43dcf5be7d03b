"""Our counters against prometheus_client's: the same text for the same steps."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from pointsman.core.clock import ManualClock
from pointsman.gateway.tallies import CounterTally, GaugeTally, HistogramTally

BOUNDS = (0.01, 0.5, 1.0, 4.0, 65536.0, 4194304.0)
labels = st.tuples(st.sampled_from(["a", 'b"\\\n', ""]), st.sampled_from(["x", "ü"]))
amounts = st.floats(0, 1e9) | st.sampled_from(BOUNDS)


@given(st.lists(st.tuples(labels, amounts), max_size=20), st.integers(0, 3))
def test_the_text_is_that_of_prometheus_client(steps, under_way):
    """Whoever reads the metrics sees no difference."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    names = ("first", "second")
    each = {"registry": ours, "clock": ManualClock()}
    pairs = [
        (
            CounterTally("c", "Counts.", names, **each),
            Counter("c", "Counts.", names, registry=theirs),
        ),
        (
            HistogramTally("h", "Sizes.", names, BOUNDS, **each),
            Histogram("h", "Sizes.", names, registry=theirs, buckets=BOUNDS),
        ),
    ]
    for values, amount in steps:
        for instrument in pairs[0]:
            instrument.labels(*values).inc(amount)
        for instrument in pairs[1]:
            instrument.labels(*values).observe(amount)
    plain = HistogramTally("p", "Plain.", (), BOUNDS, **each)
    gauge, their_gauge = GaugeTally("g", "Now.", (), **each), Gauge("g", "Now.", registry=theirs)
    Histogram("p", "Plain.", registry=theirs, buckets=BOUNDS).observe(0.5)
    plain.labels().observe(0.5)
    for _ in range(under_way):
        gauge.labels().inc()
        their_gauge.inc()
    gauge.labels().dec()
    their_gauge.dec()

    assert sorted(without_times(ours)) == sorted(without_times(theirs))


def test_a_wrong_number_of_labels_is_a_fault_of_the_caller():
    """Else two metrics of one name would have different labels."""
    tally = CounterTally("c", "Counts.", ("a",), registry=CollectorRegistry(), clock=ManualClock())

    with pytest.raises(ValueError, match="has the labels a"):
        tally.labels("x", "y")


def without_times(registry):
    text = generate_latest(registry).decode()
    return re.sub(r"(_created(?:\{.*\})?) .*", r"\1", text).split("\n")
