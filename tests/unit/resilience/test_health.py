"""Passive health: moving figures per target, bounded in number."""

from pointsman.core.clock import ManualClock
from pointsman.core.failures import FailureClass
from pointsman.core.target import Target
from pointsman.resilience import health
from pointsman.resilience.health import HealthTracker


def target(name: str) -> Target:
    return Target(name=name, provider="p", model=name)


def test_names_that_callers_make_up_do_not_fill_the_memory(monkeypatch):
    """The oldest name without a call in flight makes room; one with a call stays counted."""
    monkeypatch.setattr(health, "MAX_WINDOWS", 3)
    tracker = HealthTracker(ManualClock())
    tracker.begin("p", "busy")
    for name in ("one", "two", "three", "four"):
        tracker.begin("p", name)
        tracker.end("p", name, None, 5.0)

    assert tracker.target_state(target("busy")).in_flight == 1
    assert [tracker.target_state(target(name)).latency_ms for name in ("one", "two")] == [None] * 2
    assert [tracker.target_state(target(name)).latency_ms for name in ("three", "four")] == [
        5.0
    ] * 2

    tracker.end("p", "busy", None, 7.0)
    assert tracker.target_state(target("busy")).in_flight == 0


def test_when_everybody_is_busy_a_name_more_is_kept_rather_than_a_count_lost(monkeypatch):
    """The bound gives way: a forgotten count would go below zero."""
    monkeypatch.setattr(health, "MAX_WINDOWS", 2)
    tracker = HealthTracker(ManualClock())
    for name in ("one", "two", "three"):
        tracker.begin("p", name)
    for name in ("one", "two", "three"):
        tracker.end("p", name, None, 1.0)

    assert [tracker.target_state(target(name)).in_flight for name in ("one", "two", "three")] == [
        0
    ] * 3


def test_half_of_the_recent_calls_failing_is_degraded_until_they_are_old():
    """Outcomes older than the window are forgotten; a caller's fault never counts."""
    clock = ManualClock()
    tracker = HealthTracker(clock)
    for failure in (None, FailureClass.SERVER_ERROR, None, FailureClass.TIMEOUT):
        tracker.begin("p", "t")
        tracker.end("p", "t", failure, 1.0)
    tracker.begin("p", "t")
    tracker.end("p", "t", FailureClass.CALLER_FAULT, 1.0)

    assert tracker.target_state(target("t")).health == "degraded"
    assert tracker.target_state(target("t")).error_ratio == 0.5
    clock.advance_s(health.WINDOW_S + 1)
    assert tracker.target_state(target("t")).health == "ok"
