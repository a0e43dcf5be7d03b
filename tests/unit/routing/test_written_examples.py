"""The routes that the documentation shows work as they are written there."""

import re
from pathlib import Path

import pytest

from configuration_text import loaded
from pointsman.core.identity import ANONYMOUS
from pointsman.routing import Planner, RoutingTable
from routing_desk import ToldHealth, record_of

PAGE = (Path(__file__).parents[3] / "docs/reference/conditions.md").read_text(encoding="utf-8")
REST = """
providers:
  openai: {kind: openai, api_key: sk-test, default: true}
  other: {kind: openai, api_key: sk-test, base_url: "https://api.example.com/v1"}
targets:
  mini: {provider: openai, model: gpt-4o-mini}
  flagship: {provider: openai, model: gpt-4.1}
  claude: {provider: other, model: claude-3-5-sonnet}
"""


@pytest.mark.parametrize(
    ("health", "facts", "rule", "target", "reason"),
    [
        ("degraded", {"tier": "enterprise"}, 0, "claude", "provider_failover"),
        (
            "ok",
            {"tier": "enterprise", "tool_count": 9},
            1,
            "flagship",
            "enterprise_high_complexity",
        ),
        ("ok", {"tags": {"customer_tier": "golden"}}, 2, "mini", "primary_provider_ok"),
        ("ok", {}, 3, "mini", "default_fast_path"),
    ],
)
def test_the_example_of_the_page_on_conditions(health, facts, rule, target, reason):
    """CP-15, through the loader of configurations."""
    routes = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1]
    told = ToldHealth()
    told.providers["openai"] = health
    planner = Planner(RoutingTable.compile(loaded(routes + REST)), told, lambda: 0.0)
    record = record_of(**facts)

    planner.plan(record, ANONYMOUS, None)

    assert record.rule.id == f"routes.auto.rules[{rule}]"
    assert (record.candidates[0].target, record.reason) == (target, reason)
