"""The plan of one request: which targets, in which order, and every value that decided it.

Writes the decision into the record and takes the targets from there, so that what is explained is
what is done. Has no side effects besides the record and one draw, so that a dry run is a plan that
nobody acts on.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pointsman.core.detour import Detour
from pointsman.core.errors import InternalError
from pointsman.core.facts import Facts
from pointsman.core.health import HealthView
from pointsman.core.identity import Principal
from pointsman.core.money import NanoUsd
from pointsman.core.records import CallRecord, Candidate, RuleEvaluation
from pointsman.core.target import Target
from pointsman.core.terms import NO_TERMS, Terms
from pointsman.routing import detours
from pointsman.routing import override as overrides
from pointsman.routing.complexity import complexity_of
from pointsman.routing.considered import Asked, bound, consider, guard_cost, refusal
from pointsman.routing.filters import provider_state
from pointsman.routing.outcome import first_choice
from pointsman.routing.permissions import (
    alias_of,
    allowed_names,
    check_dialect,
    forbidding,
    refuse_name,
    undeclared_alias,
)
from pointsman.routing.residency import allowed_regions
from pointsman.routing.resolve import Resolution, resolve
from pointsman.routing.route import Chain, Route
from pointsman.routing.scope import ModelScopes
from pointsman.routing.size import size_class
from pointsman.routing.strategies import draw_first
from pointsman.routing.table import AUTO, ModelName, RoutingTable


@dataclass(frozen=True, slots=True)
class Plan:
    """What to try."""

    targets: list[Target]
    """In the order to try them: the eligible candidates of the record, in their order."""
    timeout_s: float | None
    """The whole call over all attempts; None leaves it to the server."""
    route: str | None
    """Name of the route; None when the caller named a target or model."""
    retry_first: bool = False
    """Whether a target that failed hard is asked again before the next one."""


class Planner:
    """Plans requests over one routing table.

    Args:
        table: The compiled configuration.
        health: Live state of providers and targets.
        draw: Returns a number in [0, 1); for weighted strategies and targets that come back.
        price: The most that a request can cost at a target, None when unknown; None for no guard
            on the cost of failover.
    """

    __slots__ = ("_draw", "_health", "_price", "_scopes", "table")

    def __init__(
        self,
        table: RoutingTable,
        health: HealthView,
        draw: Callable[[], float],
        price: Callable[[Target, CallRecord], NanoUsd | None] | None = None,
    ) -> None:
        self.table = table
        self._price = price
        self._health = health
        self._draw = draw
        self._scopes = ModelScopes()

    def plan(
        self,
        record: CallRecord,
        principal: Principal,
        override: str | None,
        detour: Detour | None = None,
        terms: Terms = NO_TERMS,
    ) -> Plan:
        """Decide, and write the decision into `record`, also when it is a refusal.

        Args:
            record: With `facts` and `requested_model`; the decision's fields are filled in place.
            principal: The caller.
            override: The target that the caller asked for beside the model; None for none.
            detour: Where a prompt rule sends the request; None leaves it to its model name.
            terms: What the caller's tenant and plan say about names.

        Raises:
            GuardrailBlockedError: The caller named a model that the rule may not replace.
            PermissionDeniedError: The key, tenant or plan does not allow this name or dialect.
            UnknownModelError: The model name, or what it means here, stands for nothing.
            InvalidRequestError: The request fits into the context of no target.
            NoTargetError: No target is eligible.
        """
        facts = record.facts
        if facts is None:
            raise InternalError("a request is planned before its facts are known")
        record.size_class = size_class(facts.characters, self.table.small_max_characters)
        facts.complexity = complexity_of(facts)
        meaning = self._meaning(record, principal, terms)

        if detour is not None:
            return self._plan_detour(record, facts, detour, override)
        resolution = resolve(self.table, meaning)
        if record.alias is not None and resolution.kind == "passthrough":
            raise undeclared_alias(record.alias)
        self._read_health(facts, resolution)
        asked = None
        if override is not None:
            asked = overrides.Override(override, principal, resolution.route, terms)
        chain = self._choose(record, facts, resolution, asked)
        return self._eligible(record, facts, chain, resolution.route)

    def _plan_detour(
        self, record: CallRecord, facts: Facts, detour: Detour, override: str | None
    ) -> Plan:
        """Plan as for the name of the detour; what the caller wished instead is told."""
        # A name that stands for another was chosen by the gateway, whatever it stands for.
        requested = record.requested_model if record.alias is None else None
        wish = detours.wished(self.table, requested, detour, override)
        resolution = resolve(self.table, detour.use)
        self._read_health(facts, resolution)
        chain = resolution.chain
        if resolution.route is not None:
            record.route = resolution.route.name
            chain = _by_rules(record, facts, resolution.route)
        record.override_rejected = None if wish is None else f"{wish}: {detours.REASON}"
        record.reason = detours.REASON
        return self._eligible(record, facts, chain, resolution.route)

    def names(self, principal: Principal, terms: Terms) -> list[ModelName]:
        """Return the names that a caller may ask for, as they resolve for it."""
        return allowed_names(self.table, self._scopes, principal, terms)

    def consider(self, record: CallRecord, name: str) -> tuple[Target, Candidate] | None:
        """Look at one more target for a request that is planned already, as at all others.

        Returns:
            The target and whether it is eligible; None when there is none of that name.
        """
        target, facts = self.table.targets.get(name), record.facts
        if target is None or facts is None:
            return None
        self._read_provider(facts, target.provider)
        regions = allowed_regions(self.table.residency, facts) if self.table.residency else None
        asked = Asked(facts, self._health, self._draw, regions)
        return target, consider(Chain((target,), 1), asked)[0]

    def _meaning(self, record: CallRecord, principal: Principal, terms: Terms) -> str:
        """Return the name to resolve: what was asked for, or what it means to this caller."""
        name = AUTO if record.requested_model is None else record.requested_model
        alias = record.alias = alias_of(name, principal, terms)
        meaning = name if alias is None else alias.means
        check_dialect(self._scopes, record, principal, terms)
        route = meaning if meaning in self.table.routes else None
        scope = forbidding(self._scopes, principal, terms, name, route)
        if scope is not None:
            raise refuse_name(record, self.table, scope)
        return meaning

    def _read_health(self, facts: Facts, resolution: Resolution) -> None:
        route, pinned, health = resolution.route, self.table.pinned, self._health
        if route is None:
            names = tuple({target.provider: None for target in resolution.chain.targets})
            facts.primary_provider = names[0]
        else:
            names = route.providers
            facts.primary_provider = route.primary_provider
        facts.provider_health = {name: provider_state(health, pinned, name) for name in names}

    def _choose(
        self,
        record: CallRecord,
        facts: Facts,
        resolution: Resolution,
        asked: overrides.Override | None,
    ) -> Chain:
        route = resolution.route
        if route is not None:
            record.route = route.name
        if asked is not None:
            target = overrides.honoured(record, self.table, self._scopes, asked)
            if target is not None:
                self._read_provider(facts, target.provider)
                return Chain((target,), 1)

        if route is not None:
            return _by_rules(record, facts, route)
        if record.alias is not None:
            record.reason = "alias"
            return resolution.chain
        if resolution.caller_named_model:
            record.override_source = "model"
        record.reason = resolution.reason or "primary_provider_ok"
        return resolution.chain

    def _read_provider(self, facts: Facts, name: str) -> None:
        if name not in facts.provider_health:
            state = provider_state(self._health, self.table.pinned, name)
            facts.provider_health[name] = state

    def _price_of(self, target: Target, record: CallRecord) -> NanoUsd | None:
        return None if self._price is None else self._price(target, record)

    def _eligible(
        self, record: CallRecord, facts: Facts, chain: Chain, route: Route | None
    ) -> Plan:
        regions = allowed_regions(self.table.residency, facts) if self.table.residency else None
        candidates = consider(chain, Asked(facts, self._health, self._draw, regions))
        ratio = self.table.max_cost_ratio if route is None else route.max_cost_ratio
        if ratio is not None and self._price is not None:
            guard_cost(candidates, chain, ratio, lambda target: self._price_of(target, record))
        if chain.weights is not None:
            group = candidates[: chain.group]
            record.draw = draw_first(group, chain.weights, self._draw)
            candidates[: chain.group] = group
        bound(record, candidates)
        eligible = [item for item in record.candidates if item.eligible]
        if not eligible:
            raise refusal(candidates, record)

        first = first_choice(candidates)
        if first is not None and not first.eligible:
            record.reason = "provider_failover"
        by_name = {target.name: target for target in chain.targets}
        return Plan(
            [by_name[item.target] for item in eligible],
            None if route is None else route.timeout_s,
            None if route is None else route.name,
            route is not None and route.retry_first,
        )


def _by_rules(record: CallRecord, facts: Facts, route: Route) -> Chain:
    """Return the chain of the first rule that matches; every rule looked at is recorded."""
    for rule in route.rules:
        # The explanation is the decision: `matches` is not asked beside it.
        condition = None if rule.condition is None else rule.condition.explain(facts)
        matched = condition is None or condition.result
        record.rules_evaluated.append(RuleEvaluation(rule.rule, matched, condition))
        if matched:
            record.rule = rule.rule
            record.reason = rule.reason or route.reason or "primary_provider_ok"
            return rule.chain

    default = "primary_provider_ok" if route.chain.weights is None else "load_balance"
    record.reason = route.reason or default
    return route.chain
