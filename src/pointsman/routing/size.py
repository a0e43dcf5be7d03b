"""Size classes: `small` and `large`, by the number of characters in the prompt.

The threshold is the one of the `auto` route, so that the class and the route agree.
"""

from pointsman.core.conditions.tree import Leaf, conjuncts
from pointsman.core.facts import Facts
from pointsman.routing.route import Route

DEFAULT_SMALL_MAX_CHARACTERS = 1000
"""Longest small prompt when the `auto` route does not say."""


def small_max_characters(route: Route) -> int | None:
    """Return the bound of the first rule that asks for at most some characters; None without."""
    for rule in route.rules:
        if rule.condition is None:
            continue
        for part in conjuncts(rule.condition.tree):
            bound = _upper_bound(part) if isinstance(part, Leaf) else None
            if bound is not None:
                return bound
    return None


def size_class(characters: int, small_max: int) -> str:
    """Return `small` up to the threshold, `large` beyond it."""
    return "small" if characters <= small_max else "large"


def _upper_bound(leaf: Leaf[Facts]) -> int | None:
    expected = leaf.matcher.expected
    if leaf.field.name != "characters" or not isinstance(expected, int | float):
        return None
    if leaf.matcher.op == "<=":
        return int(expected // 1)
    if leaf.matcher.op == "<":
        return -int(-expected // 1) - 1
    return None
