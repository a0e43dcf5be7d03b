"""Who may stand in for whom: by what models take, where they run, what they cost, how they are."""

import pytest

from pointsman.core.capabilities import Capabilities
from pointsman.core.errors import InvalidRequestError, NoTargetError
from pointsman.core.identity import ANONYMOUS
from pointsman.core.records import BreakerDetail, Exclusion, TargetState
from pointsman.providers.capabilities import known_capabilities
from pointsman.routing import Planner, RoutingTable
from routing_desk import Desk, ToldHealth, load, record_of

TARGETS = {
    "eyes": {"provider": "openai", "model": "gpt-4o", "region": "us"},
    "text": {"provider": "openai", "model": "text", "capabilities": {"vision": False}},
    "plain": {
        "provider": "anthropic",
        "model": "plain",
        "region": "eu",
        "capabilities": {"tools": False, "json_schema": False, "tools_in_streams": False},
    },
}


def desk(targets: list[str], **sections) -> Desk:
    """A planner over one route."""
    return Desk(targets={**TARGETS}, routes={"auto": {"targets": targets}}, **sections)


@pytest.mark.parametrize(
    ("facts", "exclusion"),
    [
        ({"image_count": 2}, Exclusion("capability", "no_vision", 2, 0)),
        ({"tool_count": 3}, Exclusion("capability", "no_tools", 3, 0)),
        ({"json_schema": True}, Exclusion("capability", "no_json_schema", True, False)),
    ],
)
def test_a_target_that_does_not_take_the_request_is_passed_over(facts, exclusion):
    """FO-05, MM-11: with the two values; it is no failover, the first was never a choice."""
    first = "text" if "image_count" in facts else "plain"
    at = desk([first, "eyes"])
    record = at(**facts)

    assert [item.name for item in at.plan.targets] == ["eyes"]
    assert record.candidates[0].excluded_by == exclusion
    assert record.reason == "primary_provider_ok"


def test_tools_in_streams_are_a_capability_of_their_own():
    """MM-11: the same tools may be asked for without streaming."""
    capabilities = {"tools_in_streams": False}
    targets = {
        **TARGETS,
        "slow": {"provider": "openai", "model": "m", "capabilities": capabilities},
    }
    at = Desk(targets=targets, routes={"auto": {"targets": ["slow", "eyes"]}})

    assert at(tool_count=1).candidates[0].eligible
    assert at(tool_count=1, stream=True).candidates[0].excluded_by.code == "no_stream_tools"


def test_when_nobody_takes_the_request_the_error_names_what_each_lacks():
    """FO-05: a clear error, and no hint to try again."""
    at = desk(["text", "plain"])

    with pytest.raises(InvalidRequestError) as caught:
        at(image_count=1, tool_count=1)

    assert caught.value.wire_code == "no_capable_target"
    assert "text: capability no_vision (1 against 0)" in caught.value.message
    assert "plain: capability no_tools (1 against 0)" in caught.value.message


def test_what_is_unknown_excludes_nobody():
    """A table that is behind must not take targets away."""
    at = Desk(targets={"any": {"provider": "openai", "model": "brand-new"}}, routes={})

    assert at("any", image_count=1, tool_count=1, json_schema=True).candidates[0].eligible


def test_the_built_in_table_holds_where_nothing_is_written():
    """The context too; and a target's own word wins."""
    targets = {
        "known": {"provider": "openai", "model": "gpt-4"},
        "own": {"provider": "openai", "model": "gpt-4", "capabilities": {"vision": True}},
        "large": {"provider": "openai", "model": "gpt-4", "context_tokens": 100_000},
    }
    table = RoutingTable.compile(load(targets=targets, routes={}), known_capabilities)

    assert table.targets["known"].capabilities.vision is False
    assert table.targets["own"].capabilities.vision is True
    assert table.targets["known"].context_tokens == 8192
    assert table.targets["large"].context_tokens == 100_000
    assert table.undeclared("openai", "gpt-3.5-turbo").capabilities.json_schema is False


@pytest.mark.parametrize("model", ["mistral-small3.1", "mistral-large-3", "llama3.2-vision"])
def test_a_relative_that_takes_images_is_not_taken_for_one_that_does_not(model: str):
    """A wrong no turns away what would have been served."""
    assert known_capabilities("ollama", model).vision is None


@pytest.mark.parametrize("model", ["gpt-5", "my-own/gpt-4o", "claude-sonnet-4-6", "qwen3"])
def test_models_that_nobody_described_are_unknown(model: str):
    """No guess is made from a likeness of names."""
    assert known_capabilities("openai", model) == Capabilities()


PRIVATE = [{"when": {"tags.data": "private"}, "regions": ["eu"]}]


def test_private_requests_stay_where_they_may_be():
    """LO-07: whatever the caller names; a target without a place is outside."""
    at = desk(["eyes", "text", "plain"], residency=PRIVATE)

    record = at(tags={"data": "private"})
    assert [item.name for item in at.plan.targets] == ["plain"]
    assert record.candidates[0].excluded_by == Exclusion(
        "residency", "region_not_allowed", "us", "eu"
    )
    assert record.candidates[1].excluded_by.observed == "unknown"
    assert len(at(tags={}).candidates) == 3
    with pytest.raises(InvalidRequestError) as caught:
        at("openai/gpt-4o-mini", tags={"data": "private"})
    assert "residency region_not_allowed (unknown against eu)" in caught.value.message


def test_every_rule_that_matches_must_allow_the_place():
    """Two rules leave what both allow: here nothing."""
    rules = [*PRIVATE, {"regions": ["us"]}]

    with pytest.raises(InvalidRequestError):
        desk(["eyes", "plain"], residency=rules)(tags={"data": "private"})


def planned(ratio: float | None, prices: dict[str, int | None]):
    """Plan with told prices."""
    route = {"targets": ["eyes"], "failover": ["text", "plain"]}
    loaded = load(targets=TARGETS, routes={"auto": route}, resilience={"max_cost_ratio": ratio})
    planner = Planner(
        RoutingTable.compile(loaded),
        ToldHealth(),
        lambda: 0.5,
        lambda target, _record: prices[target.name],
    )
    record = record_of()
    return planner.plan(record, ANONYMOUS, None), record


def test_failover_that_costs_too_much_is_excluded():
    """MM-12: three times is allowed, ten times is not, unknown is not known to be too much."""
    plan, record = planned(3.0, {"eyes": 100, "text": 1000, "plain": 300})
    assert [item.name for item in plan.targets] == ["eyes", "plain"]
    assert record.candidates[1].excluded_by == Exclusion("cost", "over_ratio", 10.0, 3.0)

    plan, _ = planned(3.0, {"eyes": 100, "text": None, "plain": 300})
    assert [item.name for item in plan.targets] == ["eyes", "text", "plain"]
    assert len(planned(None, {"eyes": 100, "text": 1000, "plain": 1})[0].targets) == 3
    assert len(planned(3.0, {"eyes": None, "text": 1000, "plain": 1})[0].targets) == 3


def state(**detail) -> TargetState:
    word = detail.pop("state")
    shown = BreakerDetail(
        cause="failures_in_a_row", observed=5, limit=5, opened_by="req_9", **detail
    )
    return TargetState(health="ok", breaker=word, breaker_detail=shown)


def test_an_open_breaker_excludes_with_both_values_and_the_time_left():
    """GB-14, field notes 8.2 and 8.7: and the request that opened it."""
    at = desk(["eyes", "text"])
    at.health.states["eyes"] = state(state="open", left_s=12.4)
    record = at()

    assert record.candidates[0].excluded_by == Exclusion("breaker", "open", 5, 5, 12.4, "req_9")
    assert record.reason == "provider_failover"


def test_while_one_call_tries_a_target_the_others_go_elsewhere():
    """GB-15."""
    at = desk(["eyes", "text"])
    at.health.states["eyes"] = state(state="half_open", left_s=0.0, tried_by="req_1")

    assert at().candidates[0].excluded_by.code == "being_tried"
    at.health.states["eyes"] = state(state="half_open", left_s=0.0)
    assert at().candidates[0].eligible


@pytest.mark.parametrize(("share", "is_asked"), [(0.4, False), (0.6, True)])
def test_a_target_that_comes_back_gets_its_share(share: float, is_asked: bool):
    """FO-11: the number drawn is kept, so that the choice can be made again."""
    at = desk(["eyes", "text"])
    at.health.states["eyes"] = state(state="closed", share=share)
    record = at()

    assert record.candidates[0].eligible is is_asked
    assert record.candidates[0].state.ramp_draw == 0.5


def test_a_target_that_comes_back_serves_when_nobody_else_can():
    """A share of its traffic is not a reason to refuse."""
    at = desk(["eyes"])
    at.health.states["eyes"] = state(state="closed", share=0.1)

    assert at().candidates[0].eligible


def test_when_all_are_kept_away_the_client_hears_when_the_first_comes_back():
    """Design 6: `Retry-After` is the soonest return."""
    at = desk(["eyes", "text"])
    at.health.states["eyes"] = state(state="open", left_s=20.0)
    at.health.states["text"] = state(state="open", left_s=7.5)

    with pytest.raises(NoTargetError) as caught:
        at()

    assert caught.value.retry_after_s == 7.5
    assert "eyes: breaker open (5 against 5, 20 s left)" in caught.value.message
