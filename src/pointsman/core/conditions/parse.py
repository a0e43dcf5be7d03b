"""From a raw condition, as the configuration or an API gave it, to a checked tree.

Owns the shape of the grammar: constants, maps (implicit AND), AND/OR/NOT with their other
spellings, lists and maps of tags. Bounded in depth and size, so that no condition can be a load.
"""

import re
from collections.abc import Mapping
from typing import Generic

from pointsman.core.conditions import matchers
from pointsman.core.conditions.api_dialect import is_api_entry, matcher_for_entry
from pointsman.core.conditions.catalogue import Catalogue, F, Field, FieldType, member
from pointsman.core.conditions.problem import ConditionError
from pointsman.core.conditions.tree import AllOf, AnyOf, Constant, Leaf, Negation, Node
from pointsman.core.conditions.written import matcher_for

MAX_DEPTH = 16
MAX_NODES = 512
CONNECTORS = {
    "AND": "AND",
    "and": "AND",
    "all": "AND",
    "OR": "OR",
    "or": "OR",
    "any": "OR",
    "NOT": "NOT",
    "not": "NOT",
}
"""Spelling -> connector. Reserved: no field may have one of these names."""
_EXPRESSION = re.compile(r"\s*([\w.]+)\s*(>=|<=|==|!=|=|>|<)\s*(.+?)\s*\Z")
_SHAPE_HINT = "a condition is true, false or a map such as {model: 'gpt-4*', chars: '> 1000'}"


class Parser(Generic[F]):
    """Parses one condition; a new one for each, since it counts what it has read."""

    __slots__ = ("_catalogue", "_nodes", "warnings")

    def __init__(self, catalogue: Catalogue[F]) -> None:
        self._catalogue = catalogue
        self._nodes = 0
        self.warnings: list[str] = []

    def condition(self, raw: object, path: str, depth: int = 0) -> Node[F]:
        """Return the tree of one condition.

        Raises:
            ConditionError: It is not one, reads what cannot be read, or is too deep or too large.
        """
        self._count(path, depth)
        if isinstance(raw, bool):
            return Constant(raw)
        if isinstance(raw, Mapping):
            return self._map(raw, path, depth)
        if isinstance(raw, str):
            raise ConditionError(f"{raw[:80]!r} is text, not a condition", path, _as_map(raw))
        if raw is None:
            raise ConditionError(
                "the condition is empty", path, "write true for a rule that always matches"
            )
        raise ConditionError(f"{raw!r:.80} is not a condition", path, _SHAPE_HINT)

    def _count(self, path: str, depth: int) -> None:
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise ConditionError(f"the condition is nested deeper than {MAX_DEPTH}", path)
        if self._nodes > MAX_NODES:
            raise ConditionError(f"the condition has more than {MAX_NODES} parts", path)

    def _map(self, raw: Mapping[object, object], path: str, depth: int) -> Node[F]:
        if is_api_entry(raw):
            return self._api_entry(raw, path)
        if not raw:
            self.warnings.append(f"{path}: an empty map always matches")

        parts = tuple(self._entry(key, value, path, depth) for key, value in raw.items())
        return parts[0] if len(parts) == 1 else AllOf(parts)

    def _entry(self, key: object, value: object, path: str, depth: int) -> Node[F]:
        place = f"{path}.{key}"
        if not isinstance(key, str):
            raise ConditionError(f"{key!r} is not the name of a field", place)
        connector = CONNECTORS.get(key)
        if connector == "NOT":
            return self._negation(value, place, depth)
        if connector is not None:
            return self._connected(connector, value, place, depth)

        self._count(place, depth)
        return self._comparison(self._field(key, place), value, place)

    def _negation(self, value: object, path: str, depth: int) -> Node[F]:
        if isinstance(value, list):
            hint = "write NOT: {OR: [...]} for 'none of these'"
            raise ConditionError("NOT takes one condition, not a list", path, hint)
        return Negation(self.condition(value, path, depth + 1))

    def _connected(self, connector: str, value: object, path: str, depth: int) -> Node[F]:
        if not isinstance(value, list):
            raise ConditionError(
                f"{connector} takes a list of conditions", path, f"{connector}: [{{...}}, ...]"
            )
        if not value:
            meaning = "always" if connector == "AND" else "never"
            self.warnings.append(f"{path}: an empty {connector} {meaning} matches")

        parts = tuple(
            self.condition(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)
        )
        return AllOf(parts) if connector == "AND" else AnyOf(parts)

    def _api_entry(self, raw: Mapping[object, object], path: str) -> Node[F]:
        name = raw["field"]
        if not isinstance(name, str):
            raise ConditionError(f"{name!r} is not the name of a field", f"{path}.field")
        field = self._field(name, f"{path}.field")
        return Leaf(field, matcher_for_entry(field, raw["operator"], raw.get("value"), path))

    def _field(self, name: str, path: str) -> Field[F]:
        field = self._catalogue.find(name)
        if field is not None:
            return field

        elsewhere = self._catalogue.elsewhere
        if elsewhere is not None and elsewhere.knows(name):
            raise ConditionError(f"`{name}` {elsewhere.says}", path)
        near = self._catalogue.near(name)
        hint = f"did you mean `{near}`?" if near else f"metadata is read as `tags.{name}`"
        raise ConditionError(f"unknown field `{name}`", path, hint)

    def _comparison(self, field: Field[F], value: object, path: str) -> Node[F]:
        if isinstance(value, Mapping):
            return self._members(field, value, path)
        if isinstance(value, list):
            return self._names(field, value, path)

        matcher = matcher_for(field, value, path)
        if matcher.op == "glob":
            self._check_glob(field.name, str(value), path)
        return Leaf(field, matcher)

    def _members(self, field: Field[F], entries: Mapping[object, object], path: str) -> Node[F]:
        if field.members is None:
            hint = "comparisons are written as text: '> 1000'"
            raise ConditionError(f"`{field.name}` is {field.type}, it has no entries", path, hint)
        if not entries:
            self.warnings.append(f"{path}: an empty map always matches")

        parts: list[Node[F]] = []
        for key, value in entries.items():
            place = f"{path}.{key}"
            self._count(place, 0)
            if not isinstance(key, str) or isinstance(value, Mapping | list):
                raise ConditionError(
                    f"an entry of `{field.name}` is a name and a plain value", place
                )
            parts.append(self._comparison(member(field, key), value, place))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _names(self, field: Field[F], names: list[object], path: str) -> Node[F]:
        if field.type is not FieldType.MAP:
            hint = f"write OR: [{{{field.name}: ...}}, {{{field.name}: ...}}]"
            raise ConditionError(f"`{field.name}` is {field.type}, not a list", path, hint)
        if not names:
            self.warnings.append(f"{path}: an empty list always matches")

        parts: list[Node[F]] = []
        for index, name in enumerate(names):
            place = f"{path}[{index}]"
            self._count(place, 0)
            if not isinstance(name, str) or not name:
                raise ConditionError(f"{name!r} is not the name of a tag", place)
            parts.append(Leaf(member(field, name), matchers.present()))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _check_glob(self, name: str, pattern: str, path: str) -> None:
        stem = pattern[:-1]
        if name == "model" and pattern.endswith("*") and stem[-1:].isalnum():
            self.warnings.append(
                f"{path}: `{pattern}` also matches names that go on without a separator, such as "
                f"`{stem}o`; write `{stem}` and `{stem}-*` to keep those out"
            )


def _as_map(expression: str) -> str:
    match = _EXPRESSION.match(expression)
    if match is None:
        return _SHAPE_HINT

    name, op, value = match.groups()
    bare = value.strip("'\"")
    is_number = matchers.to_number(bare) is not None
    if is_number and op not in {"==", "="}:
        return f"write it as a map: {{{name}: '{op} {bare}'}}"
    entry = f"{{{name}: {bare}}}"
    return f"write it as a map: {f'{{NOT: {entry}}}' if op == '!=' else entry}"
