"""The checked form of a condition: a tree of comparisons under AND, OR and NOT.

Each node makes its predicate and its explanation from the same tests, so that the two cannot
disagree. The explanation evaluates every part, also those that the predicate would skip: fields
are plain values, so reading them has no effect.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic

from pointsman.core.conditions.catalogue import F, Field
from pointsman.core.conditions.matchers import Matcher, is_missing
from pointsman.core.records import Evaluated


@dataclass(frozen=True, slots=True)
class Constant(Generic[F]):
    """Always, or never."""

    value: bool

    def predicate(self) -> Callable[[F], bool]:
        """Return a function that ignores the facts."""
        value = self.value
        return lambda _: value

    def explain(self, _facts: F) -> Evaluated:
        """Return the constant as it was written."""
        return Evaluated(result=self.value, op="constant", expected=self.value)

    def constant(self) -> bool | None:
        """Return the value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Leaf(Generic[F]):
    """One field compared with one value."""

    field: Field[F]
    matcher: Matcher

    def predicate(self) -> Callable[[F], bool]:
        """Return the test on the field's value."""
        read, test = self.field.read, self.matcher.test
        return lambda facts: test(read(facts))

    def explain(self, facts: F) -> Evaluated:
        """Return both values and the result."""
        matcher = self.matcher
        actual = self.field.read(facts)
        return Evaluated(
            result=matcher.test(actual),
            fact=self.field.name,
            op=matcher.op,
            expected=matcher.expected,
            actual=shown(actual),
            missing=is_missing(actual),
        )

    def constant(self) -> bool | None:
        """Return None: it depends on the facts."""
        return None


@dataclass(frozen=True, slots=True)
class AllOf(Generic[F]):
    """Every part holds; true when there is none."""

    parts: "tuple[Node[F], ...]"

    def predicate(self) -> Callable[[F], bool]:
        """Return the conjunction, which stops at the first part that does not hold."""
        return _all([part.predicate() for part in self.parts])

    def explain(self, facts: F) -> Evaluated:
        """Return every part."""
        parts = [part.explain(facts) for part in self.parts]
        return Evaluated(result=all(part.result for part in parts), op="AND", parts=parts)

    def constant(self) -> bool | None:
        """Return what the parts come to without any facts; None when it depends on them."""
        values = {part.constant() for part in self.parts}
        if False in values:
            return False
        return None if None in values else True


@dataclass(frozen=True, slots=True)
class AnyOf(Generic[F]):
    """At least one part holds; false when there is none."""

    parts: "tuple[Node[F], ...]"

    def predicate(self) -> Callable[[F], bool]:
        """Return the disjunction, which stops at the first part that holds."""
        return _any([part.predicate() for part in self.parts])

    def explain(self, facts: F) -> Evaluated:
        """Return every part."""
        parts = [part.explain(facts) for part in self.parts]
        return Evaluated(result=any(part.result for part in parts), op="OR", parts=parts)

    def constant(self) -> bool | None:
        """Return what the parts come to without any facts; None when it depends on them."""
        values = {part.constant() for part in self.parts}
        if True in values:
            return True
        return None if None in values else False


@dataclass(frozen=True, slots=True)
class Negation(Generic[F]):
    """The part does not hold."""

    part: "Node[F]"

    def predicate(self) -> Callable[[F], bool]:
        """Return the opposite."""
        test = self.part.predicate()
        return lambda facts: not test(facts)

    def explain(self, facts: F) -> Evaluated:
        """Return the part."""
        part = self.part.explain(facts)
        return Evaluated(result=not part.result, op="NOT", parts=[part])

    def constant(self) -> bool | None:
        """Return the opposite of a constant part."""
        value = self.part.constant()
        return None if value is None else not value


Node = Constant[F] | Leaf[F] | AllOf[F] | AnyOf[F] | Negation[F]


def _all(tests: list[Callable[[F], bool]]) -> Callable[[F], bool]:
    # Folded in halves: no loop and no generator at run time, and a depth of log2 of the parts.
    if not tests:
        return lambda _: True
    if len(tests) == 1:
        return tests[0]
    middle = len(tests) // 2
    first, second = _all(tests[:middle]), _all(tests[middle:])
    return lambda facts: first(facts) and second(facts)


def _any(tests: list[Callable[[F], bool]]) -> Callable[[F], bool]:
    if not tests:
        return lambda _: False
    if len(tests) == 1:
        return tests[0]
    middle = len(tests) // 2
    first, second = _any(tests[:middle]), _any(tests[middle:])
    return lambda facts: first(facts) or second(facts)


def leaves(node: Node[F]) -> Iterator[Leaf[F]]:
    """Yield every comparison in the tree, in the order it was written."""
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, Negation):
        yield from leaves(node.part)
    elif isinstance(node, AllOf | AnyOf):
        for part in node.parts:
            yield from leaves(part)


def conjuncts(node: Node[F]) -> Iterator[Node[F]]:
    """Yield the parts that must all hold, with nested AND taken apart."""
    if not isinstance(node, AllOf):
        yield node
        return
    for part in node.parts:
        yield from conjuncts(part)


def shown(value: object) -> str | int | float | None:
    """Return a value as a record may hold it; a missing one is None."""
    if is_missing(value):
        return None
    if isinstance(value, str | int | float):
        return value
    return str(value)
