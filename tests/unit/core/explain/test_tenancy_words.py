"""What a name meant, for whom, and which claims were not believed: in every explanation."""

from pointsman.core.explain import paragraph, tree
from pointsman.core.records import SCHEMA, AliasUse, CallRecord, PolicyOutcome, Rule


def record() -> CallRecord:
    made = CallRecord(
        schema=SCHEMA,
        request_id="req_1",
        trace_id="a" * 32,
        span_id="b" * 16,
        started_unix_ns=0,
        tenant="acme",
        plan="gold",
        plan_source="tenant",
    )
    rule = Rule("policy.plans.gold.aliases.auto", "pointsman.yaml", 7)
    made.alias = AliasUse("auto", "premium", "plan", "gold", rule)
    made.policy.append(PolicyOutcome("attribution", "claims_ignored", {"tenant": 1, "plan": 1}))
    return made


def test_what_a_name_meant_is_told_with_the_line_that_says_so():
    """CP-17: explained in `why`."""
    told = "auto means premium for the plan gold, by policy.plans.gold.aliases.auto"

    assert f"The name {told} (pointsman.yaml:7)." in paragraph(record())
    assert f"{told} (pointsman.yaml:7)" in tree(record())
    assert "plan of the tenant gold" in tree(record())


def test_claims_that_were_not_believed_are_no_prompt_rule():
    """CP-13: named, never by value."""
    told = "ot believed of what the request says: tenant, plan"

    assert f"N{told}." in paragraph(record())
    assert f"n{told}" in tree(record())
    assert "prompt rule" not in paragraph(record()) + tree(record())
