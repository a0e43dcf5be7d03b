"""What a condition needs at least: fields that must have one of a few written values to match.

`{tenant: acme, chars: "> 10"}` pins `tenant` to `acme`: whoever has many conditions can find those
that may hold by looking values up, instead of asking every condition. Says nothing of the rest of
the condition, which is still to be asked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic

from pointsman.core.conditions.catalogue import F, FieldType
from pointsman.core.conditions.tree import AnyOf, Leaf, Node, conjuncts


@dataclass(frozen=True, slots=True)
class Pin(Generic[F]):
    """A field, and the only values with which the condition can hold."""

    field: str
    read: Callable[[F], object]
    values: frozenset[str]


def pins(node: Node[F]) -> Iterator[Pin[F]]:
    """Yield every pin of a condition; none for one that may hold whatever a field's value is."""
    for part in conjuncts(node):
        alternatives = part.parts if isinstance(part, AnyOf) else (part,)
        leaves = [one for one in alternatives if isinstance(one, Leaf)]
        if not leaves or len(leaves) != len(alternatives):
            continue
        field = leaves[0].field
        texts = [_text(one) for one in leaves]
        known = frozenset(text for text in texts if text is not None)
        if None not in texts and all(one.field.name == field.name for one in leaves):
            yield Pin(field.name, field.read, known)


def _text(leaf: Leaf[F]) -> str | None:
    """Return the one text that a comparison holds for; None for any other comparison."""
    if leaf.field.type is not FieldType.TEXT or leaf.matcher.op != "==":
        return None
    expected = leaf.matcher.expected
    return expected if isinstance(expected, str) else None
