"""From the `policy` section to the gates, budgets and run counter of one configuration version.

The counters are not made here: they live in a `CounterStore` that outlives reloads.
"""

from typing import TypeAlias

from msgspec import Struct

from pointsman.config.policy import BudgetConfig, LimitConfig, PolicyConfig
from pointsman.core.conditions import REQUEST_FIELDS, Pin, compile_condition, pins
from pointsman.core.facts import Facts
from pointsman.core.money import nano_usd_from_text
from pointsman.policy.agent_runs import RULE, AgentRuns
from pointsman.policy.budgets import Budget, Budgets
from pointsman.policy.calendar import TOTAL, Calendars
from pointsman.policy.counters import CounterStore
from pointsman.policy.gates import ConcurrencyGate, Gate, Matches, QuotaGate, RateGate
from pointsman.policy.rule_index import RuleIndex
from pointsman.policy.scopes import Scope

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
    movable_tenants: frozenset[str]
    """Tenants whose requests budgets may move to a cheaper target."""

    @property
    def is_empty(self) -> bool:
        """Whether no request is ever looked at."""
        return not self.gates.all and self.runs is None and not len(self.budgets)

    def periods(self) -> set[str]:
        """Return the calendar periods that any rule counts over; runs count as a day."""
        periods = self.budgets.periods()
        periods |= {gate.period for gate in self.gates.all if isinstance(gate, QuotaGate)}
        return periods | {"day"} if self.runs is not None else periods


def compile_rules(policy: PolicyConfig, store: CounterStore, *, header_prefix: str) -> Rules:
    """Compile a checked section.

    Args:
        policy: As configured.
        store: The counters of this worker.
        header_prefix: Of the caller's headers, as in `x-pointsman-`.
    """
    zones = {
        tenant: own.time_zone for tenant, own in policy.tenants.items() if own.time_zone is not None
    }
    calendars = Calendars(policy.time_zone, zones)
    gates: list[tuple[Gate, Pins]] = []
    for name, limit in policy.limits.items():
        gates += _gates(f"policy.limits.{name}", limit, store, calendars)
    budgets = [_budget(f"policy.budgets.{name}", one) for name, one in policy.budgets.items()]
    return Rules(
        gates=RuleIndex(gates),
        budgets=Budgets(budgets, store, calendars),
        runs=_runs(policy, store, header_prefix),
        calendars=calendars,
        movable_tenants=frozenset(
            tenant for tenant, own in policy.tenants.items() if own.budget_routes
        ),
    )


def _gates(
    rule: str, config: LimitConfig, store: CounterStore, calendars: Calendars
) -> list[tuple[Gate, Pins]]:
    scope = Scope(config.scope)
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
    matches, pinned = _compiled(config.match, f"{rule}.match")
    for gate in gates:
        gate.matches = matches
        gate.dry_run = config.dry_run
    return [(gate, pinned) for gate in gates]


def _budget(rule: str, config: BudgetConfig) -> Budget:
    scope = Scope(config.scope)
    is_of_run = config.period == TOTAL and scope.is_of_run
    matches, pinned = _compiled(config.match, f"{rule}.match")
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
        matches=_compiled(config.match, f"{RULE}.match")[0],
        without_id=config.without_id,
        idle_ns=round(config.idle * _NS),
        forget_ns=round(config.forget_after * _NS),
        header_prefix=header_prefix,
    )


def _compiled(raw: object, path: str) -> tuple[Matches | None, Pins]:
    """Return the condition of a rule, None for all requests, and what it needs at least."""
    if raw is None:
        return None, ()
    condition = compile_condition(raw, REQUEST_FIELDS, path)
    return condition.matches, tuple(pins(condition.tree))
