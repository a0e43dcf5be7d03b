"""What the tests of routing share: tables from plain maps, a health view that is told, records."""

import msgspec

from pointsman.config.root import Config, LoadedConfig, SourceMap
from pointsman.config.section import Duration
from pointsman.core.facts import Facts
from pointsman.core.identity import ANONYMOUS, Principal
from pointsman.core.records import SCHEMA, CallRecord, TargetState
from pointsman.core.target import Target
from pointsman.routing import Plan, Planner, RoutingTable

PROVIDERS = {"openai": {"kind": "openai", "default": True}, "anthropic": {"kind": "openai"}}
TARGETS = {
    "small": {"provider": "openai", "model": "gpt-4o-mini"},
    "large": {"provider": "openai", "model": "gpt-4o"},
    "sonnet": {"provider": "anthropic", "model": "claude-sonnet-4-6", "context_tokens": 1000},
}
AUTO = {
    "rules": [
        {"when": {"chars": "<= 1000"}, "use": "small", "reason": "short_prompt_default"},
        {"use": "large", "reason": "long_prompt_upgrade"},
    ],
    "failover": ["sonnet"],
}


def _decode(kind: type, value: object) -> object:
    if kind is Duration:
        return Duration.parse(value)
    return value


def load(lines: dict[str, int] | None = None, file: str | None = None, **sections) -> LoadedConfig:
    """Return a loaded configuration; providers and targets are the ones above unless given."""
    raw = {"providers": PROVIDERS, "targets": TARGETS, "routes": {"auto": AUTO}, **sections}
    config = msgspec.convert(raw, Config, dec_hook=_decode)
    lines = SourceMap(lines or {})
    return LoadedConfig(config, version="v1", file=file, lines=lines, warnings=[])


class ToldHealth:
    """A health view that says what a test told it; everything else is well."""

    def __init__(self) -> None:
        self.providers: dict[str, str] = {}
        self.targets: dict[str, str] = {}
        self.states: dict[str, TargetState] = {}

    def provider_state(self, provider: str) -> str:
        return self.providers.get(provider, "ok")

    def target_state(self, target: Target) -> TargetState:
        told = self.states.get(target.name)
        return told or TargetState(health=self.targets.get(target.name), in_flight=1)


def record_of(model: str | None = "auto", **facts: object) -> CallRecord:
    """Return the record of a request that is about to be planned."""
    return CallRecord(
        schema=SCHEMA,
        request_id="req_1",
        trace_id="0" * 32,
        span_id="0" * 16,
        started_unix_ns=0,
        requested_model=model,
        facts=Facts(model=model or "auto", **facts),
    )


class Desk:
    """A planner with the health and the draw under the test's hand."""

    def __init__(self, draw: float = 0.5, **sections) -> None:
        self.table = RoutingTable.compile(load(**sections))
        self.health = ToldHealth()
        self.planner = Planner(self.table, self.health, lambda: draw)
        self.plan: Plan | None = None

    def __call__(
        self,
        model: str | None = "auto",
        *,
        principal: Principal = ANONYMOUS,
        override: str | None = None,
        **facts: object,
    ) -> CallRecord:
        """Plan one request and return its record; the plan itself is in `plan`."""
        record = record_of(model, **facts)
        self.plan = self.planner.plan(record, principal, override)
        return record
