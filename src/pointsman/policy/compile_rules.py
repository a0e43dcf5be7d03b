"""From the `policy` section, plans and tenants to the gates, budgets and run counter in force.

The counters are not made here: they live in a `CounterStore` that outlives reloads.
"""

from typing import TypeAlias

from msgspec import Struct

from pointsman.config.policy import BudgetConfig, LimitConfig, PolicyConfig
from pointsman.core.conditions import REQUEST_FIELDS, Pin, compile_condition
from pointsman.core.facts import Facts
from pointsman.core.money import nano_usd_from_text
from pointsman.policy.agent_runs import RULE, AgentRuns
from pointsman.policy.budgets import Budget, Budgets
from pointsman.policy.calendar import TOTAL, Calendars
from pointsman.policy.counters import CounterStore
from pointsman.policy.gates import ConcurrencyGate, Gate, Matches, QuotaGate, RateGate
from pointsman.policy.rule_index import RuleIndex
from pointsman.policy.scopes import Scope, Scopes
from pointsman.policy.tenancy import Tenancy
from pointsman.policy.written_rules import WrittenRule, written_budgets, written_limits

Pins: TypeAlias = tuple[Pin[Facts], ...]
_NS = 1_000_000_000
_RATES = (("requests_per_minute", "requests_minute"), ("tokens_per_minute", "tokens_minute"))
_QUOTAS = (
    ("requests_per_day", "requests_day"),
    ("requests_per_month", "requests_month"),
    ("tokens_per_day", "tokens_day"),
    ("tokens_per_month", "tokens_month"),
)


class Rules(Struct, frozen=True, kw_only=True):
    """Everything that one configuration version asks of a request."""

    gates: RuleIndex[Gate]
    budgets: Budgets
    runs: AgentRuns | None
    calendars: Calendars
    movable_tenants: dict[str, bool]
    """Tenant -> whether budgets may move its requests to a cheaper target, where it says so."""
    movable_plans: frozenset[str]
    """Plans whose requests may be moved, where the tenant says nothing."""

    @property
    def is_empty(self) -> bool:
        """Whether no request is ever looked at."""
        return not self.gates.all and self.runs is None and not len(self.budgets)

    def may_move(self, facts: Facts) -> bool:
        """Tell whether budgets may move a request to a cheaper target."""
        said = self.movable_tenants.get(facts.tenant) if facts.tenant is not None else None
        return facts.tier in self.movable_plans if said is None else said

    def periods(self) -> set[str]:
        """Return the calendar periods that any rule counts over; runs count as a day."""
        periods = self.budgets.periods()
        periods |= {gate.period for gate in self.gates.all if isinstance(gate, QuotaGate)}
        return periods | {"day"} if self.runs is not None else periods


def compile_rules(
    policy: PolicyConfig,
    store: CounterStore,
    *,
    header_prefix: str,
    tenancy: Tenancy | None = None,
) -> Rules:
    """Compile a checked section.

    Args:
        policy: As configured.
        store: The counters of this worker.
        header_prefix: Of the caller's headers, as in `x-pointsman-`.
        tenancy: The plans and tenants in force; None takes those of the section.
    """
    tenancy = tenancy or Tenancy(policy)
    calendars = Calendars(policy.time_zone, tenancy.zones())
    scopes = Scopes()
    gates: list[tuple[Gate, Pins]] = []
    for rule in written_limits(policy, tenancy):
        gates += _gates(rule, store, calendars, scopes.of(rule.config.scope))
    budgets = [
        _budget(rule, scopes.of(rule.config.scope)) for rule in written_budgets(policy, tenancy)
    ]
    movable_tenants, movable_plans = tenancy.movable()
    return Rules(
        gates=RuleIndex(gates),
        budgets=Budgets(budgets, store, calendars),
        runs=_runs(policy, store, header_prefix),
        calendars=calendars,
        movable_tenants=movable_tenants,
        movable_plans=movable_plans,
    )


def _gates(
    written: WrittenRule[LimitConfig], store: CounterStore, calendars: Calendars, scope: Scope
) -> list[tuple[Gate, Pins]]:
    rule, config = written.path, written.config
    gates: list[Gate] = []
    for field, kind in _RATES:
        limit = getattr(config, field)
        if limit is not None:
            gates.append(RateGate(store, rule=rule, kind=kind, limit=limit, scope=scope))
    if config.concurrent is not None:
        gates.append(
            ConcurrencyGate(
                store, rule=rule, kind="concurrent_calls", limit=config.concurrent, scope=scope
            )
        )
    for field, kind in _QUOTAS:
        limit = getattr(config, field)
        if limit is not None:
            gates.append(
                QuotaGate(store, calendars, rule=rule, kind=kind, limit=limit, scope=scope)
            )
    matches, pinned = written.compiled()
    for gate in gates:
        gate.matches = matches
        gate.dry_run = config.dry_run
    return [(gate, pinned) for gate in gates]


def _budget(written: WrittenRule[BudgetConfig], scope: Scope) -> Budget:
    rule, config = written.path, written.config
    is_of_run = config.period == TOTAL and scope.is_of_run
    matches, pinned = written.compiled()
    return Budget(
        rule=rule,
        scope=scope,
        kind=f"spend_nano_usd_{'run' if is_of_run else config.period}",
        matches=matches,
        pins=pinned,
        cap=nano_usd_from_text(str(config.usd)),
        warn_percent=config.warn_percent,
        period=config.period,
        route_to=config.route_to,
        route_percent=config.route_percent,
        refuses_unpriced=config.unpriced == "refuse",
        dry_run=config.dry_run,
    )


def _runs(policy: PolicyConfig, store: CounterStore, header_prefix: str) -> AgentRuns | None:
    config = policy.agent_runs
    if config is None:
        return None
    return AgentRuns(
        store,
        max_iterations=config.max_iterations,
        matches=_matches(config.match, f"{RULE}.match"),
        without_id=config.without_id,
        idle_ns=round(config.idle * _NS),
        forget_ns=round(config.forget_after * _NS),
        header_prefix=header_prefix,
    )


def _matches(raw: object, path: str) -> Matches | None:
    return compile_condition(raw, REQUEST_FIELDS, path).matches if raw is not None else None
