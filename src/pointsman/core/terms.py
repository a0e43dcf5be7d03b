"""What a plan or a tenant means for its requests: names that mean something else, names allowed.

Made by `policy/tenancy.py` from the file and the state, read by `routing`. Limits, budgets and
calendars of a plan are rules of `policy` and are not here.
"""

from collections.abc import Mapping

from msgspec import Struct

from pointsman.core.records import AliasUse


class NameScope(Struct, frozen=True):
    """Which names somebody may ask for: those of `models`, and those that lead to `routes`.

    Both are globs; a name needs to be in one of them. Without any, every name is allowed.
    """

    kind: str = "key"
    """Whose it is: `key`, `tenant` or `plan`."""
    owner: str | None = None
    """Name of the key, tenant or plan."""
    models: tuple[str, ...] = ()
    """Of names as they are asked for."""
    routes: tuple[str, ...] = ()
    """Of the routes that names turn into."""


class DialectScope(Struct, frozen=True):
    """In which dialects somebody may ask: globs of `openai.chat` …; empty allows all."""

    kind: str = "key"
    owner: str | None = None
    dialects: tuple[str, ...] = ()


class Terms(Struct, frozen=True, kw_only=True):
    """The terms of one tenant and plan, merged: the tenant's own go before its plan's."""

    aliases: Mapping[str, AliasUse] = {}
    """Name that clients send -> what it means here."""
    names: NameScope | None = None
    """Besides the key's own; None allows every name."""
    dialects: DialectScope | None = None
    is_disabled: bool = False
    """Whether the tenant may not call at all."""


NO_TERMS = Terms()
"""Of requests without a tenant or plan that says anything."""
