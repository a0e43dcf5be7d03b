"""Where a request may go: the places that every matching residency rule allows."""

from typing import NamedTuple

from pointsman.config.root import Config
from pointsman.core.conditions import (
    REQUEST_FIELDS,
    Condition,
    ConditionError,
    compile_condition,
)
from pointsman.core.facts import Facts
from pointsman.routing.problems import Problems


class ResidencyRule(NamedTuple):
    """One compiled rule."""

    condition: Condition[Facts] | None
    """None matches every request."""
    regions: frozenset[str]


def compile_residency(config: Config, problems: Problems) -> tuple[ResidencyRule, ...]:
    """Compile the rules; problems are noted, not raised."""
    rules = []
    for index, rule in enumerate(config.residency):
        condition = None
        if rule.when is not None:
            path = f"residency[{index}].when"
            try:
                condition = compile_condition(rule.when, REQUEST_FIELDS, path)
            except ConditionError as error:
                problems.add(error.path, error.problems[0].message, error.hint)
        rules.append(ResidencyRule(condition, frozenset(rule.regions)))
    return tuple(rules)


def allowed_regions(rules: tuple[ResidencyRule, ...], facts: Facts) -> frozenset[str] | None:
    """Return where the request may go; None when no rule holds it anywhere."""
    allowed: frozenset[str] | None = None
    for rule in rules:
        if rule.condition is None or rule.condition.matches(facts):
            allowed = rule.regions if allowed is None else allowed & rule.regions
    return allowed
