"""Latency against calls in flight, per target (MM-09)."""

from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.clock import ManualClock
from pointsman.core.failures import FailureClass
from pointsman.core.target import Target
from pointsman.resilience.health import HealthTracker
from pointsman.resilience.load_history import LoadHistory

TARGET = Target(name="t", provider="p", model="m")


def test_a_target_that_slows_down_under_load_shows_it():
    """One figure for each band of load."""
    history = LoadHistory()
    for _ in range(50):
        history.add(1, 100.0)
        history.add(6, 400.0)

    assert [tuple(band) for band in history.bands()] == [("1", 100.0, 50), ("4-7", 400.0, 50)]
    assert (history.at(1), history.at(5), history.at(2)) == (100.0, 400.0, None)


def test_it_follows_what_changed_within_some_tens_of_calls():
    """Old figures fade."""
    history = LoadHistory()
    for latency_ms in [100.0] * 20 + [500.0] * 30:
        history.add(3, latency_ms)

    assert 495 < history.at(3) <= 500


@given(st.integers(-1, 5000), st.floats(0, 1e6))
def test_any_number_of_calls_has_its_band(in_flight: int, latency_ms: float):
    """What was put in is found, and named by bounds that hold it."""
    history = LoadHistory()
    history.add(in_flight, latency_ms)
    [band] = history.bands()
    least, _, most = band.calls.rstrip("+").partition("-")

    assert history.at(in_flight) == band.latency_ms
    assert int(least) <= max(in_flight, 1)
    assert band.calls.endswith("+") or max(in_flight, 1) <= int(most or least)


def test_the_load_of_a_call_is_the_most_that_was_under_way_with_it():
    """At its begin or its end; failures say nothing about latency."""
    tracker = HealthTracker(ManualClock())
    loads = [tracker.begin("p", "t") for _ in range(4)]
    for load in loads:
        tracker.end("p", "t", None, 200.0, in_flight=load)
    alone = tracker.begin("p", "t")
    tracker.end("p", "t", FailureClass.TIMEOUT, 9000.0, in_flight=alone)
    tracker.begin("p", "t")

    assert loads == [1, 2, 3, 4]
    assert [(band.calls, band.seen) for band in tracker.load_of("t")] == [("2-3", 2), ("4-7", 2)]
    assert tracker.target_state(TARGET).latency_at_load_ms == 200.0
