"""The plan of a request, and everything about it that the record has to say."""

import pytest

from pointsman.core.errors import (
    InternalError,
    InvalidRequestError,
    NoTargetError,
    PermissionDeniedError,
    UnknownModelError,
)
from pointsman.core.identity import ANONYMOUS, Principal
from pointsman.core.records import MAX_CANDIDATES, CallRecord, Evaluated, Exclusion
from routing_desk import AUTO, PROVIDERS, TARGETS, record_of

CALLER = Principal(key_name="ci", scopes=frozenset({"call"}))


def _names(record: CallRecord) -> list[str]:
    """Return the targets that were considered; not those that another rule would have chosen."""
    return [
        item.target
        for item in record.candidates
        if item.excluded_by is None or item.excluded_by.filter != "rule"
    ]


def _refused(desk, error: type[Exception], **request) -> tuple[CallRecord, Exception]:
    """Plan a request that is refused; return its record and the error."""
    principal = request.pop("principal", ANONYMOUS)
    override = request.pop("override", None)
    record = record_of(**request)
    with pytest.raises(error) as caught:
        desk.planner.plan(record, principal, override)
    return record, caught.value


@pytest.mark.parametrize(
    ("characters", "model", "size", "reason"),
    [
        (0, "gpt-4o-mini", "small", "short_prompt_default"),
        (1000, "gpt-4o-mini", "small", "short_prompt_default"),
        (1001, "gpt-4o", "large", "long_prompt_upgrade"),
    ],
)
@pytest.mark.parametrize("requested", ["auto", None])
def test_auto_chooses_by_size(desk, requested, characters, model, size, reason):
    """GW-03, GW-04 and the boundary of GW-05."""
    at = desk()

    record = at(requested, characters=characters)

    assert at.plan.targets[0].model == model
    assert (record.size_class, record.reason, record.route) == (size, reason, "auto")
    assert record.override_source is None


def test_the_threshold_is_the_configured_one(desk):
    """GW-05."""
    rules = [{"when": {"chars": "<= 10"}, "use": "small"}, {"use": "large"}]
    at = desk(routes={"auto": {"rules": rules}})

    assert at(characters=10).size_class == "small"
    assert at(characters=11).size_class == "large"
    assert at("gpt-99", characters=11).size_class == "large"


@pytest.mark.parametrize("model", ["gpt-99", "Weird Name/ü", "gpt-4o-mini", "small"])
def test_an_explicit_name_is_passed_on_and_the_record_says_who_chose(desk, model):
    """GW-02, GW-06, GW-18 and GW-25; the size class is computed all the same."""
    at = desk()

    record = at(model, characters=5000)

    assert at.plan.targets[0].model == {"small": "gpt-4o-mini"}.get(model, model)
    assert (record.override_source, record.route, record.rule) == ("model", None, None)
    expected = "explicit_target" if model == "small" else "explicit_model_passthrough"
    assert (record.reason, record.size_class) == (expected, "large")


def test_auto_without_a_route_was_decided_by_the_gateway(desk):
    """GW-18: nobody named the target."""
    record = desk(routes={})()

    assert (_names(record), record.reason) == (["small"], "default_policy")
    assert (record.override_source, record.route) == (None, None)


def test_an_unknown_name_leaves_a_record_that_was_not_routed(desk):
    """404, with the size class known."""
    record, _ = _refused(desk(server={"strict": True}), UnknownModelError, model="gpt-99")

    assert (record.reason, record.route, record.candidates) == ("not_routed", None, [])
    assert record.size_class == "small"


CP_15 = {
    "providers": PROVIDERS,
    "targets": {
        "mini": {"provider": "openai", "model": "gpt-4o-mini"},
        "flagship": {"provider": "openai", "model": "gpt-4.1"},
        "claude": {"provider": "anthropic", "model": "claude-3-5-sonnet"},
    },
    "routes": {
        "auto": {
            "rules": [
                {
                    "when": {"provider_health": "degraded"},
                    "use": "claude",
                    "reason": "provider_failover",
                },
                {
                    "when": {"tier": "enterprise", "complexity": "high"},
                    "use": "flagship",
                    "reason": "enterprise_high_complexity",
                },
                {"use": "mini", "reason": "default_fast_path"},
            ]
        }
    },
}


@pytest.mark.parametrize(
    ("health", "tier", "complexity", "model", "reason"),
    [
        ("degraded", "enterprise", "high", "claude-3-5-sonnet", "provider_failover"),
        ("degraded", "enterprise", "low", "claude-3-5-sonnet", "provider_failover"),
        ("degraded", "free", "high", "claude-3-5-sonnet", "provider_failover"),
        ("degraded", None, "low", "claude-3-5-sonnet", "provider_failover"),
        ("ok", "enterprise", "high", "gpt-4.1", "enterprise_high_complexity"),
        ("ok", "enterprise", "low", "gpt-4o-mini", "default_fast_path"),
        ("ok", "free", "high", "gpt-4o-mini", "default_fast_path"),
        ("ok", None, "low", "gpt-4o-mini", "default_fast_path"),
    ],
)
def test_the_three_rule_table(desk, health, tier, complexity, model, reason):
    """CP-15: written as configuration, with these reasons in this order."""
    at = desk(**CP_15)
    at.health.providers["openai"] = health

    record = at(tier=tier, tags={"complexity": complexity})

    assert (at.plan.targets[0].model, record.reason) == (model, reason)
    assert record.facts.provider_health == {"openai": health, "anthropic": "ok"}
    assert (record.facts.primary_provider, record.facts.complexity) == ("openai", complexity)


def test_a_static_rule_on_one_boolean_of_the_metadata(desk):
    """GB-03."""
    rules = [{"when": {"metadata.internal": True}, "use": "small"}, {"use": "large"}]
    at = desk(routes={"auto": {"rules": rules}})

    assert _names(at(tags={"internal": "true"})) == ["small"]
    assert _names(at(tags={"internal": "false"})) == ["large"]
    assert _names(at()) == ["large"]


def test_every_rule_looked_at_is_recorded_with_both_values(desk):
    """In order, up to the one that matched."""
    record = desk()(characters=1500)

    first, second = record.rules_evaluated
    assert (first.rule.id, first.matched) == ("routes.auto.rules[0]", False)
    assert first.condition == Evaluated(
        result=False, fact="characters", op="<=", expected=1000, actual=1500
    )
    assert (second.matched, second.condition) == (True, None)
    assert record.rule is second.rule
    assert len(desk()(characters=1).rules_evaluated) == 1


def test_the_chain_in_order_prefers_the_primary_provider(desk):
    """CP-16 and GB-20: an alias for several deployments; normally the first serves."""
    at = desk(routes={"chat": {"targets": ["large", "sonnet"], "timeout": "90s"}})

    record = at("chat")

    assert [target.name for target in at.plan.targets] == ["large", "sonnet"]
    assert (record.reason, record.route) == ("primary_provider_ok", "chat")
    assert (at.plan.timeout_s, at.plan.route) == (90.0, "chat")
    assert record.override_source is None


@pytest.mark.parametrize(
    ("rule", "route", "expected"),
    [
        ("rule_match", "cost_policy", "rule_match"),
        (None, "cost_policy", "cost_policy"),
        (None, None, "primary_provider_ok"),
    ],
)
def test_the_rule_s_reason_comes_before_the_route_s(desk, rule, route, expected):
    """CP-02."""
    rules = [{"use": "small", "reason": rule}]

    assert desk(routes={"auto": {"rules": rules, "reason": route}})().reason == expected


def test_when_no_rule_matches_the_targets_of_the_route_serve(desk):
    """With the route's own reason."""
    route = {
        "rules": [{"when": {"stream": True}, "use": "small"}],
        "targets": ["large"],
        "reason": "default_policy",
    }

    record = desk(routes={"auto": route})()

    assert (_names(record), record.reason, record.rule) == (["large"], "default_policy", None)
    assert [item.matched for item in record.rules_evaluated] == [False]


def test_when_no_rule_matches_and_there_is_no_target(desk):
    """503, and the record shows the rules."""
    rules = [{"when": {"stream": True}, "use": "small"}]

    record, error = _refused(desk(routes={"auto": {"rules": rules}}), NoTargetError)

    assert "no rule of the route `auto` matched" in error.message
    assert [item.matched for item in record.rules_evaluated] == [False]


def test_a_weighted_route_records_its_draw(desk):
    """Shares over the eligible, the value, the choice."""
    weights = {"large": 90, "sonnet": 10, "small": 100}
    route = {"strategy": {"kind": "weighted", "weights": weights}}
    at = desk(routes={"chat": route}, draw=0.95)
    at.health.targets["small"] = "down"

    record = at("chat")

    assert record.draw.weights == {"large": 0.9, "sonnet": 0.1}
    assert (record.draw.value, record.draw.chosen) == (0.95, "sonnet")
    assert _names(record) == ["sonnet", "large", "small"]
    assert [target.name for target in at.plan.targets] == ["sonnet", "large"]
    assert record.reason == "load_balance"


def test_a_target_without_a_weight_and_failover_come_after_the_drawn(desk):
    """The draw is among the weighted targets only."""
    route = {
        "targets": ["small", "large"],
        "strategy": {"kind": "weighted", "weights": {"large": 1}},
        "failover": ["sonnet"],
    }

    record = desk(routes={"chat": route})("chat")

    assert _names(record) == ["large", "small", "sonnet"]
    assert record.draw.weights == {"small": 0.0, "large": 1.0}


@pytest.mark.parametrize(
    ("provider", "target", "pinned", "code"),
    [
        ("down", None, None, "provider_down"),
        ("ok", "down", None, "target_down"),
        ("ok", "ok", "down", "pinned_down"),
    ],
)
def test_a_target_that_is_down_is_passed_over_with_its_values(desk, provider, target, pinned, code):
    """Provider or target, observed or pinned; another serves and the reason says failover."""
    openai = {"kind": "openai", "default": True, "health": pinned}
    at = desk(providers={**PROVIDERS, "openai": openai})
    at.health.providers["openai"] = provider
    if target is not None:
        at.health.targets["small"] = target

    record = at()

    assert record.candidates[0].excluded_by == Exclusion("health", code, "down", "degraded")
    assert record.candidates[0].state.health == "down"
    assert [item.name for item in at.plan.targets] == ["sonnet"]
    assert record.reason == "provider_failover"


@pytest.mark.parametrize("pinned", ["ok", "degraded"])
def test_a_pinned_state_stands_for_the_observed_ones(desk, pinned):
    """The operator's word."""
    at = desk(providers={**PROVIDERS, "openai": {"kind": "openai", "health": pinned}})
    at.health.providers["openai"] = "down"
    at.health.targets["small"] = "down"

    record = at()

    assert record.candidates[0].eligible
    assert record.candidates[0].state.health == pinned
    assert record.facts.provider_health["openai"] == pinned


def test_a_degraded_target_still_serves(desk):
    """Only down excludes; rules may ask for more."""
    at = desk()
    at.health.providers["openai"] = "degraded"

    record = at()

    assert record.candidates[0].eligible
    assert record.candidates[0].state.health == "degraded"


def test_traffic_returns_when_the_primary_recovers(desk):
    """CP-09: nothing of the failover stays behind."""
    at = desk()
    at.health.providers["openai"] = "down"
    assert at().reason == "provider_failover"

    at.health.providers["openai"] = "ok"

    assert at().reason == "short_prompt_default"


def test_targets_of_other_rules_are_candidates_that_a_rule_passed_over(desk):
    """GW-22: what they would have cost can be told; both rules are named, neither is tried."""
    record = desk()()

    passed_over = [item for item in record.candidates if not item.eligible]
    assert [(item.target, item.excluded_by) for item in passed_over] == [
        (
            "large",
            Exclusion("rule", "another_rule_chose", "routes.auto.rules[0]", "routes.auto.rules[1]"),
        )
    ]


def test_all_down_is_a_503_that_shows_every_candidate(desk):
    """The record says what excluded each."""
    at = desk()
    at.health.providers.update(openai="down", anthropic="down")

    record, error = _refused(at, NoTargetError)

    assert error.http_status == 503
    assert [item.excluded_by.code for item in record.candidates] == [
        "provider_down",
        "provider_down",
        "another_rule_chose",
    ]


@pytest.mark.parametrize(
    ("tokens", "output", "eligible"),
    [(1000, None, True), (1001, None, False), (600, 400, True), (600, 401, False)],
)
def test_a_context_must_hold_input_and_output(desk, tokens, output, eligible):
    """`sonnet` has 1000 tokens here."""
    at = desk()

    record = at(characters=5000, estimated_input_tokens=tokens, max_output_tokens=output)

    spare = record.candidates[1]
    assert spare.eligible is eligible
    if not eligible:
        needed = tokens + (output or 0)
        assert spare.excluded_by == Exclusion("context", "too_long", needed, 1000)


def test_the_first_that_fits_is_the_rule_s_own_choice(desk):
    """Passing over a context that is too small is no failover."""
    rules = [{"use": ["sonnet", "large"], "reason": "rule_match"}]
    at = desk(routes={"auto": {"rules": rules}})

    record = at(estimated_input_tokens=5000)

    assert [target.name for target in at.plan.targets] == ["large"]
    assert record.reason == "rule_match"


def test_too_long_for_every_context_is_the_caller_s_to_change(desk):
    """400 with OpenAI's code, not a 503."""
    at = desk(routes={"auto": {"targets": ["sonnet"]}})

    record, error = _refused(at, InvalidRequestError, estimated_input_tokens=2000)

    assert error.wire_code == "context_length_exceeded"
    assert "2000" in error.message
    assert "1000" in error.message
    assert record.candidates[0].excluded_by.filter == "context"


def test_too_long_for_what_is_up_is_a_503(desk):
    """A larger target is down: waiting may help."""
    at = desk(routes={"auto": {"targets": ["sonnet", "large"]}})
    at.health.targets["large"] = "down"

    _refused(at, NoTargetError, estimated_input_tokens=2000)


@pytest.mark.parametrize("model", ["auto", None, "small", "gpt-99", "anthropic/x"])
def test_a_name_outside_the_key_s_scope_is_a_403(desk, model):
    """Each candidate is excluded with both values."""
    principal = Principal(models=("gpt-4*", "large"), scopes=frozenset({"call"}))

    record, error = _refused(desk(), PermissionDeniedError, model=model, principal=principal)

    assert (error.http_status, error.wire_code) == (403, "model_not_allowed")
    assert record.reason == "not_routed"
    expected = Exclusion("key_scope", "name_not_allowed", model or "auto", "gpt-4*, large")
    assert {str(item.excluded_by) for item in record.candidates} == {str(expected)}


def test_a_name_within_the_key_s_scope_may_be_routed_anywhere(desk):
    """The scope is about names that are asked for; what a route chooses is the operator's."""
    at = desk()
    principal = Principal(models=("aut?",), scopes=frozenset({"call"}))

    assert at(principal=principal).candidates[0].eligible


def test_a_key_learns_nothing_about_names_outside_its_scope(desk):
    """Also not whether they exist."""
    principal = Principal(models=("auto",), scopes=frozenset({"call"}))

    record, _ = _refused(
        desk(server={"strict": True}), PermissionDeniedError, model="sonet", principal=principal
    )

    assert record.candidates == []


def test_an_allowed_override_is_honoured_alone(desk):
    """CP-10: no rule and no failover replaces what was asked for."""
    at = desk()

    record = at(override="sonnet")

    assert [target.name for target in at.plan.targets] == ["sonnet"]
    assert (record.override_source, record.reason) == ("header", "caller_override")
    assert (record.override_rejected, record.route) == (None, "auto")
    assert record.rules_evaluated == []


def test_an_override_to_an_undreamt_provider_reads_its_state(desk):
    """One that the route itself would never call."""
    at = desk(routes={"auto": {"targets": ["small"]}})

    assert at(override="sonnet").facts.provider_health == {"openai": "ok", "anthropic": "ok"}


def test_an_override_works_beside_an_explicit_model(desk):
    """No route forbids it; the state of its provider is read."""
    at = desk()
    at.health.providers["anthropic"] = "degraded"

    record = at("gpt-99", override="sonnet")

    assert _names(record) == ["sonnet"]
    assert record.facts.provider_health == {"openai": "ok", "anthropic": "degraded"}


def test_an_override_to_a_target_that_is_down_is_a_503(desk):
    """Never silently replaced."""
    at = desk()
    at.health.targets["sonnet"] = "down"

    record, _ = _refused(at, NoTargetError, override="sonnet")

    assert (_names(record), record.override_source) == (["sonnet"], "header")


@pytest.mark.parametrize(
    ("override", "principal", "route", "rejected"),
    [
        ("sonnet", CALLER, AUTO, "sonnet: scope_missing"),
        ("nobody", CALLER, AUTO, "nobody: scope_missing"),
        ("nobody", ANONYMOUS, AUTO, "nobody: unknown_target"),
        ("auto", ANONYMOUS, AUTO, "auto: unknown_target"),
        ("sonnet", ANONYMOUS, {**AUTO, "allow_override": False}, "sonnet: route_forbids"),
        ("x\r\nü: 1", ANONYMOUS, AUTO, "x???: 1: unknown_target"),
        ("y" * 100, ANONYMOUS, AUTO, "y" * 64 + ": unknown_target"),
        (
            "sonnet",
            Principal(models=("auto",), scopes=frozenset({"override"})),
            AUTO,
            "sonnet: key_scope",
        ),
    ],
)
def test_a_rejected_override_is_recorded_and_the_route_decides(
    desk, override, principal, route, rejected
):
    """CP-10: with the reason for the refusal."""
    record = desk(routes={"auto": route})(principal=principal, override=override)

    assert (record.override_rejected, record.override_source) == (rejected, None)
    assert (record.candidates[0].target, record.reason) == ("small", "short_prompt_default")


def test_a_model_of_several_targets_fails_over_between_them(desk):
    """File order; the reason says when the first was passed over."""
    targets = {**TARGETS, "twin": {"provider": "anthropic", "model": "gpt-4o"}}
    at = desk(targets=targets)
    assert at("gpt-4o").reason == "explicit_model_passthrough"

    at.health.providers["openai"] = "down"
    record = at("gpt-4o")

    assert [target.name for target in at.plan.targets] == ["twin"]
    assert (record.reason, record.override_source) == ("provider_failover", "model")


def test_candidates_in_the_record_are_bounded(desk):
    """Eligible ones are kept first; the rest is counted by what excluded it."""
    names = [f"t{index:03}" for index in range(MAX_CANDIDATES * 2)]
    targets = {name: {"provider": "openai", "model": name} for name in names}
    at = desk(targets=targets, routes={"auto": {"targets": names}})
    at.health.targets.update(dict.fromkeys(names[:70], "down"))

    record = at()

    assert len(record.candidates) == MAX_CANDIDATES
    assert sum(item.eligible for item in record.candidates) == 58
    assert record.candidates_omitted == {"health": 64}
    assert [target.name for target in at.plan.targets] == names[70:]


def test_eligible_targets_beyond_the_bound_are_not_tried(desk):
    """Nothing outside the record is acted on."""
    names = [f"t{index:03}" for index in range(MAX_CANDIDATES + 6)]
    targets = {name: {"provider": "openai", "model": name} for name in names}
    at = desk(targets=targets, routes={"auto": {"targets": names}})

    record = at()

    assert record.candidates_omitted == {"not_reached": 6}
    assert [target.name for target in at.plan.targets] == names[:MAX_CANDIDATES]


def test_a_record_without_facts_is_a_bug(desk):
    """Facts come before the plan."""
    record = record_of()
    record.facts = None

    with pytest.raises(InternalError):
        desk().planner.plan(record, ANONYMOUS, None)


def test_scopes_are_remembered_within_bounds(desk, monkeypatch):
    """Keys come and go; the memory of their patterns does not grow with them."""
    monkeypatch.setattr("pointsman.routing.scope._MAX_REMEMBERED", 3)
    at = desk()

    for index in range(10):
        principal = Principal(models=("auto", f"k{index}"), scopes=frozenset({"call"}))
        at(principal=principal)

    assert len(at.planner._scopes._compiled) <= 3
