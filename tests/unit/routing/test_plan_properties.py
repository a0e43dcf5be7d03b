"""What holds for every plan, whatever the configuration, the health and the request."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.errors import CallError, NoTargetError
from pointsman.core.identity import ANONYMOUS
from pointsman.core.reasons import ROUTE_REASONS
from pointsman.core.records import CallRecord
from pointsman.routing import Plan, Planner, RoutingTable
from pointsman.routing.strategies import pick
from routing_desk import PROVIDERS, ToldHealth, load, record_of

NAMES = ["a", "b", "c", "d"]
TARGETS = {
    "a": {"provider": "openai", "model": "m1", "context_tokens": 100},
    "b": {"provider": "anthropic", "model": "m1"},
    "c": {"provider": "openai", "model": "m2"},
    "d": {"provider": "anthropic", "model": "m3", "context_tokens": 50},
}
CHAINS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=5)
STATES = st.sampled_from(["ok", "degraded", "down"])
CONDITIONS = st.sampled_from(
    [
        {"chars": "<= 100"},
        {"provider_health": "degraded"},
        {"provider_health.anthropic": "down"},
        {"tier": "enterprise", "complexity": "high"},
        {"NOT": {"stream": True}},
        {"tags.x": "1"},
        False,
    ]
)
RULES = st.lists(st.fixed_dictionaries({"use": CHAINS}, optional={"when": CONDITIONS}), max_size=3)
WEIGHTED = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 9), min_size=1).map(
    lambda weights: {"strategy": {"kind": "weighted", "weights": weights}}
)
ROUTES = st.one_of(
    st.fixed_dictionaries({"targets": CHAINS, "rules": RULES}, optional={"failover": CHAINS}),
    WEIGHTED,
)
REQUESTS = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["auto", None, "a", "m1", "openai/m9", "unheard-of"]),
        "characters": st.integers(0, 300),
        "estimated_input_tokens": st.integers(0, 150),
        "max_output_tokens": st.none() | st.integers(0, 50),
        "stream": st.booleans(),
        "tier": st.none() | st.just("enterprise"),
        "tags": st.sampled_from([{}, {"x": "1"}, {"complexity": "high"}]),
    }
)
HEALTH = st.fixed_dictionaries(
    {"openai": STATES, "anthropic": STATES, **{name: st.none() | STATES for name in NAMES}}
)
OVERRIDES = st.none() | st.sampled_from(["d", "nobody"])
DRAWS = st.floats(0, 1, exclude_max=True)


def _planned(route, health, request, override, draw) -> tuple[CallRecord, Plan | None]:
    loaded = load(providers=PROVIDERS, targets=TARGETS, routes={"auto": route})
    told = ToldHealth()
    told.providers = {name: health[name] for name in PROVIDERS}
    told.targets = {name: health[name] for name in NAMES if health[name]}
    planner = Planner(RoutingTable.compile(loaded), told, lambda: draw)
    record = record_of(**request)
    try:
        return record, planner.plan(record, ANONYMOUS, override)
    except (NoTargetError, CallError):
        return record, None


@given(ROUTES, HEALTH, REQUESTS, OVERRIDES, DRAWS)
def test_what_is_tried_is_eligible_in_its_own_record(route, health, request, override, draw):
    """Design §5: and in the order of the record; no plan means no eligible candidate."""
    record, plan = _planned(route, health, request, override, draw)
    eligible = [item.target for item in record.candidates if item.eligible]

    if plan is None:
        assert eligible == []
    else:
        assert [target.name for target in plan.targets] == eligible != []
        assert len(set(eligible)) == len(eligible)


@given(ROUTES, HEALTH, REQUESTS, OVERRIDES, DRAWS)
def test_every_candidate_is_eligible_or_shows_two_values(route, health, request, override, draw):
    """Never both, never neither; and the values bear the exclusion out."""
    record, _ = _planned(route, health, request, override, draw)

    for item in record.candidates:
        assert item.eligible is (item.excluded_by is None)
        if item.excluded_by is None:
            assert item.state.health != "down"
        elif item.excluded_by.filter == "context":
            assert item.excluded_by.observed > item.excluded_by.limit
        elif item.excluded_by.filter == "rule":
            chose = "no rule" if record.rule is None else record.rule.id
            assert item.excluded_by.observed == chose != item.excluded_by.limit
        else:
            assert item.state.health == item.excluded_by.observed == "down"


@given(ROUTES, HEALTH, REQUESTS, OVERRIDES, DRAWS)
def test_the_rule_is_the_last_one_evaluated_and_the_only_match(
    route, health, request, override, draw
):
    """First match wins, and evaluation stops there."""
    record, _ = _planned(route, health, request, override, draw)
    looked_at = record.rules_evaluated

    assert [item.rule for item in looked_at if item.matched] == (
        [record.rule] if record.rule is not None else []
    )
    assert all(not item.matched for item in looked_at[:-1])
    for item in looked_at:
        assert item.condition is None or item.condition.result is item.matched


@given(ROUTES, HEALTH, REQUESTS, OVERRIDES, DRAWS)
def test_same_facts_and_draw_give_the_same_record(route, health, request, override, draw):
    """Invariant 14: same record, same config version, same choice."""
    first, _ = _planned(route, health, request, override, draw)
    second, _ = _planned(route, health, request, override, draw)

    assert msgspec.json.encode(first) == msgspec.json.encode(second)
    if first.draw is not None:
        assert pick(first.draw.weights, first.draw.value) == first.draw.chosen


@given(ROUTES, HEALTH, REQUESTS, OVERRIDES, DRAWS)
def test_reasons_are_of_the_vocabulary(route, health, request, override, draw):
    """CP-02; and an override is honoured or rejected, never lost (CP-10)."""
    record, _ = _planned(route, health, request, override, draw)

    assert record.reason in ROUTE_REASONS
    if override is not None:
        assert (record.override_source == "header") is (record.override_rejected is None)
