"""A compiled route: its rules in order, and the chains of targets that they choose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pointsman.core.conditions import Condition
from pointsman.core.facts import Facts
from pointsman.core.records import Exclusion, Rule
from pointsman.core.target import Target


@dataclass(frozen=True, slots=True)
class Chain:
    """Targets in the order to try them, each once."""

    targets: tuple[Target, ...]
    """First choices, then failover."""
    group: int
    """How many of the leading ones were chosen; the others are failover only."""
    weights: tuple[float, ...] | None = None
    """Weight of each target of the group for a drawn first choice; None keeps the order."""
    passed_over: tuple[tuple[Target, Exclusion], ...] = ()
    """The route's other targets, with the rule that chose and the one that would have chosen
    them: recorded as candidates, so that what they would have cost can be told."""


@dataclass(frozen=True, slots=True)
class RouteRule:
    """One rule."""

    rule: Rule
    """As records name it; shared by all records, never changed."""
    condition: Condition[Facts] | None
    """None always matches."""
    chain: Chain
    reason: str | None


@dataclass(frozen=True, slots=True)
class Route:
    """One route: a model name that clients may send."""

    name: str
    rules: tuple[RouteRule, ...]
    chain: Chain
    """Without a rule, or when none matches; may be empty."""
    timeout_s: float | None
    """The whole call over all attempts; None leaves it to the server."""
    allow_override: bool
    reason: str | None
    primary_provider: str | None
    """Provider of the default target: the first of the unconditional chain."""
    providers: tuple[str, ...]
    """Providers whose health a request of this route may read."""
    retry_first: bool = False
    """Whether a target that failed hard is asked again before the next one."""
    max_cost_ratio: float | None = None
    """How many times the first choice's price a failover target may cost; None is no limit."""


def make_chain(
    chosen: list[Target], failover: list[Target], weights: dict[str, float] | None = None
) -> Chain:
    """Return a chain without repetitions: a target that failed is not asked again (AG-24)."""
    group = list({target.name: target for target in chosen}.values())
    names = {target.name for target in group}
    rest = {target.name: target for target in failover if target.name not in names}
    shares = None if weights is None else tuple(weights.get(target.name, 0.0) for target in group)
    return Chain((*group, *rest.values()), len(group), shares)


def with_passed_over(rules: Sequence[RouteRule], chain: Chain) -> tuple[list[RouteRule], Chain]:
    """Return the rules and the unconditional chain, each knowing the targets of the others."""
    offers = [(rule.rule.id, rule.chain) for rule in rules] + [("no rule", chain)]
    told = [
        replace(rule, chain=replace(rule.chain, passed_over=_passed_over(index, offers)))
        for index, rule in enumerate(rules)
    ]
    return told, replace(chain, passed_over=_passed_over(len(rules), offers))


def _passed_over(
    chosen: int, offers: Sequence[tuple[str, Chain]]
) -> tuple[tuple[Target, Exclusion], ...]:
    name, chain = offers[chosen]
    taken = {target.name for target in chain.targets}
    found: dict[str, tuple[Target, Exclusion]] = {}
    for other, other_chain in offers:
        for target in other_chain.targets[: other_chain.group]:
            if target.name not in taken and target.name not in found:
                exclusion = Exclusion("rule", "another_rule_chose", name, other)
                found[target.name] = (target, exclusion)
    return tuple(found.values())
