"""Charts: heights in proportion, nothing above the top, gaps where there is nothing."""

from hypothesis import given
from hypothesis import strategies as st

from pointsman.console.charts import BOTTOM, TOP, frame_of, lines, sparks, stacked
from pointsman.console.overview_page import axis_of
from pointsman.console.viewer import viewer_of
from pointsman.store.query import Bucket, Figures, Series

HOUR_NS = 3_600 * 10**9
VIEWER = viewer_of({}, 100 * HOUR_NS)


def buckets_of(*figures):
    """Return steps of an hour."""
    return tuple(
        Bucket(start_unix_ns=number * HOUR_NS, figures=each) for number, each in enumerate(figures)
    )


def chart_of(counts):
    """Return bars of requests and errors."""
    buckets = buckets_of(*(Figures(requests=all_, errors=bad) for all_, bad in counts))
    frame = frame_of(buckets, HOUR_NS, VIEWER, lambda bucket: "x")
    layers = [
        ("bad", lambda bucket: bucket.figures.errors),
        ("ok", lambda bucket: bucket.figures.requests - bucket.figures.errors),
    ]
    return stacked(buckets, layers, str, frame)


def test_errors_stand_at_the_bottom_and_are_seen_however_few():
    """One error among a thousand requests must not vanish."""
    chart = chart_of([(1_000, 1), (0, 0)])

    bad, ok = chart.bars
    assert (bad.kind, ok.kind) == ("bad", "ok")
    assert bad.height == 2.0
    assert bad.y + bad.height == BOTTOM
    assert ok.y + ok.height == bad.y


def test_an_empty_chart_has_no_scale():
    """No "1 ns" over a field without a line."""
    assert chart_of([(0, 0), (0, 0)]).levels == []
    assert [level.label for level in chart_of([(4, 0)]).levels] == ["2", "4"]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=40))
def test_no_bar_is_higher_than_the_field(counts):
    """Whatever the figures are; the least height of a layer is allowed for."""
    for bar in chart_of([(count, 0) for count in counts]).bars:
        assert TOP - 0.01 <= bar.y <= BOTTOM
        assert 0 <= bar.x <= 100


def test_each_step_leads_to_its_requests():
    """From a peak to what made it."""
    chart = chart_of([(1, 0), (2, 0)])

    assert chart.slots[1].place == "/requests?from=3600000000000&to=7200000000000"


def test_lines_are_broken_where_there_is_no_value():
    """No request has no latency; it is not 0."""
    buckets = buckets_of(Figures(p50_ns=5), Figures(), Figures(p50_ns=10), Figures(p50_ns=10))
    frame = frame_of(buckets, HOUR_NS, VIEWER, lambda bucket: "x")

    chart = lines(buckets, [("p50", lambda bucket: bucket.figures.p50_ns)], str, frame)

    path = chart.lines[0].path
    assert path.count("M") == 2
    assert path.count("L") == 1


def test_small_drawings_keep_the_sum_of_many_steps():
    """Ninety steps become at most forty columns."""
    bars = sparks(Series(name="x", total=90, counts=(1,) * 90))

    assert len(bars) == 30
    assert all(bar.height == 17 for bar in bars)


def test_steps_begin_at_round_moments_and_reach_now():
    """So that a chart does not tremble from one look to the next."""
    now_ns = 1_790_000_123_456_789_012

    start, end, steps = axis_of("24h", now_ns)

    assert start % (900 * 10**9) == 0
    assert end >= now_ns > end - 900 * 10**9
    assert end - start == steps * 900 * 10**9
