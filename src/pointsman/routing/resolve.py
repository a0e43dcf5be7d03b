"""From the model name of a request to a route, or to the targets that it names.

The order: route, target, `provider/model` of a declared provider, the model of a declared target,
the default provider with the name unchanged.
"""

from dataclasses import dataclass
from difflib import get_close_matches

from pointsman.core.errors import UnknownModelError
from pointsman.core.target import Target
from pointsman.routing.route import Chain, Route
from pointsman.routing.table import AUTO, RoutingTable

MAX_SHOWN_NAME = 200
"""Characters of a model name that messages and exclusions show."""
MAX_NAME = 512
"""Longest name that is passed on undeclared: what callers name is remembered in several places."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a model name turned into."""

    kind: str
    """`route`, `target`, `provider_model`, `model`, `default_target` or `passthrough`."""
    chain: Chain
    """For a route: its unconditional chain."""
    reason: str | None
    """None leaves it to the route."""
    route: Route | None = None

    @property
    def caller_named_model(self) -> bool:
        """Whether the caller, not the gateway, chose the model (GW-18)."""
        return self.kind not in {"route", "default_target"}


def resolve(table: RoutingTable, requested: str | None) -> Resolution:
    """Return what `requested` stands for; None is `auto`.

    Raises:
        UnknownModelError: Nobody declared the name, and there is no default provider, or the
            configuration is strict, or the name is longer than `MAX_NAME`.
    """
    name = AUTO if requested is None else requested
    route = table.routes.get(name)
    if route is not None:
        return Resolution("route", route.chain, None, route)

    target = table.targets.get(name)
    if target is not None:
        return _explicit("target", "explicit_target", target)
    if len(name) > MAX_NAME:
        raise _unknown(table, name)
    return _provider_model(table, name) or _model(table, name) or _default(table, name)


def _explicit(kind: str, reason: str, *targets: Target) -> Resolution:
    return Resolution(kind, Chain(targets, 1), reason)


def _provider_model(table: RoutingTable, name: str) -> Resolution | None:
    # Only the first segment is looked at: model names may hold slashes themselves (MG-08).
    provider, slash, model = name.partition("/")
    if not slash or not model or provider not in table.providers:
        return None
    declared = table.by_provider_model.get((provider, model))
    target = declared or table.undeclared(provider, model)
    return _explicit("provider_model", "explicit_model_passthrough", target)


def _model(table: RoutingTable, name: str) -> Resolution | None:
    targets = table.by_model.get(name)
    if targets is None:
        return None
    return _explicit("model", "explicit_model_passthrough", *targets)


def _default(table: RoutingTable, name: str) -> Resolution:
    if name == AUTO and table.targets:
        return _explicit("default_target", "default_policy", _default_target(table))
    provider = table.default_provider
    if provider is None or table.strict or not name:
        raise _unknown(table, name)
    target = table.undeclared(provider, name)
    return _explicit("passthrough", "explicit_model_passthrough", target)


def _default_target(table: RoutingTable) -> Target:
    targets = list(table.targets.values())
    return next((item for item in targets if item.provider == table.default_provider), targets[0])


def _unknown(table: RoutingTable, name: str) -> UnknownModelError:
    # Callers choose the name: comparing a very long one with every known name would be a load.
    shown = name[:MAX_SHOWN_NAME]
    near = get_close_matches(shown, [entry.name for entry in table.names()], n=3)
    hint = f"; did you mean {' or '.join(f'`{item}`' for item in near)}?" if near else ""
    return UnknownModelError(f"model `{shown}` is not known here{hint}", param="model")
