"""Rules of `policy` that cannot be applied are refused when they are loaded, with their place."""

import pytest

from configuration_text import MOCK, problems, warnings

TARGETS = MOCK + "targets: {small: {provider: mock, model: m}}\n"


@pytest.mark.parametrize(
    ("text", "path", "says"),
    [
        ("limits: {a: {scope: key}}", "limits.a", "a limit needs a number"),
        ("limits: {a: {concurrent: 0}}", "limits.a.concurrent", "expected a whole number"),
        ("limits: {a: {scope: run, concurrent: 1}}", "limits.a.scope", "unknown scope 'run'"),
        ("limits: {a: {scope: [], concurrent: 1}}", "limits.a.scope", "a rule needs a scope"),
        ("limits: {a b: {concurrent: 1}}", "limits.a b", "a rule's name is"),
        ("limits: {a: {match: {colour: x}, concurrent: 1}}", "limits.a.match.colour", "unknown"),
        ("limits: {a: {match: {cost: '> 1'}, concurrent: 1}}", "limits.a.match.cost", "`cost` is"),
        ("limits: {a: {match: , concurrent: 1}}", "limits.a.match", "an empty condition"),
        (
            "limits: {a: {match: {provider_health: down}, concurrent: 1}}",
            "limits.a.match",
            "`provider_health` is known only",
        ),
        (
            "budgets: {a: {match: {NOT: {provider_health.openai: ok}}}}",
            "budgets.a.match",
            "`provider_health",
        ),
        ("budgets: {a: {usd: nought}}", "budgets.a.usd", "'nought' is not an amount"),
        ("budgets: {a: {usd: 0}}", "budgets.a.usd", "'0' is not an amount"),
        ("budgets: {a: {usd: -1}}", "budgets.a.usd", "'-1' is not an amount"),
        ("budgets: {a: {scope: model}}", "budgets.a.scope", "unknown scope 'model'"),
        ("budgets: {a: {route_to: tiny}}", "budgets.a.route_to", "unknown target 'tiny'"),
        ("budgets: {a: {period: week}}", "budgets.a.period", "expected one of day, month, total"),
        ("time_zone: Mars/Olympus", "time_zone", "unknown time zone 'Mars/Olympus'"),
        ("tenants: {a: {time_zone: ../etc}}", "tenants.a.time_zone", "unknown time zone"),
        ("agent_runs: {max_iterations: 0}", "agent_runs.max_iterations", "expected a whole"),
        ("agent_runs: {match: {x: 1}}", "agent_runs.match.x", "unknown field"),
    ],
)
def test_a_rule_that_cannot_be_applied_is_refused(text: str, path: str, says: str) -> None:
    """A limit that does not limit is worse than none."""
    found = problems(TARGETS + f"policy: {{{text}}}")

    assert [problem.path for problem in found][:1] == [f"policy.{path}"]
    assert found[0].message.startswith(says)


def test_a_cheaper_target_that_no_tenant_allows_is_warned_of() -> None:
    """CP-10: budgets move requests only where somebody opted in."""
    text = TARGETS + "policy: {budgets: {a: {route_to: small}}}\n"

    assert "no tenant allows it" in warnings(text)
