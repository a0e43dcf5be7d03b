"""Where a prompt rule sends a request: to the rule's target or route, whatever the caller named."""

import pytest

from pointsman.core.detour import Detour
from pointsman.core.errors import GuardrailBlockedError, NoTargetError, UnknownModelError
from pointsman.core.identity import ANONYMOUS
from pointsman.core.records import Attempt, CallRecord, PolicyOutcome
from pointsman.routing.outcome import served
from routing_desk import record_of

RULE = "policy.rules.secrets"


def plan(desk, use: str, model: str | None = "auto", override: str | None = None, **more):
    """Plan a request on a detour; return its plan and record."""
    record = record_of(model)
    at = desk()
    detour = Detour(rule=RULE, use=use, **more)
    return at.planner.plan(record, ANONYMOUS, override, detour), record


@pytest.mark.parametrize("model", ["auto", None])
def test_a_target_is_the_only_candidate(desk, model):
    """PO-04: nobody else may see the request."""
    made, record = plan(desk, "sonnet", model)

    assert [target.name for target in made.targets] == ["sonnet"]
    assert [candidate.target for candidate in record.candidates] == ["sonnet"]
    assert record.reason == "guardrail"
    assert record.override_rejected is None


def test_a_route_chooses_by_its_own_rules_and_keeps_the_reason(desk):
    """Its rules are recorded; why it was taken is the guardrail."""
    _, record = plan(desk, "auto", None)

    assert record.route == "auto"
    assert record.rules_evaluated[0].matched
    assert record.reason == "guardrail"


@pytest.mark.parametrize("model", ["gpt-4o", "large", "openai/gpt-5"])
def test_a_named_model_is_refused_rather_than_changed(desk, model):
    """§19.4: by its own name, as a target, at a provider."""
    with pytest.raises(GuardrailBlockedError) as refused:
        plan(desk, "sonnet", model)

    assert refused.value.metadata == {"rule": RULE, "side": "prompt"}


def test_a_named_model_is_replaced_where_the_rule_says_so_and_told(desk):
    """CP-10: what was asked for stays in the record."""
    _, record = plan(desk, "sonnet", "gpt-4o", replaces_named=True)

    assert record.override_rejected == "gpt-4o: guardrail"


def test_whoever_named_the_target_of_the_detour_gets_it(desk):
    """Nothing is changed, so nothing is refused."""
    made, record = plan(desk, "sonnet", "sonnet")

    assert made.targets[0].name == "sonnet"
    assert record.override_rejected is None


def test_a_header_that_asks_for_another_target_is_told_that_it_was_refused(desk):
    """CP-10: honoured or recorded, never silently dropped."""
    _, record = plan(desk, "sonnet", override="large")

    assert record.override_rejected == "large: guardrail"
    assert record.override_source is None


def test_a_name_that_stands_for_nothing_is_still_unknown(desk):
    """A rule does not make a typing error valid."""
    with pytest.raises(UnknownModelError):
        plan(desk, "sonnet", "x" * 600)


def test_a_detour_that_leads_nowhere_has_no_way_back(desk):
    """Fail closed: a target that is down is an error, not another target."""
    at = desk()
    at.health.targets["sonnet"] = "down"

    with pytest.raises(NoTargetError):
        at.planner.plan(record_of("auto"), ANONYMOUS, None, Detour(rule=RULE, use="sonnet"))


def test_the_served_model_differs_because_of_the_guardrail():
    """The typed reason of the difference, also after a retry."""
    record: CallRecord = record_of("auto")
    record.policy = [PolicyOutcome(RULE, "rerouted")]
    record.attempts = [Attempt("sonnet", "anthropic", "claude-sonnet-4-6")]

    served(record, 0)

    assert record.requested_vs_served == "guardrail"


def test_a_dry_run_of_a_detour_is_no_reason():
    """Nothing was changed."""
    record = record_of("gpt-4o")
    record.policy = [PolicyOutcome(RULE, "rerouted", dry_run=True)]
    record.attempts = [Attempt("large", "openai", "gpt-4o")]

    served(record, 0)

    assert record.requested_vs_served == "none"
