"""One test or more for each ruling on the grammar of conditions."""

from itertools import product

import pytest


@pytest.mark.parametrize(("production", "named", "dear"), list(product([True, False], repeat=3)))
def test_nested_or_stands_beside_two_other_demands(holds_for_trace, production, named, dear):
    """A-01: environment AND (model OR model) AND cost, over all eight rows."""
    raw = {
        "AND": [
            {"environment": "production"},
            {"OR": [{"model": "gpt-4"}, {"model": "claude-3-opus"}]},
            {"cost": "> 0.10"},
        ]
    }

    result = holds_for_trace(
        raw,
        environment="production" if production else "staging",
        model="claude-3-opus" if named else "gpt-4o",
        cost=0.11 if dear else 0.10,
    )

    assert result is (production and named and dear)


def test_several_keys_of_one_map_must_all_hold(holds):
    """A-02: a map is an AND."""
    raw = {"model": "gpt-4*", "environment": "production"}

    assert holds(raw, model="gpt-4o", environment="production")
    assert not holds(raw, model="gpt-4o", environment="staging")
    assert not holds(raw, model="llama", environment="production")


def test_connectors_beside_fields_are_one_more_demand(holds):
    """A-02: AND and OR keys may sit beside fields."""
    raw = {"stream": True, "OR": [{"tier": "enterprise"}, {"tier": "business"}]}

    assert holds(raw, stream=True, tier="business")
    assert not holds(raw, stream=True, tier="free")
    assert not holds(raw, stream=False, tier="business")


@pytest.mark.parametrize("name", ["AND", "and", "all"])
def test_and_has_three_spellings(holds, name):
    """A-03."""
    raw = {name: [{"stream": True}, {"tools": "> 0"}]}

    assert holds(raw, stream=True, tool_count=1)
    assert not holds(raw, stream=True, tool_count=0)


@pytest.mark.parametrize("name", ["OR", "or", "any"])
def test_or_has_three_spellings(holds, name):
    """A-03."""
    raw = {name: [{"stream": True}, {"tools": "> 0"}]}

    assert holds(raw, stream=False, tool_count=1)
    assert not holds(raw, stream=False, tool_count=0)


@pytest.mark.parametrize("name", ["NOT", "not"])
def test_not_has_two_spellings(holds, name):
    """A-03: NOT is an extension."""
    assert holds({name: {"stream": True}}, stream=False)
    assert not holds({name: {"stream": True}}, stream=True)


def test_empty_and_is_true_and_empty_or_is_false(holds):
    """A-03."""
    assert holds({"AND": []})
    assert not holds({"OR": []})


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4-0613", "GPT-4", "gpt-4 ", " gpt-4", "gpt-"])
def test_a_plain_model_name_is_the_whole_name_in_its_case(holds, model):
    """A-04: `gpt-4` is only `gpt-4`."""
    assert holds({"model": "gpt-4"}, model="gpt-4")
    assert not holds({"model": "gpt-4"}, model=model)


def test_a_star_takes_whatever_follows(holds):
    """A-04: `gpt-4*` does match `gpt-4o-mini`."""
    assert holds({"model": "gpt-4*"}, model="gpt-4o-mini")
    assert holds({"model": "gpt-4*"}, model="gpt-4")
    assert not holds({"model": "gpt-4*"}, model="openai/gpt-4")


def test_nothing_of_a_regular_expression_is_special(holds):
    """A-04: only `*` and `?` are."""
    assert holds({"model": "a.b[c]+(d)|*"}, model="a.b[c]+(d)|x")
    assert not holds({"model": "a.b*"}, model="aXb")


def test_model_before_a_call_is_the_requested_one(holds):
    """A-05: `request_model` says the same explicitly."""
    assert holds({"request_model": "auto"}, model="auto")
    assert holds({"model": "auto"}, model="auto")


@pytest.mark.parametrize(
    ("field", "fact"),
    [("tenant", "tenant"), ("tier", "tier"), ("plan", "tier"), ("user", "user"), ("key", "key")],
)
def test_globs_work_on_every_text_field(holds, field, fact):
    """A-06."""
    assert holds({field: "ac?e*"}, **{fact: "acme-enterprise"})
    assert not holds({field: "ac?e*"}, **{fact: "ace"})


@pytest.mark.parametrize(
    ("written", "below", "equal", "above"),
    [
        ("> 1000", False, False, True),
        (">= 1000", False, True, True),
        ("< 1000", True, False, False),
        ("<= 1000", True, True, False),
        ("== 1000", False, True, False),
        ("!= 1000", True, False, True),
        ("  >1000  ", False, False, True),
        (">=1000.0", False, True, True),
    ],
)
def test_comparisons_and_their_spacing(holds, written, below, equal, above):
    """A-07, with the boundary of each."""
    found = tuple(holds({"chars": written}, characters=n) for n in (999, 1000, 1001))

    assert (below, equal, above) == found


def test_comparisons_take_negative_and_fractional_numbers(holds_for_trace):
    """A-07."""
    assert holds_for_trace({"cost": "> -0.5"}, cost=0)
    assert holds_for_trace({"cost": "< 0.01"}, cost=0.0099)
    assert not holds_for_trace({"cost": "< 0.01"}, cost=0.01)


@pytest.mark.parametrize(
    ("written", "per_hour"),
    [("> 60/hour", 60), ("> 60/h", 60), ("> 1/min", 60), ("> 1/second", 3600), ("> 24/day", 1)],
)
def test_rates_compare_events_per_hour(holds_for_trace, written, per_hour):
    """A-07: every unit comes to the same."""
    assert holds_for_trace({"volume": written}, volume=per_hour + 1)
    assert not holds_for_trace({"volume": written}, volume=per_hour)


@pytest.mark.parametrize("op", [">", ">=", "<", "<=", "==", "!="])
@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_missing_number_makes_every_comparison_false(holds_for_trace, op, missing):
    """A-08: `!=` too."""
    assert not holds_for_trace({"cost": f"{op} 0"}, cost=missing)
    assert not holds_for_trace({"cost": f"{op} 0"})


def test_a_missing_text_matches_nothing(holds):
    """A-08, on fields that are None."""
    for matcher in ("acme", "*", "> 0", "!= 0", 0):
        assert not holds({"tenant": matcher})
        assert not holds({"tags.severity": matcher})


def test_not_turns_a_missing_value_around(holds):
    """A-08: the comparison is false, so its negation is true."""
    assert holds({"NOT": {"tenant": "acme"}})


def test_numbers_and_text_are_equal_after_coercion(holds, holds_for_trace):
    """A-09 and RT-19: "429" equals 429."""
    assert holds_for_trace({"error.code": "429"}, error={"code": 429})
    assert holds_for_trace({"error.code": 429}, error={"code": "429"})
    assert holds_for_trace({"error.code": 429}, error={"code": 429.0})
    assert holds({"chars": "1000"}, characters=1000)
    assert holds({"chars": 1000.0}, characters=1000)
    assert not holds_for_trace({"error.code": "429"}, error={"code": 430})


def test_true_never_equals_text_or_a_number(holds_for_trace):
    """A-09."""
    assert not holds_for_trace({"error.code": "1"}, error={"code": True})
    assert not holds_for_trace({"error.code": 1}, error={"code": True})
    assert not holds_for_trace({"cost": 1}, cost=True)
    assert not holds_for_trace({"error.code": "true"}, error={"code": True})


def test_numbers_in_other_notations_are_text(holds):
    """A-09: only plain decimals are coerced, so `1_000`, `1e3` and `inf` are not numbers."""
    for written in ("1_000", "1e3", "inf", "0x3e8", "\u0661\u0660", "1000 ", "9" * 5000):
        assert not holds({"tags.n": "> 0"}, tags={"n": written})
    assert holds({"tags.n": "> 0"}, tags={"n": "1000"})


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"error": True}, True),
        ({"error": False}, False),
        ({"error": {"code": 429}}, True),
        ({"error": {"code": 429, "type": "timeout"}}, False),
        ({"error": {"type": "rate_*"}}, True),
        ({"error.type": "rate_limit"}, True),
    ],
)
def test_error_is_a_boolean_with_entries(holds_for_trace, raw, expected):
    """A-13: true, false or a map of which every entry must hold; dotted forms are the same."""
    assert holds_for_trace(raw, error={"code": 429, "type": "rate_limit"}) is expected


def test_no_entry_of_an_error_that_did_not_happen(holds_for_trace):
    """A-13."""
    assert not holds_for_trace({"error": {"code": 429}})
    assert holds_for_trace({"error": False})


@pytest.mark.parametrize("falsy", ["", "false", "False", "0"])
def test_a_list_of_tags_asks_for_each_with_a_truthy_value(holds, falsy):
    """A-16: all of them."""
    raw = {"tags": ["demo", "beta"]}

    assert holds(raw, tags={"demo": "true", "beta": "yes"})
    assert not holds(raw, tags={"demo": "true"})
    assert not holds(raw, tags={"demo": "true", "beta": falsy})


def test_a_map_of_tags_asks_for_each_value(holds):
    """A-16: equal, by glob or by comparison, all of them."""
    raw = {"tags": {"customer_tier": "enter*", "seats": ">= 100"}}

    assert holds(raw, tags={"customer_tier": "enterprise", "seats": "100"})
    assert not holds(raw, tags={"customer_tier": "enterprise", "seats": "99"})
    assert not holds(raw, tags={"customer_tier": "enterprise"})


def test_a_dotted_tag_is_the_map_form(holds):
    """A-16 and RT-22."""
    assert holds({"tags.severity": "high"}, tags={"severity": "high"})
    assert not holds({"tags.severity": "high"}, tags={"severity": "low"})


def test_a_single_boolean_in_the_metadata_works(holds):
    """GB-03: metadata is text, in which true is `true`."""
    assert holds({"metadata.internal": True}, tags={"internal": "true"})
    assert not holds({"metadata.internal": True}, tags={"internal": "false"})
    assert holds({"tags": {"internal": False}}, tags={"internal": "false"})
    assert not holds({"tags": {"internal": False}})


def test_metadata_is_another_name_for_tags(holds):
    """A-17 and RT-23."""
    assert holds({"metadata": {"a": "1"}, "tags.b": "2"}, tags={"a": "1", "b": "2"})
    assert holds({"metadata": ["a"]}, tags={"a": "1"})


def test_a_key_with_a_dot_is_looked_up_as_it_stands_first(holds_for_trace):
    """A-17: literally, then as a path."""
    raw = {"tags.a.b": "x"}

    assert holds_for_trace(raw, tags={"a.b": "x", "a": {"b": "y"}})
    assert holds_for_trace(raw, tags={"a": {"b": "x"}})
    assert not holds_for_trace(raw, tags={"a.b": "y", "a": {"b": "x"}})
    assert not holds_for_trace(raw, tags={"a": "x"})


def test_environment_is_the_one_the_facts_name(holds):
    """A-18: whoever makes the facts has put the request's own over the configured one."""
    assert holds({"environment": "production"}, environment="production")
    assert not holds({"environment": "production"}, environment="staging")


def test_true_is_the_default_rule_and_false_a_disabled_one(holds):
    """A-49."""
    assert holds(True)
    assert not holds(False)


def test_endpoint_is_the_application_s_own_route(holds):
    """A-57: not the path at the gateway, which has a name of its own."""
    facts = {"endpoint": "/v1/chat/completions", "tags": {"endpoint": "/api/chat"}}

    assert holds({"endpoint": "/api/chat"}, **facts)
    assert not holds({"endpoint": "/v1/*"}, **facts)
    assert holds({"gateway_endpoint": "/v1/*"}, **facts)
    assert not holds({"endpoint": "*"})


def test_provider_health_alone_is_that_of_the_primary_provider(holds):
    """CP-15: other providers are read by name."""
    facts = {
        "provider_health": {"openai": "degraded", "anthropic": "ok"},
        "primary_provider": "openai",
    }

    assert holds({"provider_health": "degraded"}, **facts)
    assert holds({"provider_health.anthropic": "ok"}, **facts)
    assert holds({"provider_health": {"openai": "degraded", "anthropic": "ok"}}, **facts)
    assert not holds({"provider_health": "ok"}, **facts)
    assert not holds({"provider_health": "ok"}, provider_health={"openai": "ok"})
    assert not holds({"provider_health.other": "ok"}, **facts)


@pytest.mark.parametrize(
    ("raw", "facts"),
    [
        ({"tokens": 31}, {"estimated_input_tokens": 31}),
        ({"estimated_input_tokens": "< 32"}, {"estimated_input_tokens": 31}),
        ({"characters": 5}, {"characters": 5}),
        ({"stream": True}, {"stream": True}),
        ({"stream": False}, {}),
        ({"has_tools": True}, {"tool_count": 2}),
        ({"has_images": True}, {"image_count": 1}),
        ({"has_images": False}, {}),
        ({"json_schema": True}, {"json_schema": True}),
        ({"max_tokens": ">= 100"}, {"max_output_tokens": 100}),
        ({"complexity": "high"}, {"complexity": "high"}),
        ({"choices": "> 1"}, {"choice_count": 2}),
        ({"messages": "> 1"}, {"message_count": 2}),
    ],
)
def test_every_other_field_of_a_request_can_be_read(holds, raw, facts):
    """The names and aliases of the reference page."""
    assert holds(raw, **facts)
