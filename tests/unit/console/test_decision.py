"""Values beside words: candidates, rules, limits and the bill."""

from hypothesis import given

from arbitrary_records import records
from pointsman.console.bill import bill_of
from pointsman.console.decision import candidate_views, limit_views, rule_views
from pointsman.console.request_page import overhead_ns, similar_links
from pointsman.console.trace_page import total_cost
from sample_records import TARGETS, Traffic, cost_on


def test_an_excluded_candidate_shows_filter_and_both_values():
    """The two values that were compared, not only a verdict."""
    record = Traffic(10**18).call(None, "failover")

    views = {view.target: view for view in candidate_views(record)}

    llama = views["llama"]
    assert llama.mark.word == "excluded"
    assert (llama.filter, llama.observed, llama.limit) == (
        "health · provider_down", "down", "degraded",
    )  # fmt: skip
    assert views["sonnet"].mark.word == "chosen"
    assert views[record.attempts[0].target].mark.word == "tried, failed"


def test_other_candidates_show_what_they_would_have_cost():
    """GW-22: whether the prompt or the model made it dear."""
    record = Traffic(10**18).call(None, "plain")

    for view in candidate_views(record):
        cost = cost_on(view.target, record.usage).total_nano_usd
        assert view.cost_nano_usd == cost
        if view.is_chosen or TARGETS[view.target][2] is None:
            assert view.difference_nano_usd is None
        else:
            assert view.difference_nano_usd == cost - record.cost.total_nano_usd


def test_rules_show_each_comparison_with_what_was_found():
    """Also those that did not match."""
    record = Traffic(10**18).call(None, "plain")

    first = rule_views(record)[0]

    assert first.place == "routes.auto.rules[0] (pointsman.yaml:21)"
    assert first.lines[0].text == f"characters <= 1000, was {record.facts.characters}"
    assert first.lines[0].holds == first.matched


def test_a_limit_that_refused_is_full():
    """The counters are told with their unit."""
    view = limit_views(Traffic(10**18).call(None, "refused"))[0]

    assert (view.kind, view.before, view.limit, view.share, view.refused) == (
        "spend day", "$50", "$50", 100.0, True,
    )  # fmt: skip


def test_lines_of_a_bill_carry_their_share():
    """They add up to the whole."""
    record = Traffic(10**18).call(None, "plain")

    bill = bill_of(record)

    assert sum(line.nano_usd for line in bill.lines) == bill.total_nano_usd
    assert bill.lines[-1].unit == "output tokens"
    assert bill.lines[-1].share.endswith(" %")


def test_an_unknown_price_is_unknown_in_every_sum():
    """Never 0."""
    traffic = Traffic(10**18)
    priced, unpriced = traffic.call(None, "plain"), traffic.call(None, "unknown_price")

    assert bill_of(unpriced).total_nano_usd is None
    assert total_cost([unpriced]) == (None, 1)
    assert total_cost([priced, unpriced]) == (priced.cost.total_nano_usd, 1)


def test_the_gateways_own_time_leaves_out_upstream_and_pauses():
    """CP-12: a retry's pause is not the gateway's work."""
    record = Traffic(10**18).call(None, "retried")

    assert 0 <= overhead_ns(record) < 5_000_000


@given(records)
def test_any_record_has_its_views(record):
    """They never raise."""
    candidate_views(record)
    rule_views(record)
    limit_views(record)
    bill_of(record)
    overhead_ns(record)
    similar_links(record)
