"""Every span of a trace is shown once, under its parent, whatever was received."""

from hypothesis import given
from hypothesis import strategies as st

from pointsman.console.trace_tree import MAX_SHOWN, in_order, trace_view
from pointsman.store.rows import SpanRow
from pointsman.store.spans_of_call import spans_of_call
from sample_records import Traffic


def span(number, parent=None, start=None, **changes):
    """Return a span of one second."""
    began = number if start is None else start
    values = {"trace_id": "a" * 32, "span_id": f"{number:016x}", "name": f"span {number}",
              "parent_span_id": None if parent is None else f"{parent:016x}",
              "start_unix_ns": began, "end_unix_ns": began + 10**9}  # fmt: skip
    return SpanRow(**(values | changes))


def test_calls_of_the_gateway_hang_below_the_span_that_made_them():
    """OBS-33: one tree of application and gateway."""
    traffic = Traffic(10**18)
    record = traffic.call(None, "failover")
    spans = traffic.application(record) + spans_of_call(record)

    view = trace_view(spans)

    depth = {each.name: each.depth for each in view.spans}
    assert depth["answer_ticket"] == 0
    assert depth["gateway_request"] == depth["chat auto"] + 1
    assert depth["fallback_route"] == depth["gateway_request"] + 1
    root = next(each for each in view.spans if each.name == "gateway_request")
    assert root.request_id == record.request_id
    assert view.services == ["helpdesk", "pointsman"]


def test_siblings_stand_in_order_of_time_and_orphans_are_marked():
    """A lost parent does not hide what was received."""
    view = trace_view([span(1), span(2, 1, start=50), span(3, 1, start=20), span(4, 99)])

    assert [each.name for each in view.spans] == ["span 1", "span 3", "span 2", "span 4"]
    assert [each.orphan for each in view.spans] == [False, False, False, True]


@given(st.lists(st.tuples(st.integers(0, 12), st.none() | st.integers(0, 14)), max_size=30))
def test_every_span_is_shown_exactly_once(edges):
    """With spans that are their own parents, circles, and ids that occur twice."""
    spans = [span(number, parent) for number, parent in edges]

    ordered = in_order(spans)

    assert sorted(id(each) for each, _ in ordered) == sorted(map(id, spans))


def test_a_long_chain_and_a_great_number_are_bounded():
    """Deep traces do not run out of the page, large ones say what is left out."""
    chain = trace_view([span(number, number - 1 if number else None) for number in range(3_000)])

    assert max(each.depth for each in chain.spans) == 10
    assert (len(chain.spans), chain.left_out) == (MAX_SHOWN, 3_000 - MAX_SHOWN)


def test_values_of_any_type_are_shown_and_long_ones_cut():
    """Attributes come from any application."""
    odd = {"list": [1, None], "map": {"a": True}, "long": "x" * 5_000, "gen_ai.request.model": 7}

    facts = dict(trace_view([span(1, attributes=odd)]).spans[0].facts)

    assert facts["list"] == "[1,null]"
    assert facts["map"] == '{"a":true}'
    assert len(facts["long"]) == 2_000
