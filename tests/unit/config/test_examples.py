"""The example files load and say what they claim."""

from pathlib import Path

import pytest

from pointsman.config.loader import load
from pointsman.config.root import LoadedConfig
from pointsman.core.conditions import REQUEST_FIELDS, compile_condition
from pointsman.core.facts import Facts
from pointsman.providers.kinds import KNOWN_KINDS

EXAMPLES = Path(__file__).parents[3] / "examples"
ENVIRONMENT = {
    "OPENAI_API_KEY": "sk-test",
    "OPENROUTER_API_KEY": "or-test",
    "GROQ_API_KEY": "gsk-test",
    "GEMINI_API_KEY": "AIza-test",
    "ANTHROPIC_API_KEY": "sk-ant-test",
    "ACME_GATEWAY_KEY": "0123456789abcdef",
    "ACME_KEY": "acme-0123456789abcdef",
    "GLOBEX_KEY": "globex-0123456789abcdef",
    "GLOBEX_BATCH_KEY": "batch-0123456789abcdef",
}


def example(name: str) -> LoadedConfig:
    """Load one example."""
    return load(str(EXAMPLES / name), environment=ENVIRONMENT, known_kinds=KNOWN_KINDS)


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.name)
def test_example_loads(file: Path) -> None:
    """With nothing but its variables set."""
    assert example(file.name).config.providers


@pytest.mark.parametrize(
    ("facts", "target", "reason"),
    [
        (Facts(provider_health={"openai": "degraded"}), "elsewhere", "provider_failover"),
        (Facts(provider_health={"openai": "down"}), "elsewhere", "provider_failover"),
        (
            Facts(provider_health={"openai": "degraded"}, tier="enterprise", complexity="high"),
            "elsewhere",
            "provider_failover",
        ),
        (Facts(tier="enterprise", complexity="high"), "strong", "enterprise_high_complexity"),
        (Facts(tier="enterprise", complexity="low"), "fast", "default_fast_path"),
        (Facts(tier="free", complexity="high"), "fast", "default_fast_path"),
        (Facts(), "fast", "default_fast_path"),
    ],
)
def test_three_rules_choose_in_order(facts: Facts, target: str, reason: str) -> None:
    """CP-15: health first, then enterprise and complex, then the fast path."""
    facts.primary_provider = "openai"
    facts.provider_health = facts.provider_health or {"openai": "ok"}
    rules = example("three-rules.yaml").config.routes["auto"].rules

    chosen = next(
        rule
        for rule in rules
        if rule.when is None or compile_condition(rule.when, REQUEST_FIELDS, "").matches(facts)
    )

    assert (chosen.use, chosen.reason) == (target, reason)


def test_three_rules_name_the_models_they_are_about() -> None:
    """CP-15 by name."""
    targets = example("three-rules.yaml").config.targets

    assert targets["elsewhere"].model == "anthropic/claude-3-5-sonnet"
    assert (targets["strong"].model, targets["fast"].model) == ("gpt-4.1", "gpt-4o-mini")
