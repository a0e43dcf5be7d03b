"""Whose counter a request is written to.

Users, teams, features and runs are named by a tenant's callers, so their counters belong to the
tenant: `user` of two tenants are two users. A request that names none shares one counter with all
others that name none; leaving a name out must not be a way around a limit.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter

from msgspec import Struct

from pointsman.core.facts import Facts

_WITHIN_TENANT = frozenset({"user", "team", "feature", "workload", "run"})
_FIELDS = {"run": "run_id"}


class Owner(Struct, frozen=True):
    """Whose counter it is."""

    identity: tuple[str | None, ...]
    text: str
    """`key:ci`, `tenant:acme,user:bob`; `(none)` for a name that is missing."""


_GATEWAY = Owner((), "gateway")


class Scope:
    """Reads the owner of a counter from the facts of a request.

    Args:
        written: `key`, or several for each combination.
    """

    __slots__ = ("_kinds", "_read", "is_of_run", "is_of_tenant")

    def __init__(self, written: str | Sequence[str]) -> None:
        kinds = [written] if isinstance(written, str) else list(dict.fromkeys(written))
        kinds = [kind for kind in kinds if kind != "gateway"]
        if "tenant" not in kinds and _WITHIN_TENANT.intersection(kinds):
            kinds.insert(0, "tenant")
        self._kinds = tuple(kinds)
        self.is_of_run = "run" in kinds
        """Whether each run has a counter of its own."""
        self.is_of_tenant = "tenant" in kinds or "key" in kinds
        """Whether its periods follow the tenant's calendar: else they cross tenants."""
        self._read: Callable[[Facts], object] | None = None
        if kinds:
            self._read = attrgetter(*(_FIELDS.get(kind, kind) for kind in kinds))

    def owner(self, facts: Facts) -> Owner | None:
        """Return whose counter it is; None for a budget of runs when the request has no run."""
        if self._read is None:
            return _GATEWAY
        if self.is_of_run and facts.run_id is None:
            return None
        values = self._read(facts)
        identity = values if isinstance(values, tuple) else (values,)
        return Owner(identity, _text(self._kinds, identity))


class Scopes:
    """The scopes of one configuration, each made once: ten thousand tenants share one."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[tuple[str, ...], Scope] = {}

    def of(self, written: str | Sequence[str]) -> Scope:
        """Return the scope that is written as `key`, or as several."""
        kinds = (written,) if isinstance(written, str) else tuple(written)
        scope = self._made.get(kinds)
        if scope is None:
            scope = self._made[kinds] = Scope(kinds)
        return scope


def _text(kinds: tuple[str, ...], identity: tuple[str | None, ...]) -> str:
    if len(kinds) == 1:
        value = identity[0]
        return f"{kinds[0]}:{value if value is not None else '(none)'}"
    parts = [
        f"{kind}:{value if value is not None else '(none)'}"
        for kind, value in zip(kinds, identity, strict=True)
        if value is not None or kind != "tenant"
    ]
    return ",".join(parts)
