"""What comparing with a schema may cost, before anybody compares.

A validator follows every reference each time it meets it. So a few lines, each of which refers to
the next one twice, cost more than there is time, and a caller may declare any schema. References
are followed here as a validator would, within a budget; what goes beyond it is not compared at all.
"""

from typing import Any, TypeAlias

from msgspec import Struct

Json: TypeAlias = Any

MAX_VISITS = 4_096
"""Parts of a schema with all references followed; ordinary ones have some hundreds."""
MAX_COMPARISONS = 500_000
"""Visits that one comparison with a recursive schema may take: some tens of milliseconds."""
_PLAIN = frozenset({"enum", "const", "default", "examples"})
_ELSEWHERE = frozenset({"$dynamicRef", "$recursiveRef", "$id", "id"})
"""Keywords by which a reference may lead to another place than it says."""


class SchemaCost(Struct, frozen=True):
    """What comparing may cost at most."""

    visits: int
    """From any place that a reference leads to, until a reference leads back."""
    branches: int
    """References that lead back in them: by so many times the cost grows with each level."""

    def allows(self, value: Json) -> bool:
        """Tell whether a value may be compared."""
        if self.branches <= 1:
            return True
        depth = 0
        level = [value]
        comparisons = self.visits
        while level and comparisons <= MAX_COMPARISONS:
            level = [inner for each in level for inner in _inner(each)]
            depth += 1
            comparisons *= self.branches
        return comparisons <= MAX_COMPARISONS


def cost_of(schema: dict[str, Json]) -> SchemaCost | None:
    """Return what comparing with a schema may cost; None when it is too much, or cannot be told."""
    walk = _Walk(schema)
    try:
        walk.from_everywhere()
    except (_TooMuchError, RecursionError):
        return None
    return SchemaCost(walk.most_visits, walk.most_branches)


class _TooMuchError(Exception):
    """The budget is spent, or a reference leads where nobody knows."""


class _Walk:
    """Follows a schema from its root, then from each place that a reference led to."""

    def __init__(self, root: dict[str, Json]) -> None:
        self.most_visits = 0
        self.most_branches = 0
        self._root = root
        self._visits = 0
        self._branches = 0
        self._targets = {"#"}

    def from_everywhere(self) -> None:
        known: set[str] = set()
        total = 0
        while new := self._targets - known:
            for start in new:
                self._visits = self._branches = 0
                self._follow(start, frozenset())
                total += self._visits
                if total > 4 * MAX_VISITS:
                    raise _TooMuchError
                self.most_visits = max(self.most_visits, self._visits)
                self.most_branches = max(self.most_branches, self._branches)
            known |= new

    def _follow(self, reference: str, path: frozenset[str]) -> None:
        self._targets.add(reference)
        if reference in path:
            self._branches += 1
            return
        self._visit(self._at(reference), path | {reference})

    def _visit(self, part: Json, path: frozenset[str]) -> None:
        self._visits += 1
        if self._visits > MAX_VISITS:
            raise _TooMuchError
        if isinstance(part, list):
            for each in part:
                self._visit(each, path)
        elif isinstance(part, dict):
            for key, value in part.items():
                if key in _ELSEWHERE and isinstance(value, str) and part is not self._root:
                    raise _TooMuchError
                if key == "$ref" and isinstance(value, str):
                    self._follow(value, path)
                elif isinstance(value, dict | list) and key not in _PLAIN:
                    self._visit(value, path)

    def _at(self, reference: str) -> Json:
        if not reference.startswith("#") or (len(reference) > 1 and reference[1] != "/"):
            raise _TooMuchError  # another document, or a name that stands anywhere
        if "%" in reference:
            raise _TooMuchError  # spelt as nobody does
        part: Json = self._root
        for step in reference[2:].split("/") if len(reference) > 1 else ():
            name = step.replace("~1", "/").replace("~0", "~")
            part = part.get(name) if isinstance(part, dict) else None
        if part is None:
            raise _TooMuchError  # within a list, or nowhere
        return part


def _inner(value: Json) -> list[Json]:
    held: list[Json] = []
    if isinstance(value, dict):
        held = list(value.values())
    elif isinstance(value, list):
        held = value
    return [each for each in held if isinstance(each, dict | list)]
