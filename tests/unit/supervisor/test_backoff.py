"""Waiting longer and longer, and forgiving."""

from hypothesis import given
from hypothesis import strategies as st

from pointsman.supervisor.backoff import Backoff


def test_the_wait_doubles_from_one_second_to_thirty():
    """1, 2, 4, 8, 16, 30, 30 …"""
    backoff = Backoff()

    assert [backoff.after(0.1) for _ in range(8)] == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_minute_of_health_starts_the_counting_anew():
    """An end per day is no crash loop."""
    backoff = Backoff()
    for _ in range(5):
        backoff.after(1.0)

    assert backoff.after(60.0) == 1
    assert backoff.ends == 1
    assert backoff.after(59.9) == 2


@given(st.lists(st.floats(min_value=0, max_value=1e6), max_size=3000))
def test_the_wait_is_always_between_its_bounds(lives: list[float]):
    """Also after thousands of ends."""
    backoff = Backoff()

    assert all(1 <= backoff.after(lived_s) <= 30 for lived_s in lives)
