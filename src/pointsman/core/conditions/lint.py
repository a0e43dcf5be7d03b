"""What a list of rules, read in order until one matches, says about its own order (A-50)."""

from collections.abc import Sequence

from pointsman.core.conditions.catalogue import F
from pointsman.core.conditions.compile import Condition
from pointsman.core.conditions.matchers import Matcher
from pointsman.core.conditions.tree import (
    AllOf,
    AnyOf,
    Constant,
    Leaf,
    Negation,
    Node,
    conjuncts,
)


def unreachable_rules(conditions: Sequence[Condition[F] | None]) -> list[tuple[int, int]]:
    """Return the rules that can never be reached, each with the earlier rule that stands before it.

    Finds what can be told for certain: an earlier rule that always matches, or one that asks for a
    part of what the later rule asks for. None is a rule without a condition: it always matches.
    """
    demands = [_demands(condition) for condition in conditions]
    found: list[tuple[int, int]] = []
    for later, wanted in enumerate(demands):
        if wanted is None:
            continue
        for earlier in range(later):
            broader = demands[earlier]
            if broader is not None and broader <= wanted:
                found.append((later, earlier))
                break
    return found


def _demands(condition: Condition[F] | None) -> frozenset[object] | None:
    """Return what must hold; empty for always, None for never (a rule that is switched off)."""
    if condition is None:
        return frozenset()
    constant = condition.constant()
    if constant is not None:
        return frozenset() if constant else None
    return frozenset(_key(part) for part in conjuncts(condition.tree) if part.constant() is None)


def _key(node: Node[F]) -> object:
    """Return a value that is equal for parts that mean the same."""
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, Leaf):
        return (node.field.name, *_matcher_key(node.matcher))
    if isinstance(node, Negation):
        return ("NOT", _key(node.part))
    return (_connector(node), frozenset(_key(part) for part in node.parts))


def _connector(node: AllOf[F] | AnyOf[F]) -> str:
    return "AND" if isinstance(node, AllOf) else "OR"


def _matcher_key(matcher: Matcher) -> tuple[str, str, object]:
    # The type belongs to the key: 1 and True are equal in Python and differ in a condition.
    return (matcher.op, type(matcher.expected).__name__, matcher.expected)
