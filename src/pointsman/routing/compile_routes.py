"""From `routes:` as written to compiled routes; everything that cannot work is collected."""

from math import isfinite

from pointsman.config.root import Config
from pointsman.config.route import RouteConfig, RuleConfig, StrategyConfig
from pointsman.core.conditions import (
    REQUEST_FIELDS,
    Condition,
    ConditionError,
    compile_condition,
)
from pointsman.core.facts import Facts
from pointsman.core.reasons import ROUTE_REASONS
from pointsman.core.records import Rule
from pointsman.core.target import Target
from pointsman.routing.problems import Problems
from pointsman.routing.route import Route, RouteRule, make_chain, with_passed_over

_MEMBER_OF_HEALTH = "provider_health."


class RouteCompiler:
    """Compiles the routes of one configuration."""

    __slots__ = ("_config", "_problems", "_reasons", "_targets")

    def __init__(self, config: Config, targets: dict[str, Target], problems: Problems) -> None:
        self._config = config
        self._targets = targets
        self._problems = problems
        self._reasons = ROUTE_REASONS.keys() | config.reasons.keys()

    def route(self, name: str, config: RouteConfig) -> Route:
        """Return the compiled route; problems are noted, not raised."""
        path = f"routes.{name}"
        failover = self._found(config.failover, f"{path}.failover")
        chosen = self._found(config.targets, f"{path}.targets")
        weights = self._weights(config.strategy, config.targets, f"{path}.strategy")
        if weights is not None and not chosen:
            chosen = self._found(list(weights), f"{path}.strategy.weights")
        rules = tuple(
            self._rule(rule, f"{path}.rules[{index}]", failover)
            for index, rule in enumerate(config.rules)
        )
        if not rules and not chosen:
            self._problems.add(path, "the route has no target", "give it `targets` or `rules`")

        told, chain = with_passed_over(rules, make_chain(chosen, failover, weights))
        self._check_reason(config.reason, f"{path}.reason")
        return Route(
            name=name,
            rules=tuple(told),
            chain=chain,
            timeout_s=None if config.timeout is None else float(config.timeout),
            allow_override=config.allow_override,
            reason=config.reason,
            primary_provider=_primary_provider(rules, chosen),
            providers=_providers(rules, chain.targets, self._config),
            retry_first=config.retry_first,
            max_cost_ratio=(
                self._config.resilience.max_cost_ratio
                if config.max_cost_ratio is None
                else config.max_cost_ratio
            ),
        )

    def _rule(self, config: RuleConfig, path: str, failover: list[Target]) -> RouteRule:
        names = [config.use] if isinstance(config.use, str) else config.use
        if not any(names):
            self._problems.add(path, "the rule names no target", "give it `use`")
        chosen = self._found([name for name in names if name], f"{path}.use")
        self._check_reason(config.reason, f"{path}.reason")
        rule = Rule(id=path, file=self._problems.file, line=self._problems.line(path))
        condition = self._condition(config.when, f"{path}.when")
        return RouteRule(rule, condition, make_chain(chosen, failover), config.reason)

    def _condition(self, raw: object, path: str) -> Condition[Facts] | None:
        if raw is None:
            return None
        try:
            return compile_condition(raw, REQUEST_FIELDS, path)
        except ConditionError as error:
            self._problems.add(error.path, error.problems[0].message, error.hint)
            return None

    def _found(self, names: list[str], path: str) -> list[Target]:
        found: list[Target] = []
        for name in names:
            target = self._targets.get(name)
            if target is not None:
                found.append(target)
            elif name not in self._config.targets:  # else its provider is the problem, noted once
                self._problems.unknown(path, "target", name, self._config.targets)
        return found

    def _check_reason(self, reason: str | None, path: str) -> None:
        if reason is not None and reason not in self._reasons:
            self._problems.unknown(path, "reason", reason, self._reasons)

    def _weights(
        self, strategy: StrategyConfig | None, targets: list[str], path: str
    ) -> dict[str, float] | None:
        """Return the weights of a weighted strategy; None for the written order."""
        if strategy is None or strategy.kind == "ordered":
            return None

        weights = strategy.weights
        for name, weight in weights.items():
            place = f"{path}.weights.{name}"
            if targets and name not in targets:
                self._problems.add(place, f"`{name}` is not one of the route's targets")
            if not isfinite(weight) or weight < 0:
                self._problems.add(place, f"the weight {weight} is not a number from 0 up")
        if not any(weight > 0 for weight in weights.values()):
            self._problems.add(f"{path}.weights", "no target has a weight above 0")
        return weights


def _primary_provider(rules: tuple[RouteRule, ...], chosen: list[Target]) -> str | None:
    """Return the provider of the target that serves when nothing special holds.

    That is the first target of the route; without one, the first of the rule that always matches;
    without such a rule, the first of the last rule.
    """
    if chosen:
        return chosen[0].provider
    always = [rule for rule in rules if rule.condition is None or rule.condition.constant()]
    for rule in (*always[:1], *reversed(rules)):
        if rule.chain.targets:
            return rule.chain.targets[0].provider
    return None


def _providers(
    rules: tuple[RouteRule, ...], targets: tuple[Target, ...], config: Config
) -> tuple[str, ...]:
    read = {
        name.removeprefix(_MEMBER_OF_HEALTH)
        for rule in rules
        if rule.condition is not None
        for name in rule.condition.fields()
        if name.startswith(_MEMBER_OF_HEALTH)
    }
    read.update(target.provider for target in targets)
    read.update(target.provider for rule in rules for target in rule.chain.targets)
    return tuple(name for name in config.providers if name in read)
