"""What `resilience` and `residency` accept, and what is said about what cannot work."""

from configuration_text import config, paths, warnings

BASE = """
providers: {mock: {kind: mock, default: true, region: eu}}
targets: {t: {provider: mock, model: m}}
"""


def test_defaults_are_the_documented_ones():
    """GB-14: five failures, thirty seconds; AP-09: two retries."""
    found = config(BASE).resilience

    assert (found.breaker.failures, found.breaker.open_for) == (5, 30.0)
    assert found.retry.max_retries == 2
    assert found.max_cost_ratio is None


def test_a_target_and_a_route_may_say_otherwise():
    """Each setting where it belongs."""
    text = BASE.replace("model: m", "model: m, breaker: {failures: 2}, retry: {max_retries: 0}")
    text += "routes: {r: {targets: [t], retry_first: true, max_cost_ratio: 2.5}}\n"
    found = config(text)

    assert found.targets["t"].breaker.failures == 2
    assert found.targets["t"].retry.max_retries == 0
    assert (found.routes["r"].retry_first, found.routes["r"].max_cost_ratio) == (True, 2.5)


def test_what_is_out_of_bounds_is_refused_where_it_stands():
    """With its path."""
    text = BASE + "resilience: {retry: {max_retries: 11}, max_cost_ratio: 0.5, max_in_flight: 0}\n"

    assert sorted(paths(text)) == [
        "resilience.max_cost_ratio",
        "resilience.max_in_flight",
        "resilience.retry.max_retries",
    ]


def test_a_route_without_time_for_a_second_attempt_is_warned_of():
    """FO-19: allowed, and probably not meant."""
    text = BASE + "routes: {r: {targets: [t], timeout: 500ms}}\n"

    assert "no second attempt is ever made" in warnings(text)


def test_a_residency_rule_names_places_that_exist():
    """LO-07: a place that is misspelt would keep everything away."""
    assert paths(BASE + "residency: [{when: {nonsense: 1}, regions: [eu]}, {}]\n") == [
        "residency[0].when.nonsense",
        "residency[1].regions",
    ]
    assert "no target or provider is in" in warnings(BASE + "residency: [{regions: [ue]}]\n")
