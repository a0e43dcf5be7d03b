"""Which limits and budgets are written where: for the gateway, for a plan, for one tenant.

All of them apply to a request, except that one of a tenant replaces one of the same name of its
plan, and one of a plan or tenant replaces one of the same name of the gateway. So `per-key` can be
wider on one plan, and every other rule stays.
"""

from collections.abc import Mapping
from typing import Generic, TypeVar

from msgspec import Struct, structs

from pointsman.config.policy import BudgetConfig, LimitConfig, PolicyConfig
from pointsman.core.conditions import REQUEST_FIELDS, Pin, compile_condition, pins
from pointsman.core.facts import Facts
from pointsman.policy.gates import Matches
from pointsman.policy.tenancy import Party, Tenancy

C = TypeVar("C", LimitConfig, BudgetConfig)
_FIELDS = {"plan": "tier", "tenant": "tenant"}
_NOBODY: frozenset[str] = frozenset()


class WrittenRule(Struct, Generic[C], frozen=True, kw_only=True):
    """A limit or budget, and whom it is about."""

    name: str
    path: str
    config: C
    about: Party | None = None
    """The plan or tenant that has it; None for everybody."""
    not_plans: frozenset[str] = _NOBODY
    not_tenants: frozenset[str] = _NOBODY
    """Who has one of the same name."""

    def compiled(self) -> tuple[Matches | None, tuple[Pin[Facts], ...]]:
        """Return which requests it is about, None for all, and what those must have at least."""
        raw: object = self.config.match
        found: tuple[Pin[Facts], ...] = ()
        matches: Matches | None = None
        if raw is not None:
            condition = compile_condition(raw, REQUEST_FIELDS, f"{self.path}.match")
            matches, found = condition.matches, tuple(pins(condition.tree))
        if self.not_plans or self.not_tenants:
            matches = _without(matches, self.not_plans, self.not_tenants)
        if self.about is None:
            return matches, found
        pin = _pin(_FIELDS[self.about.kind], self.about.name)
        return _of(pin, self.about.name, matches), (*found, pin)


def written_limits(policy: PolicyConfig, tenancy: Tenancy) -> list[WrittenRule[LimitConfig]]:
    """Return every limit, those of everybody first."""
    own = {name: (f"policy.limits.{name}", one) for name, one in policy.limits.items()}
    return _written(own, [(party, party.limits()) for party in _parties(tenancy)])


def written_budgets(policy: PolicyConfig, tenancy: Tenancy) -> list[WrittenRule[BudgetConfig]]:
    """Return every budget, those of everybody first."""
    own = {name: (f"policy.budgets.{name}", one) for name, one in policy.budgets.items()}
    return _written(own, [(party, party.budgets()) for party in _parties(tenancy)])


def _parties(tenancy: Tenancy) -> list[Party]:
    return [*tenancy.plans(), *tenancy.tenants()]


def _written(
    own: Mapping[str, tuple[str, C]],
    of_parties: list[tuple[Party, dict[str, tuple[str, C]]]],
) -> list[WrittenRule[C]]:
    holders: dict[tuple[str, str], set[str]] = {}
    made: list[WrittenRule[C]] = []
    for party, rules in of_parties:
        for name, (path, config) in rules.items():
            same = holders.setdefault((party.kind, name), set())
            # Of a tenant that file and state speak of, the file comes first and is the one.
            if party.name not in same:
                same.add(party.name)
                made.append(WrittenRule(name=name, path=path, config=config, about=party))
    tenants = {name: frozenset(same) for (kind, name), same in holders.items() if kind == "tenant"}
    plans = {name: frozenset(same) for (kind, name), same in holders.items() if kind == "plan"}
    general = [
        WrittenRule(
            name=name,
            path=path,
            config=config,
            not_plans=plans.get(name, _NOBODY),
            not_tenants=tenants.get(name, _NOBODY),
        )
        for name, (path, config) in own.items()
    ]
    return general + [_narrowed(rule, tenants) for rule in made]


def _narrowed(rule: WrittenRule[C], tenants: Mapping[str, frozenset[str]]) -> WrittenRule[C]:
    """Return a plan's rule without the tenants that have one of its name."""
    if rule.about is None or rule.about.kind != "plan":
        return rule
    return structs.replace(rule, not_tenants=tenants.get(rule.name, _NOBODY))


def _pin(field: str, value: str) -> Pin[Facts]:
    found = REQUEST_FIELDS.find(field)
    if found is None:
        raise KeyError(field)
    return Pin(found.name, found.read, frozenset({value}))


def _of(pin: Pin[Facts], value: str, inner: Matches | None) -> Matches:
    read = pin.read
    if inner is None:
        return lambda facts: read(facts) == value
    return lambda facts: read(facts) == value and inner(facts)


def _without(inner: Matches | None, plans: frozenset[str], tenants: frozenset[str]) -> Matches:
    if inner is None:
        return lambda facts: facts.tier not in plans and facts.tenant not in tenants
    return lambda facts: facts.tier not in plans and facts.tenant not in tenants and inner(facts)
