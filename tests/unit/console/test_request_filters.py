"""The address of a page is its filter."""

from hypothesis import given
from hypothesis import strategies as st

from pointsman.console.request_filters import choices, link, read_filters
from pointsman.console.request_list import place_of_id
from pointsman.store.query import CallFilter

NOW_NS = 1_790_000_000_000_000_000
NAMES = ["from", "to", "outcome", "failed", "model", "error", "min_duration_ms", "key", "nonsense"]
VALUES = ["1h", "7d", "5", "true", "failed", "250", "2026-11-21T02:00:00Z", "9" * 40, "nan"]


def test_an_empty_address_asks_for_everything():
    """And its query is empty too."""
    filters = read_filters({})

    assert filters.question(NOW_NS) == CallFilter()
    assert filters.query() == ""


def test_each_filter_reaches_the_question():
    """With milliseconds made nanoseconds."""
    filters = read_filters(
        {"model": "auto", "target": "small", "reason": "r", "tenant": "t", "key": "k",
         "error": "50%", "min_duration_ms": "250", "to": "1790000000000000000",
         "route": "x", "user": "u"}
    )  # fmt: skip

    assert filters.question(NOW_NS) == CallFilter(
        model="auto", target="small", reason="r", tenant="t", key="k", error_text="50%",
        min_duration_ns=250_000_000, to_unix_ns=NOW_NS, route="x", user="u",
    )  # fmt: skip


def test_a_range_ends_now_and_a_span_has_two_ends():
    """A menu choice takes the place of the step of a chart."""
    assert read_filters({"from": "1h"}).question(NOW_NS).from_unix_ns == NOW_NS - 3_600 * 10**9
    span = read_filters({"from": "5000000", "to": "6000000"}).question(NOW_NS)
    assert (span.from_unix_ns, span.to_unix_ns) == (5_000_000, 6_000_000)
    assert read_filters({"from": "1h", "to": "6000000"}).question(NOW_NS).to_unix_ns is None


def test_any_failure_is_more_than_one_outcome():
    """Refused requests and crashes count as errors too."""
    assert read_filters({"outcome": "failed"}).question(NOW_NS) == CallFilter(failed=True)
    assert read_filters({"outcome": "refused"}).question(NOW_NS) == CallFilter(outcome="refused")


def test_what_is_said_wrongly_is_left_out():
    """An old or broken link still shows a list."""
    given_ = {
        "from": "1 year",
        "to": "-5",
        "min_duration_ms": "fast",
        "model": "   ",
        "status": "x",
    }

    assert read_filters(given_).wishes == ()


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=300) | st.sampled_from(VALUES)))
def test_any_address_is_read_and_written_again_the_same(parameters):
    """Links of a page keep its filters."""
    from urllib.parse import parse_qsl

    filters = read_filters(parameters)

    again = read_filters(dict(parse_qsl(filters.query(), keep_blank_values=True)))
    assert again == filters
    filters.question(NOW_NS)


def test_a_link_leaves_out_what_has_no_value():
    """So that nothing is filtered by accident."""
    assert link("/requests", model="a&b", target=None, key="") == "/requests?model=a%26b"


def test_a_chosen_value_stays_in_its_menu():
    """Also when the store has it no more."""
    assert choices(["a", "", "b"], "z") == ["z", "a", "b"]
    assert choices(["a"], "a") == ["a"]


def test_an_id_in_the_search_field_leads_to_its_page():
    """Of a request and of a trace, with and without `trc_`."""
    assert place_of_id("req_" + "a" * 32) == "/requests/req_" + "a" * 32
    assert place_of_id("trc_" + "b" * 32) == "/traces/" + "b" * 32
    assert place_of_id("c" * 32) == "/traces/" + "c" * 32
    assert place_of_id("connection refused") is None
