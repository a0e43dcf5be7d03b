"""Finds the rules that may be about a request without asking every rule.

A rule whose condition needs a field to have one of some written values stands under those values:
of ten thousand limits for another key each, a request looks at the one for its own. Rules that pin
nothing are looked at always. What is found is in the order of the configuration.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Generic, TypeVar

from pointsman.core.conditions import Pin
from pointsman.core.facts import Facts

R = TypeVar("R")
_first = itemgetter(0)


class RuleIndex(Generic[R]):
    """The rules of one kind, by what they need.

    Args:
        rules: In their order, each with the pins of its condition.
    """

    __slots__ = ("_always", "_by_field", "_ordered", "all")

    def __init__(self, rules: Iterable[tuple[R, Sequence[Pin[Facts]]]]) -> None:
        entries = [(place, rule, pins) for place, (rule, pins) in enumerate(rules)]
        self.all: tuple[R, ...] = tuple(rule for _, rule, _ in entries)
        crowds = Counter(
            (pin.field, value) for _, _, pins in entries for pin in pins for value in pin.values
        )
        always: list[tuple[int, R]] = []
        readers: dict[str, Callable[[Facts], object]] = {}
        fields: dict[str, dict[object, list[tuple[int, R]]]] = {}
        for place, rule, pins in entries:
            if not pins:
                always.append((place, rule))
                continue
            pin = min(pins, key=lambda one: _crowd(one, crowds))
            readers[pin.field] = pin.read
            values = fields.setdefault(pin.field, {})
            for value in pin.values:
                values.setdefault(value, []).append((place, rule))
        self._ordered = always
        self._always = tuple(rule for _, rule in always)
        self._by_field = tuple((readers[name], values) for name, values in fields.items())

    def of(self, facts: Facts) -> Sequence[R]:
        """Return the rules that may match, in their order; each is still to be asked."""
        found: list[tuple[int, R]] | None = None
        for read, values in self._by_field:
            more = values.get(read(facts))
            if more is not None:
                found = more if found is None else found + more
        if found is None:
            return self._always
        if self._ordered:
            found = found + self._ordered
        return [rule for _, rule in sorted(found, key=_first)]


def _crowd(pin: Pin[Facts], crowds: Counter[tuple[str, str]]) -> int:
    """Return how many rules would share the values of a pin: the fewest is the best place."""
    return sum(crowds[pin.field, value] for value in pin.values)
