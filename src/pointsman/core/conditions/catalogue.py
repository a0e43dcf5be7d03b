"""Catalogues: which fields a condition may read, of which type, and how each is read.

A catalogue is made for one type of facts (a request before the call, a finished trace …). It also
knows the names that exist in another catalogue only, so that a rule which reads a field at the
wrong moment is refused when it is loaded, with a sentence that says so.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Generic, TypeVar

F = TypeVar("F")
"""The type of the facts that a condition reads."""


class FieldType(StrEnum):
    """What a field holds; it decides which matchers are allowed."""

    TEXT = "text"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    MAP = "a map of names to text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(Generic[F]):
    """One readable field."""

    name: str
    """The name that explanations show."""
    type: FieldType
    read: Callable[[F], object]
    """Returns the value, or None when it is missing. Must not raise."""
    says: str = ""
    """What it holds, in half a sentence; for the reference page."""
    aliases: tuple[str, ...] = ()
    members: Callable[[F], Mapping[str, object]] | None = None
    """Reads the map behind `name.member`; None for fields without members."""
    choices: tuple[str, ...] = ()
    """The only values it can have; empty when it is open."""
    allows_rate: bool = False
    """Whether `> 1000/hour` makes sense. `read` then returns events per hour."""
    is_member: bool = False
    """Whether it is one entry of a map: written by callers, so text of any form."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Names that exist, but not for the rules that use this catalogue."""

    types: Mapping[str, FieldType]
    says: str
    """When they exist, to complete '`cost` …'."""

    def knows(self, name: str) -> bool:
        """Tell whether `name`, or the map that it is a member of, exists there."""
        return name in self.types or name.partition(".")[0] in self.types


class Catalogue(Generic[F]):
    """All fields of one kind of facts."""

    __slots__ = ("_by_name", "elsewhere", "fields")

    def __init__(self, fields: Iterable[Field[F]], elsewhere: Elsewhere | None = None) -> None:
        self.fields = tuple(fields)
        self.elsewhere = elsewhere
        self._by_name = {
            name: field for field in self.fields for name in (field.name, *field.aliases)
        }

    def find(self, name: str) -> Field[F] | None:
        """Return the field called `name`, or the member it names by a dotted path.

        A field whose own name holds the dot is found first (A-17).
        """
        field = self._by_name.get(name)
        if field is not None:
            return field

        head, _, key = name.partition(".")
        owner = self._by_name.get(head)
        if owner is None or owner.members is None or not key:
            return None
        return member(owner, key)

    def near(self, name: str) -> str | None:
        """Return the known name that looks most like `name`; None when none does."""
        found = get_close_matches(name.lower(), self._by_name, n=1)
        return found[0] if found else None


def member(owner: Field[F], key: str) -> Field[F]:
    """Return the field that reads one entry of a map.

    Raises:
        ValueError: `owner` has no members.
    """
    if owner.members is None:
        raise ValueError(f"{owner.name} has no members")
    return Field(
        name=f"{owner.name}.{key}",
        type=FieldType.TEXT,
        read=_member_reader(owner.members, key),
        choices=owner.choices,
        is_member=True,
    )


def _member_reader(members: Callable[[F], Mapping[str, object]], key: str) -> Callable[[F], object]:
    if "." not in key:
        return lambda facts: members(facts).get(key)

    def read(facts: F) -> object:
        entries = members(facts)
        found = entries.get(key)
        return found if found is not None else _along(entries, key.split("."))

    return read


def _along(entries: Mapping[str, object], path: list[str]) -> object:
    value: object = entries
    for step in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value
