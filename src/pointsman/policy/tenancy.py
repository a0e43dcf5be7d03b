"""Plans and tenants in force: those of the file and those given at run time, as one.

Precedence, for each thing that can be said: the key, the tenant, its plan, the gateway. Of one
tenant the file goes before the state, field by field; of one plan, the file's is the plan. Limits
and budgets add up, except that one of the same name replaces the more general one.

Immutable: a reload or a snapshot makes another one. Knows no request.
"""

from collections.abc import Iterator, Mapping
from itertools import chain

from msgspec import Struct, structs

from pointsman.config.checks.terms import DAILY
from pointsman.config.policy import (
    BudgetConfig,
    LimitConfig,
    PlanConfig,
    PolicyConfig,
    TenantPolicyConfig,
)
from pointsman.config.root import LoadedConfig, SourceMap
from pointsman.core.errors import PermissionDeniedError
from pointsman.core.records import AliasUse, Rule
from pointsman.core.terms import NO_TERMS, DialectScope, NameScope, Terms
from pointsman.state.snapshot import Snapshot, SnapshotTenant

FILE = "policy"
STATE = "state"
_MAX_REMEMBERED = 50_000


class Party(Struct, frozen=True):
    """A plan or a tenant, as one place says it."""

    kind: str
    """`plan` or `tenant`."""
    name: str
    origin: str
    """`policy` for the file, `state` for what was given at run time."""
    terms: PlanConfig | TenantPolicyConfig

    @property
    def path(self) -> str:
        """Where it is written: `policy.plans.free`."""
        return f"{self.origin}.{self.kind}s.{self.name}"

    def budgets(self) -> dict[str, tuple[str, BudgetConfig]]:
        """Return name -> path and budget, with the daily one."""
        terms = self.terms
        if terms.daily_usd is None and not terms.budgets:
            return {}
        found = {name: (f"{self.path}.budgets.{name}", one) for name, one in terms.budgets.items()}
        if terms.daily_usd is not None:
            daily = BudgetConfig(scope="tenant", usd=terms.daily_usd)
            found[DAILY] = (f"{self.path}.daily_usd", daily)
        return found

    def limits(self) -> dict[str, tuple[str, LimitConfig]]:
        """Return name -> path and limit."""
        limits = self.terms.limits
        return {name: (f"{self.path}.limits.{name}", one) for name, one in limits.items()}


class Tenancy:
    """The plans and tenants of one gateway.

    Args:
        policy: Of the file.
        plans: Given at run time; one that the file has too is not used.
        tenants: Given at run time; the file goes before them, field by field.
        lines: Path in the file -> line, for records.
        file: Its name.
    """

    def __init__(
        self,
        policy: PolicyConfig | None = None,
        *,
        plans: Mapping[str, PlanConfig] | None = None,
        tenants: Mapping[str, TenantPolicyConfig] | None = None,
        lines: SourceMap | None = None,
        file: str | None = None,
    ) -> None:
        policy = policy or PolicyConfig()
        self._lines = lines or SourceMap()
        self._file = file
        issued = {name: one for name, one in (plans or {}).items() if name not in policy.plans}
        self._plans = {
            name: Party("plan", name, origin, one)
            for origin, found in ((STATE, issued), (FILE, policy.plans))
            for name, one in found.items()
        }
        self._tenants: dict[str, list[Party]] = {}
        for origin, declared in ((FILE, policy.tenants), (STATE, tenants or {})):
            for name, own in declared.items():
                self._tenants.setdefault(name, []).append(Party("tenant", name, origin, own))
        self._plan_of = {
            name: plan
            for name, parties in self._tenants.items()
            if (plan := next(filter(None, map(_plan_of, parties)), None)) is not None
        }
        self._remembered: dict[tuple[str | None, str | None], Terms] = {}

    def plan_of(self, tenant: str | None) -> str | None:
        """Return the plan that a tenant has; None when nobody has given it one."""
        return self._plan_of.get(tenant) if tenant is not None else None

    def terms(self, tenant: str | None, plan: str | None) -> Terms:
        """Return what holds for a tenant on a plan, besides rules that count.

        Raises:
            PermissionDeniedError: The tenant is disabled.
        """
        key = (tenant if tenant in self._tenants else None, plan if plan in self._plans else None)
        if key == (None, None):
            return NO_TERMS
        found = self._remembered.get(key)
        if found is None:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            found = self._remembered[key] = self._merged(self._parties(*key))
        if found.is_disabled:
            raise PermissionDeniedError(
                f"the tenant `{tenant}` is disabled on this gateway", code="tenant_disabled"
            )
        return found

    def plans(self) -> list[Party]:
        """Return the plans."""
        return list(self._plans.values())

    def tenants(self) -> Iterator[Party]:
        """Yield the tenants; one that two places speak of comes twice, the file's first."""
        return chain.from_iterable(self._tenants.values())

    def zones(self) -> dict[str, str]:
        """Return tenant -> time zone, of those that have one of their own or of their plan."""
        found: dict[str, str] = {}
        for name in self._tenants:
            for party in self._parties(name, self._plan_of.get(name)):
                if party.terms.time_zone is not None:
                    found.setdefault(name, party.terms.time_zone)
        return found

    def movable(self) -> tuple[dict[str, bool], frozenset[str]]:
        """Return what tenants say about `budget_routes` themselves, and the plans that allow it."""
        said: dict[str, bool] = {}
        for party in self.tenants():
            if party.terms.budget_routes is not None:
                said.setdefault(party.name, party.terms.budget_routes)
        return said, frozenset(each.name for each in self.plans() if each.terms.budget_routes)

    def _parties(self, tenant: str | None, plan: str | None) -> list[Party]:
        """Return who speaks, the most particular first."""
        parties = list(self._tenants.get(tenant, ())) if tenant is not None else []
        if plan is not None and plan in self._plans:
            parties.append(self._plans[plan])
        return parties

    def _merged(self, parties: list[Party]) -> Terms:
        aliases: dict[str, AliasUse] = {}
        for party in parties:
            for name, means in party.terms.aliases.items():
                rule = self._rule(f"{party.path}.aliases.{name}")
                aliases.setdefault(name, AliasUse(name, means, party.kind, party.name, rule))
        named = next((one for one in parties if one.terms.models or one.terms.routes), None)
        spoken = next((one for one in parties if one.terms.dialects), None)
        return Terms(
            aliases=aliases,
            names=_names(named) if named is not None else None,
            dialects=_dialects(spoken) if spoken is not None else None,
            is_disabled=any(getattr(party.terms, "disabled", False) for party in parties),
        )

    def _rule(self, path: str) -> Rule:
        line = self._lines.get(path)
        return Rule(path, self._file if line is not None else None, line)


def _plan_of(party: Party) -> str | None:
    return party.terms.plan if isinstance(party.terms, TenantPolicyConfig) else None


def _dialects(party: Party) -> DialectScope:
    return DialectScope(party.kind, party.name, tuple(party.terms.dialects))


def _names(party: Party) -> NameScope:
    terms = party.terms
    return NameScope(party.kind, party.name, tuple(terms.models), tuple(terms.routes))


def tenancy_of(loaded: LoadedConfig, snapshot: Snapshot | None) -> Tenancy:
    """Return the plans and tenants of a configuration and of what the collector has sent."""
    plans: dict[str, PlanConfig] = {}
    tenants: dict[str, TenantPolicyConfig] = {}
    if snapshot is not None:
        plans = {plan.name: plan.terms for plan in snapshot.plans}
        tenants = {tenant.id: _said(tenant) for tenant in snapshot.tenants if _says(tenant)}
    return Tenancy(
        loaded.config.policy, plans=plans, tenants=tenants, lines=loaded.lines, file=loaded.file
    )


def _says(tenant: SnapshotTenant) -> bool:
    """Tell whether there is anything to know of a tenant: keys may name one that has no terms."""
    return tenant.plan is not None or tenant.is_disabled or tenant.terms != PlanConfig()


def _said(tenant: SnapshotTenant) -> TenantPolicyConfig:
    terms = structs.asdict(tenant.terms)
    return TenantPolicyConfig(**terms, plan=tenant.plan, disabled=tenant.is_disabled)
