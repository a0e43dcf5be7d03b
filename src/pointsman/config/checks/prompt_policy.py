"""Checks of `policy.rules`: what is looked for, where a request may be sent, what goes together."""

import re

from pointsman.config.checks.conditions import check_match
from pointsman.config.checks.subject import NAME, Subject, did_you_mean
from pointsman.config.findings import quoted
from pointsman.config.prompt_policy import ROLES, PromptRuleConfig
from pointsman.core.redaction.detectors import ENTITY_TYPES, GROUPS
from pointsman.core.redaction.patterns import WrittenPattern

MAX_RULES = 100
"""Each rule reads every text: their number is part of what a request costs."""
MAX_PATTERNS = 32
_PATTERN_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


def check_prompt_rules(subject: Subject) -> None:
    """Note rules that cannot be applied, or that would do nothing."""
    rules = subject.config.policy.rules
    if len(rules) > MAX_RULES:
        subject.error("policy.rules", f"more than {MAX_RULES} rules")
    for name, rule in rules.items():
        path = f"policy.rules.{name}"
        if not NAME.match(name):
            subject.error(path, "a rule's name is letters, digits and . _ : / @ + -")
        check_match(subject, f"{path}.match", rule.match)
        _check_found(subject, path, rule)
        _check_roles(subject, path, rule)
        _check_action(subject, path, rule)
        _check_detour(subject, path, rule)


def _check_found(subject: Subject, path: str, rule: PromptRuleConfig) -> None:
    known = [*GROUPS, *sorted(ENTITY_TYPES)]
    for index, name in enumerate(rule.find):
        if name not in known:
            message = f"unknown entity type {quoted(name)}"
            subject.error(f"{path}.find[{index}]", message, hint=did_you_mean(name, known))
    if len(rule.patterns) > MAX_PATTERNS:
        subject.error(f"{path}.patterns", f"more than {MAX_PATTERNS} patterns")
    for name, expression in rule.patterns.items():
        place = f"{path}.patterns.{name}"
        if not _PATTERN_NAME.match(name):
            subject.error(place, "a pattern's name is lower-case letters, digits and _")
        try:
            WrittenPattern(expression)
        except ValueError as error:
            subject.error(place, str(error), hint="see docs/concepts/prompt-policy.md")


def _check_roles(subject: Subject, path: str, rule: PromptRuleConfig) -> None:
    for index, role in enumerate(rule.roles):
        if role not in ROLES:
            hint = f"one of {', '.join(ROLES)}"
            subject.error(f"{path}.roles[{index}]", f"unknown role {quoted(role)}", hint=hint)
    if rule.roles and rule.reads == "answer":
        subject.warn(f"{path}.roles", "without effect: an answer has one speaker")


def _check_action(subject: Subject, path: str, rule: PromptRuleConfig) -> None:
    looks = bool(rule.find or rule.patterns)
    if rule.do == "redact" and not looks and not subject.has_problem_within(path):
        subject.error(path, "nothing to redact", hint="give it `find` or `patterns`")
    if not looks and rule.match is None and rule.do in {"block", "reroute"}:
        subject.error(path, "meets every request", hint="give it `match`, `find` or `patterns`")
    if not looks and rule.reads != "prompt":
        subject.error(f"{path}.reads", "nothing to look for in an answer", hint="give it `find`")
    if rule.refusal is not None and (rule.do != "block" or rule.reads == "prompt"):
        hint = "it takes the place of answers that a rule with `do: block` stops"
        subject.error(f"{path}.refusal", "without effect", hint=hint)
    if rule.message is not None and rule.do not in {"block", "reroute"}:
        subject.warn(f"{path}.message", f"never told: `{rule.do}` refuses nothing")


def _check_detour(subject: Subject, path: str, rule: PromptRuleConfig) -> None:
    if rule.do != "reroute":
        if rule.use is not None:
            subject.error(f"{path}.use", f"`{rule.do}` sends a request nowhere else")
        return
    if rule.reads != "prompt":
        subject.error(f"{path}.reads", "an answer cannot be sent elsewhere: it has been given")
    if rule.use is None:
        subject.error(path, "a rule that reroutes needs `use`", hint="a target or a route")
        return
    if subject.is_declared("targets", rule.use) or subject.is_declared("routes", rule.use):
        return
    known = [*subject.config.targets, *subject.config.routes]
    message = f"unknown target or route {quoted(rule.use)}"
    subject.error(f"{path}.use", message, hint=did_you_mean(rule.use, known))
