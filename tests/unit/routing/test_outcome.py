"""The final reason, and why the served model is not the requested name."""

import pytest

from pointsman.core.records import Attempt, CallRecord
from pointsman.routing import served
from routing_desk import TARGETS, Desk


def _serve(desk: Desk, record: CallRecord, *names: str) -> CallRecord:
    """Add an attempt for each target name; the last one served."""
    by_name = {target.name: target for target in desk.plan.targets}
    for name in names:
        target = by_name[name]
        record.attempts.append(
            Attempt(target=target.name, provider=target.provider, model=target.model)
        )
    served(record, len(record.attempts) - 1)
    return record


@pytest.mark.parametrize("attempts", [["small"], ["small", "small"]])
def test_the_rule_s_reason_stays_when_its_first_target_served(desk, attempts):
    """Also after a retry."""
    at = desk()

    record = _serve(at, at(), *attempts)

    assert (record.reason, record.requested_vs_served) == ("short_prompt_default", "rule")


def test_another_target_than_the_first_is_a_failover(desk):
    """FO and CP-07: after a failure that the attempts show."""
    at = desk()

    record = _serve(at, at(), "small", "sonnet")

    assert (record.reason, record.requested_vs_served) == ("provider_failover", "failover")


def test_serving_for_an_unhealthy_first_choice_is_a_failover(desk):
    """Nothing failed in this request; the first was not even asked."""
    at = desk()
    at.health.providers["openai"] = "down"

    record = _serve(at, at(), "sonnet")

    assert (record.reason, record.requested_vs_served) == ("provider_failover", "failover")


def test_without_candidates_the_reason_stays(desk):
    """An attempt that no plan foresaw is not called a failover."""
    at = desk()
    record = at()
    record.candidates = []

    assert _serve(at, record, "sonnet").reason == "short_prompt_default"


def test_serving_for_a_context_that_was_too_small_is_not(desk):
    """The first that fits is the rule's choice."""
    at = desk(routes={"auto": {"rules": [{"use": ["sonnet", "large"]}]}})

    record = _serve(at, at(estimated_input_tokens=9999), "large")

    assert (record.reason, record.requested_vs_served) == ("primary_provider_ok", "rule")


@pytest.mark.parametrize(
    ("model", "target", "difference", "reason"),
    [
        ("chat", "large", "alias", "primary_provider_ok"),
        ("spread", "large", "load_balance", "load_balance"),
        ("small", "small", "alias", "explicit_target"),
        ("openai/gpt-4o", "large", "alias", "explicit_model_passthrough"),
        ("gpt-4o", "large", "none", "explicit_model_passthrough"),
        ("gpt-99", "openai/gpt-99", "none", "explicit_model_passthrough"),
        (None, "small", "rule", "short_prompt_default"),
    ],
)
def test_each_way_to_another_name_has_its_word(desk, model, target, difference, reason):
    """The typed reason of the record."""
    spread = {"strategy": {"kind": "weighted", "weights": {"large": 1}}}
    auto = {"rules": [{"use": "small", "reason": "short_prompt_default"}]}
    at = desk(routes={"auto": auto, "chat": {"targets": ["large"]}, "spread": spread})

    record = _serve(at, at(model), target)

    assert (record.requested_vs_served, record.reason) == (difference, reason)


def test_the_same_model_elsewhere_is_a_failover_without_a_difference(desk):
    """The name is what was asked for; the provider is not, and the reason says so."""
    at = desk(targets={**TARGETS, "twin": {"provider": "anthropic", "model": "gpt-4o"}})

    record = _serve(at, at("gpt-4o"), "large", "twin")

    assert (record.reason, record.requested_vs_served) == ("provider_failover", "none")
