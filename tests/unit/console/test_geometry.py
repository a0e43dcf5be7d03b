"""What is drawn stays within its axis, can be seen, and stands where its time is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbitrary_records import records
from pointsman.console.geometry import MIN_WIDTH, Scale, round_step
from pointsman.console.waterfall import waterfall_of
from sample_records import MS, Traffic

TIMES = st.integers(-(2**63), 2**63 - 1)


@given(TIMES, st.integers(0, 2**63), TIMES, TIMES)
def test_every_piece_lies_within_the_axis_and_can_be_seen(start, total, one, other):
    """Whatever times a record or span holds."""
    piece = Scale(start, total).piece("x", one, other, "")

    assert 0 <= piece.x <= 100 - MIN_WIDTH + 0.001
    assert piece.width >= MIN_WIDTH
    assert piece.x + piece.width <= 100.001


@given(st.integers(1, 2**63), st.integers(1, 10))
def test_ticks_are_few_round_and_in_order(total, most):
    """Ones, twos and fives."""
    ticks = Scale(0, total).ticks(most)

    assert 1 <= len(ticks) <= most + 1
    assert [tick.x for tick in ticks] == sorted(tick.x for tick in ticks)
    assert str(round_step(total, most)).rstrip("0") in {"1", "2", "5"}


def test_a_failover_is_two_lanes_one_after_the_other():
    """The time that the failed attempt took is seen apart from the one that served."""
    record = Traffic(10**18).call(None, "failover")

    fall = waterfall_of(record)
    failed, served = [lane for lane in fall.lanes if " · " in lane.name]

    assert [piece.kind for piece in failed.pieces] == ["failed"]
    assert served.note == "failover"
    assert [piece.kind for piece in served.pieces if piece.kind != "connect"] == ["wait", "receive"]
    assert served.pieces[0].x >= failed.pieces[0].x + failed.pieces[0].width - 0.5
    assert len(served.points) == 1


def test_a_pause_before_a_retry_is_drawn_as_such():
    """CP-05: a slow provider looks other than a gateway that retries."""
    record = Traffic(10**18).call(None, "retried")

    lane = waterfall_of(record).lanes[3]

    assert lane.note == "retry"
    assert lane.pieces[0].kind == "backoff"
    assert lane.pieces[0].width == pytest.approx(100 * 400 * MS / record.duration_ns, abs=1)


def test_a_stream_shows_first_byte_first_token_and_what_the_client_got():
    """Three moments that are easily mixed up."""
    fall = waterfall_of(Traffic(10**18).call(None, "stream"))
    by_name = {lane.name: lane for lane in fall.lanes}

    attempt = next(lane for name, lane in by_name.items() if name.startswith("1 · "))
    assert [point.title.rsplit(" at ")[0] for point in attempt.points] == [
        "first byte",
        "first token",
    ]
    assert "to the client" in by_name


def test_a_crash_has_an_attempt_without_an_end():
    """Nothing is made up for it."""
    lane = waterfall_of(Traffic(10**18).call(None, "crashed")).lanes[0]

    assert lane.lasted == "no end"


@given(records)
def test_any_record_can_be_drawn(record):
    """Old, cut and damaged ones too."""
    fall = waterfall_of(record)

    for lane in fall.lanes if fall else ():
        assert all(0 <= piece.x <= 100 for piece in lane.pieces)
