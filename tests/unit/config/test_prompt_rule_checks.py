"""Prompt rules that cannot be applied, or would do nothing, are refused with their place."""

import pytest

from configuration_text import MOCK, config, problems, warnings

TARGETS = MOCK + "targets: {small: {provider: mock, model: m}}\n"


@pytest.mark.parametrize(
    ("rule", "path", "says"),
    [
        ("{find: [email]}", "do", ""),
        ("{do: erase, find: [email]}", "do", "expected one of block, redact, flag, reroute"),
        ("{do: block, find: [emial]}", "find[0]", "unknown entity type 'emial'"),
        ("{do: block, patterns: {a: '('}}", "patterns.a", "not a regular expression"),
        ("{do: block, patterns: {a: '(?<=x)y'}}", "patterns.a", "not a regular expression"),
        (r"{do: block, patterns: {a: '(x)\1'}}", "patterns.a", "not a regular expression"),
        ("{do: block, patterns: {a: 'x*'}}", "patterns.a", "the expression must not match empty"),
        ("{do: block, patterns: {A: 'x'}}", "patterns.A", "a pattern's name is"),
        ("{do: block, find: [email], roles: [boss]}", "roles[0]", "unknown role 'boss'"),
        ("{do: block}", "", "meets every request"),
        ("{do: redact, match: {tenant: a}}", "", "nothing to redact"),
        ("{do: block, match: {colour: x}}", "match.colour", "unknown field"),
        ("{do: block, match: {cost: '> 1'}}", "match.cost", "`cost` is known only after"),
        ("{do: block, match: {provider_health: down}}", "match", "`provider_health` is known only"),
        ("{do: block, reads: answer, match: {tenant: a}}", "reads", "nothing to look for"),
        ("{do: reroute, find: [email]}", "", "a rule that reroutes needs `use`"),
        ("{do: reroute, find: [email], use: tiny}", "use", "unknown target or route 'tiny'"),
        ("{do: reroute, find: [email], use: small, reads: both}", "reads", "an answer cannot be"),
        ("{do: block, find: [email], use: small}", "use", "`block` sends a request nowhere"),
        ("{do: flag, find: [email], refusal: no}", "refusal", "without effect"),
    ],
)
def test_a_rule_that_cannot_be_applied_is_refused(rule: str, path: str, says: str) -> None:
    """A rule that looks like protection and is none is worse than no rule."""
    found = problems(TARGETS + f"policy: {{rules: {{r: {rule}}}}}")

    assert [problem.path for problem in found][:1] == [
        "policy.rules.r" + (f".{path}" if path else "")
    ]
    assert found[0].message.startswith(says)


def test_a_message_that_is_never_told_is_warned_of() -> None:
    """Only what refuses has something to say."""
    text = TARGETS + "policy: {rules: {r: {do: flag, find: [email], message: No.}}}"

    assert "never told: `flag` refuses nothing" in warnings(text)


def test_a_pattern_may_hold_what_yaml_and_variables_make_of_it() -> None:
    """Digits, braces and anchors arrive as they were written."""
    text = TARGETS + r"policy: {rules: {r: {do: flag, patterns: {order: '^ORD-\d{6}$'}}}}"

    assert config(text).policy.rules["r"].patterns == {"order": r"^ORD-\d{6}$"}
