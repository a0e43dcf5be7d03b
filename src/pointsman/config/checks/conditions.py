"""Checks of `match`: the condition of limits, budgets, agent runs and prompt rules."""

from pointsman.config.checks.subject import Subject
from pointsman.core.conditions import REQUEST_FIELDS, ConditionError, compile_condition

_TOO_LATE = frozenset({"provider_health", "primary_provider"})
"""Known once a target is chosen; these conditions are looked at before and would never hold."""


def check_match(subject: Subject, path: str, raw: object) -> None:
    """Note a condition that cannot be used, or that means something else than it says."""
    if raw is None:
        if path in subject.findings.lines:
            subject.error(path, "an empty condition", hint="write one, or remove `match`")
        return
    try:
        condition = compile_condition(raw, REQUEST_FIELDS, path)
    except ConditionError as error:
        for problem in error.problems:
            subject.error(problem.path, problem.message, hint=problem.hint)
        return
    for name in sorted(condition.fields()):
        if name.partition(".")[0] not in _TOO_LATE:
            continue
        subject.error(path, f"`{name}` is known only when a target is chosen; rules come before")
    for warning in condition.warnings:
        place, _, message = warning.partition(": ")
        subject.warn(place, message)
