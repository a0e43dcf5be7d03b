"""A trace as a tree on a terminal."""

from pointsman.cli.traces import line_of, tree_of
from pointsman.collector.read_messages import TraceDetail
from pointsman.store.rows import TraceRow
from stored_records import make_span, trace_id


def told(*spans) -> list[str]:
    return tree_of(TraceDetail(trace_id=trace_id(1), spans=list(spans)))


def test_a_span_stands_below_its_parent():
    """The first started first; what failed says so."""
    child = make_span(1, 1)
    grandchild = make_span(
        1, 2, parent_span_id=child.span_id, status="ERROR", status_message="no luck"
    )

    lines = told(make_span(1, 0), child, grandchild, make_span(1, 3))

    assert lines[1].startswith("└─ answer a question")
    assert lines[2].startswith("   ├─ step 1")
    assert lines[3].startswith("   │  └─ step 2")
    assert "failed no luck" in lines[3]
    assert lines[4].startswith("   └─ step 3")


def test_a_span_whose_parent_never_came_stands_alone():
    """Sampled away, or still on its way."""
    assert told(make_span(1, 1))[1].startswith("└─ step 1")


def test_spans_in_a_circle_are_shown_all_the_same():
    """Nobody sends that, and whoever does must not hang a terminal."""
    first, second = make_span(1, 1), make_span(1, 2)
    lines = told(
        make_span(1, 1, parent_span_id=second.span_id),
        make_span(1, 2, parent_span_id=first.span_id),
    )

    assert len(lines) == 3
    assert "circle" in lines[1]


def test_a_name_cannot_move_the_cursor():
    """Control characters are for terminals, not for spans."""
    assert "\x1b" not in "\n".join(told(make_span(1, 0, name="\x1b[2J", service="\x1b]0;x\x07")))


def test_a_line_has_the_figures_of_a_trace():
    """An unknown cost is a dash."""
    row = TraceRow(
        trace_id=trace_id(1),
        name="answer",
        service="shop",
        started_unix_ns=0,
        ended_unix_ns=2_000_000_000,
        last_start_unix_ns=0,
        call_count=2,
        span_count=3,
        error_count=1,
        cost_nano_usd=None,
        input_tokens=None,
        output_tokens=None,
    )

    line = line_of(row)

    assert f"trc_{trace_id(1)}" in line
    assert "2 calls  3 spans  -  1 failed" in line
