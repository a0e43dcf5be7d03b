"""The entry of this package: a raw condition becomes a compiled one, or a load error."""

from collections.abc import Callable
from typing import Generic

from pointsman.core.conditions.catalogue import Catalogue, F
from pointsman.core.conditions.parse import Parser
from pointsman.core.conditions.tree import Node, leaves
from pointsman.core.records import Evaluated


class Condition(Generic[F]):
    """A compiled condition. Immutable, and safe to evaluate concurrently.

    Attributes:
        matches: `(facts) -> bool`: whether the condition holds. Never raises.
        tree: The checked form, for whoever compares conditions with each other.
        warnings: What is allowed and probably not meant, each with its path.
    """

    __slots__ = ("matches", "tree", "warnings")

    def __init__(self, tree: Node[F], warnings: tuple[str, ...] = ()) -> None:
        self.tree = tree
        self.warnings = warnings
        self.matches: Callable[[F], bool] = tree.predicate()

    def explain(self, facts: F) -> Evaluated:
        """Return every sub-condition with both values that were compared.

        Its `result` always equals `matches(facts)`: both come from the same tests.
        """
        return self.tree.explain(facts)

    def fields(self) -> frozenset[str]:
        """Return the names of all fields it reads, as explanations show them."""
        return frozenset(leaf.field.name for leaf in leaves(self.tree))

    def constant(self) -> bool | None:
        """Return True or False when no facts can change the result; else None."""
        return self.tree.constant()


def compile_condition(raw: object, catalogue: Catalogue[F], path: str) -> Condition[F]:
    """Check and compile a condition.

    Args:
        raw: The condition as loaded: true, false, or a map.
        catalogue: What may be read.
        path: Where it stands in the configuration, for messages: `routes.auto.rules[0].when`.

    Returns:
        The condition, ready to evaluate.

    Raises:
        ConditionError: It cannot be used. None counts as missing, not as 'always'.
    """
    parser = Parser(catalogue)
    tree = parser.condition(raw, path)
    return Condition(tree, tuple(parser.warnings))
