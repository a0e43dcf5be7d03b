"""Checks of `routes`: every name, weight, reason and condition of every rule."""

from pointsman.config.checks.subject import NAME, Subject, did_you_mean
from pointsman.config.findings import quoted
from pointsman.config.route import RouteConfig, RuleConfig
from pointsman.core.conditions import (
    REQUEST_FIELDS,
    Condition,
    ConditionError,
    compile_condition,
    unreachable_rules,
)
from pointsman.core.facts import Facts
from pointsman.core.reasons import ROUTE_REASONS


def check_routes(subject: Subject) -> None:
    """Note what is wrong with each route."""
    for name, route in subject.config.routes.items():
        path = f"routes.{name}"
        if not NAME.match(name):
            subject.error(path, "a route's name is letters, digits and . _ : / @ + -")
        weights = route.strategy.weights if route.strategy is not None else {}
        is_empty = not (route.targets or route.rules or weights)
        if is_empty and not subject.has_problem_within(path):
            subject.error(path, "a route needs rules, targets or weights")
        _check_target_list(subject, f"{path}.targets", route.targets)
        _check_target_list(subject, f"{path}.failover", route.failover)
        _check_reason(subject, f"{path}.reason", route.reason)
        _check_strategy(subject, path, route)
        _check_rules(subject, path, route)


def _check_rules(subject: Subject, path: str, route: RouteConfig) -> None:
    conditions = [
        _check_rule(subject, f"{path}.rules[{index}]", rule)
        for index, rule in enumerate(route.rules)
    ]
    for index, earlier in unreachable_rules(conditions):
        subject.warn(
            f"{path}.rules[{index}]",
            f"never reached: rules[{earlier}] matches whatever this one would",
            hint="make the earlier rule narrower, or move this one before it",
        )
    has_rest = bool(route.targets or (route.strategy and route.strategy.weights))
    if route.rules and route.rules[-1].when is not None and not has_rest:
        subject.warn(
            f"{path}.rules",
            "a request that no rule matches has no target",
            hint="end with a rule without `when`",
        )


def _check_rule(subject: Subject, path: str, rule: RuleConfig) -> Condition[Facts] | None:
    """Check one rule and return its condition; None when it has none that can be used."""
    uses = [rule.use] if isinstance(rule.use, str) else rule.use
    if not any(uses):
        subject.error(f"{path}.use", "a rule needs a target to use")
    for target in filter(None, uses):
        _check_target(subject, f"{path}.use", target)
    _check_reason(subject, f"{path}.reason", rule.reason)
    if rule.when is None:
        return _without_condition(subject, path)
    try:
        condition = compile_condition(rule.when, REQUEST_FIELDS, f"{path}.when")
    except ConditionError as error:
        for problem in error.problems:
            subject.error(problem.path, problem.message, hint=problem.hint)
        return _never()
    for warning in condition.warnings:
        place, _, message = warning.partition(": ")
        subject.warn(place, message)
    return condition


def _without_condition(subject: Subject, path: str) -> Condition[Facts] | None:
    """Tell a rule without `when`, which always matches, from one whose `when` is empty."""
    if f"{path}.when" not in subject.findings.lines:
        return None
    subject.error(f"{path}.when", "an empty condition", hint="write one, or remove `when`")
    return _never()


def _never() -> Condition[Facts]:
    """Return a stand-in for a condition that cannot be used, from which nothing follows."""
    return compile_condition(False, REQUEST_FIELDS, "")


def _check_strategy(subject: Subject, path: str, route: RouteConfig) -> None:
    strategy = route.strategy
    if strategy is None:
        return
    if strategy.kind == "weighted" and not strategy.weights:
        subject.error(f"{path}.strategy.weights", "a weighted strategy needs weights")
    if strategy.kind != "weighted" and strategy.weights:
        hint = "set kind: weighted, or remove the weights"
        subject.error(f"{path}.strategy.weights", f"`{strategy.kind}` has no weights", hint=hint)
    for target, weight in strategy.weights.items():
        place = f"{path}.strategy.weights.{target}"
        _check_target(subject, place, target)
        if route.targets and target not in route.targets:
            subject.error(place, "not among the route's targets", hint="add it to `targets`")
        if not weight > 0:
            subject.error(place, f"a weight is above zero, got {weight:g}", hint="or remove it")
    if strategy.weights:
        for index, target in enumerate(route.targets):
            if target not in strategy.weights:
                subject.error(f"{path}.targets[{index}]", f"{quoted(target)} has no weight")


def _check_target_list(subject: Subject, path: str, targets: list[str]) -> None:
    for index, target in enumerate(targets):
        _check_target(subject, f"{path}[{index}]", target)
        if target in targets[:index]:
            subject.error(f"{path}[{index}]", f"{quoted(target)} is there twice")


def _check_target(subject: Subject, path: str, target: str) -> None:
    if not subject.is_declared("targets", target):
        hint = did_you_mean(target, subject.config.targets)
        subject.error(path, f"unknown target {quoted(target)}", hint=hint)


def _check_reason(subject: Subject, path: str, reason: str | None) -> None:
    if reason is None or reason in ROUTE_REASONS or subject.is_declared("reasons", reason):
        return
    known = [*ROUTE_REASONS, *subject.config.reasons]
    hint = f"{did_you_mean(reason, known)} Words of your own go under `reasons:`"
    subject.error(path, f"unknown reason {quoted(reason)}", hint=hint)
