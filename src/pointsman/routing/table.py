"""The routing table: what the configuration declares, compiled for reading on the request path.

Immutable; a reload makes a new one and swaps it whole. Knows no live state.
"""

from collections.abc import Callable
from typing import NamedTuple

from pointsman.config.root import Config, LoadedConfig
from pointsman.config.target import CapabilitiesConfig, TimeoutConfig
from pointsman.core.capabilities import Capabilities
from pointsman.core.conditions import unreachable_rules
from pointsman.core.errors import ConfigError
from pointsman.core.target import Target, Timeouts
from pointsman.routing.compile_routes import RouteCompiler
from pointsman.routing.local_run import largest_window, local_run, raised
from pointsman.routing.problems import Problems
from pointsman.routing.residency import ResidencyRule, compile_residency
from pointsman.routing.route import Route
from pointsman.routing.size import DEFAULT_SMALL_MAX_CHARACTERS, small_max_characters

KnownCapabilities = Callable[[str, str], Capabilities]
"""Kind of a provider and a model -> what is known of the model."""
AUTO = "auto"
"""The model name of requests that name none."""


class ModelName(NamedTuple):
    """One name that clients may send."""

    name: str
    kind: str
    """`route`, `target` or `model`."""
    provider: str | None
    """None for a route: its rules choose."""


class RoutingTable:
    """Everything that a model name can turn into.

    Attributes:
        targets: Declared targets by name, in file order.
        routes: Compiled routes by name, in file order.
        providers: Names of the declared providers, in file order.
        pinned: Provider -> the health state its configuration pins it to.
        by_model: Model name as its provider knows it -> the targets that serve it, in file order.
        residency: Where requests may go, by rule.
        default_provider: Gets models nobody declared; None refuses them.
        max_cost_ratio: How many times the first choice's price failover may cost; None is no limit.
        strict: Whether names nobody declared are refused in any case.
        small_max_characters: Longest prompt of size class `small` (GW-05).
        warnings: What is allowed and probably not meant.
    """

    __slots__ = (
        "_config",
        "_known",
        "by_model",
        "by_provider_model",
        "default_provider",
        "max_cost_ratio",
        "pinned",
        "providers",
        "residency",
        "routes",
        "small_max_characters",
        "strict",
        "targets",
        "warnings",
    )

    def __init__(
        self,
        config: Config,
        targets: dict[str, Target],
        routes: dict[str, Route],
        *,
        residency: tuple[ResidencyRule, ...],
        known: KnownCapabilities,
    ) -> None:
        self._config = config
        self._known = known
        self.residency = residency
        self.targets = targets
        self.routes = routes
        self.providers = tuple(config.providers)
        self.pinned = {
            name: provider.health
            for name, provider in config.providers.items()
            if provider.health is not None
        }
        self.default_provider = next(
            (name for name, provider in config.providers.items() if provider.default), None
        )
        self.strict = config.server.strict
        self.max_cost_ratio = config.resilience.max_cost_ratio
        self.by_model: dict[str, list[Target]] = {}
        self.by_provider_model: dict[tuple[str, str], Target] = {}
        for target in targets.values():
            self.by_model.setdefault(target.model, []).append(target)
            self.by_provider_model.setdefault((target.provider, target.model), target)

        found = small_max_characters(routes[AUTO]) if AUTO in routes else None
        self.small_max_characters = DEFAULT_SMALL_MAX_CHARACTERS if found is None else found
        self.warnings: tuple[str, ...] = ()

    @classmethod
    def compile(
        cls, loaded: LoadedConfig, known: KnownCapabilities | None = None
    ) -> "RoutingTable":
        """Compile a loaded configuration.

        Args:
            loaded: The configuration.
            known: What is known of models beside the configuration; None knows nothing.

        Raises:
            ConfigError: Something cannot be compiled; it lists every problem, not the first.
        """
        config = loaded.config
        problems = Problems(loaded)
        known = known or _nothing_known
        targets = _targets(config, known, problems)
        _check_providers(config, problems)
        compiler = RouteCompiler(config, targets, problems)
        routes = {name: compiler.route(name, route) for name, route in config.routes.items()}
        residency = compile_residency(config, problems)
        if problems.found:
            raise ConfigError(problems.found)

        table = cls(config, targets, routes, residency=residency, known=known)
        table.warnings = (*_shadowed(table), *_order_warnings(routes))
        return table

    def undeclared(self, provider: str, model: str) -> Target:
        """Return the target of a model that nobody declared, at a declared provider."""
        config = self._config.providers[provider]
        takes = self._known(config.kind, model)
        local = local_run(config)
        return Target(
            name=f"{provider}/{model}",
            provider=provider,
            model=model,
            capabilities=takes,
            timeouts=raised(Timeouts(), local),
            context_tokens=largest_window(local) or takes.context_tokens,
            local=local,
            region=config.region,
            health=self.pinned.get(provider),
        )

    def names(self) -> list[ModelName]:
        """Return the names clients may send, for `GET /v1/models`, each once, as they resolve."""
        found = {name: ModelName(name, "route", None) for name in self.routes}
        for target in self.targets.values():
            found.setdefault(target.name, ModelName(target.name, "target", target.provider))
        for model, targets in self.by_model.items():
            found.setdefault(model, ModelName(model, "model", targets[0].provider))
        return list(found.values())


def _targets(config: Config, known: KnownCapabilities, problems: Problems) -> dict[str, Target]:
    targets: dict[str, Target] = {}
    for name, target in config.targets.items():
        provider = config.providers.get(target.provider)
        if provider is None:
            path = f"targets.{name}.provider"
            problems.unknown(path, "provider", target.provider, config.providers)
            continue
        takes = _merged(target.capabilities, known(provider.kind, target.model))
        local = local_run(provider, target)
        targets[name] = Target(
            name=name,
            provider=target.provider,
            model=target.model,
            timeouts=raised(_timeouts(target.timeout), local),
            context_tokens=target.context_tokens or largest_window(local) or takes.context_tokens,
            capabilities=takes,
            local=local,
            region=target.region if target.region is not None else provider.region,
            max_concurrent=target.max_concurrent,
            max_wait_s=float(target.max_wait),
            health=provider.health,
        )
    return targets


def _timeouts(limits: TimeoutConfig) -> Timeouts:
    return Timeouts(
        connect_s=float(limits.connect),
        first_token_s=float(limits.first_token),
        idle_s=float(limits.idle),
        total_s=float(limits.total),
    )


def _merged(written: CapabilitiesConfig, known: Capabilities) -> Capabilities:
    """Return what was written, and what is known where nothing was."""
    return Capabilities(
        vision=known.vision if written.vision is None else written.vision,
        tools=known.tools if written.tools is None else written.tools,
        tools_in_streams=(
            known.tools_in_streams if written.tools_in_streams is None else written.tools_in_streams
        ),
        json_schema=known.json_schema if written.json_schema is None else written.json_schema,
        context_tokens=known.context_tokens,
    )


def _nothing_known(_kind: str, _model: str) -> Capabilities:
    return Capabilities()


def _check_providers(config: Config, problems: Problems) -> None:
    defaults = [name for name, provider in config.providers.items() if provider.default]
    for name in defaults[1:]:
        problems.add(f"providers.{name}.default", f"`{defaults[0]}` is the default already")


def _shadowed(table: RoutingTable) -> list[str]:
    """Return a warning for each declared name that an earlier step of the resolution hides."""
    warnings = [
        f"targets.{name}: the route of the same name hides it from clients"
        for name in table.targets
        if name in table.routes
    ]
    for model, targets in table.by_model.items():
        kind = "route" if model in table.routes else "target"
        declared = model in table.routes or model in table.targets
        if declared and not any(target.name == model for target in targets):
            warnings.append(
                f"targets.{targets[0].name}.model: the {kind} `{model}` hides the model `{model}`"
            )
    return warnings


def _order_warnings(routes: dict[str, Route]) -> list[str]:
    warnings: list[str] = []
    for route in routes.values():
        conditions = [rule.condition for rule in route.rules]
        for condition in conditions:
            warnings.extend(() if condition is None else condition.warnings)
        for later, earlier in unreachable_rules(conditions):
            rules = route.rules
            warnings.append(
                f"{rules[later].rule.id}: never reached, {rules[earlier].rule.id} matches first"
            )
        if not route.chain.targets and not _always_matches(route):
            warnings.append(f"routes.{route.name}: no target serves when no rule matches")
    return warnings


def _always_matches(route: Route) -> bool:
    return any(rule.condition is None or rule.condition.constant() for rule in route.rules)
