"""`policy`: how much callers may use and spend, and what happens then."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, field

from pointsman.config.prompt_policy import PromptRuleConfig
from pointsman.config.section import Duration, Positive, Section

Amount: TypeAlias = str | int | float
"""US dollars, exact when written as text."""
Percent: TypeAlias = Annotated[int, Meta(ge=1, le=100)]

LIMIT_SCOPES = ("gateway", "key", "tenant", "team", "user", "feature", "workload", "model")
BUDGET_SCOPES = ("gateway", "key", "tenant", "team", "user", "feature", "workload", "run")


class LimitConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One limit. Every limit that matches a request is looked at; one of its numbers is needed."""

    scope: str | list[str] = "key"
    """Who shares a counter: `gateway`, `key`, `tenant`, `team`, `user`, `feature`, `workload`,
    `model` (the name that was asked for), or several for each combination."""
    match: object = None
    """A condition (see docs/reference/conditions.md) on requests; absent means all."""
    requests_per_minute: Positive | None = None
    """Requests, refilled evenly; as many at once after a quiet minute."""
    tokens_per_minute: Positive | None = None
    """Input and output tokens: estimated before the call, corrected after it."""
    concurrent: Positive | None = None
    """Requests under way at once."""
    requests_per_day: Positive | None = None
    """Requests per calendar day."""
    requests_per_month: Positive | None = None
    """Requests per calendar month."""
    tokens_per_day: Positive | None = None
    """Input and output tokens per calendar day."""
    tokens_per_month: Positive | None = None
    """Input and output tokens per calendar month."""
    dry_run: bool = False
    """Record what would be refused and let it pass."""


class BudgetConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One budget in money. Every budget that matches a request must have room for it."""

    scope: str | list[str] = "key"
    """Who shares it: `gateway`, `key`, `tenant`, `team`, `user`, `feature`, `workload`, `run`, or
    several for each combination."""
    match: object = None
    """A condition on requests; absent means all."""
    usd: Amount = "50"
    """The cap, in US dollars."""
    period: Literal["day", "month", "total"] = "day"
    """A calendar day or month; `total` never begins again, as for a run."""
    warn_percent: Percent = 90
    """Share of the cap from which records and metrics warn."""
    route_to: str | None = None
    """A cheaper target that requests are moved to, of tenants that allow `budget_routes`."""
    route_percent: Percent = 90
    """Share of the cap from which they are moved."""
    unpriced: Literal["allow", "refuse"] = "allow"
    """What becomes of a request whose price at its target is not known."""
    dry_run: bool = False
    """Record what would be refused or moved and let it pass."""


class TermsConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a plan and a tenant may both say about requests."""

    aliases: dict[str, str] = field(default_factory=dict)
    """Name that clients send -> the route, target or model it stands for, as in `auto: premium`."""
    models: list[str] = field(default_factory=list)
    """Globs of names that may be asked for; without `models` and `routes`, every name."""
    routes: list[str] = field(default_factory=list)
    """Globs of routes: names that lead to one of them may be asked for too."""
    dialects: list[str] = field(default_factory=list)
    """Globs of dialects that may be used, as in `openai.*`; empty allows all."""
    limits: dict[str, LimitConfig] = field(default_factory=dict)
    """Name -> a limit, besides `policy.limits`; one of the same name there does not apply here."""
    budgets: dict[str, BudgetConfig] = field(default_factory=dict)
    """Name -> a budget, besides `policy.budgets`; one of the same name there does not apply."""
    daily_usd: Amount | None = None
    """Budget of each tenant per calendar day, in US dollars: short for a budget called `daily`."""
    budget_routes: bool | None = None
    """Whether budgets may move requests to a cheaper target (`route_to`); absent is no."""
    time_zone: str | None = None
    """Where days and months begin, as in `Europe/Berlin`; absent is `policy.time_zone`."""


class PlanConfig(TermsConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Terms that tenants and keys share by name. What a tenant says itself goes before its plan."""


class TenantPolicyConfig(TermsConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tenant: its plan, and what differs for it."""

    plan: str | None = None
    """Its plan; conditions read it as `tier`. A key's own `plan` goes before it."""
    disabled: bool = False
    """Refuse every request of this tenant."""


class AgentRunsConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many requests one run of an agent may make.

    A run is named by `x-pointsman-run-id`, metadata `run_id` or the caller's `traceparent`.
    """

    max_iterations: Positive = 8
    """Requests of one run; the next is refused before any provider is called."""
    match: object = None
    """A condition on requests; absent means all, so that every run is counted."""
    without_id: Literal["guess", "refuse", "ignore"] = "guess"
    """A request that names no run: `guess` takes growing conversations of one key, user and system
    prompt for a run, `refuse` answers 400, `ignore` lets it pass uncounted."""
    idle: Duration = Duration(300.0)
    """A guessed run is over when it was silent for this long."""
    forget_after: Duration = Duration(3600.0)
    """A named run that was silent for this long begins again."""


class PolicyConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much callers may use and spend. Counted by the one worker, or in Redis (`shared`)."""

    time_zone: str = "UTC"
    """Where days and months begin, as in `Europe/Berlin`."""
    plans: dict[str, PlanConfig] = field(default_factory=dict)
    """Name -> a plan that tenants and keys may have."""
    tenants: dict[str, TenantPolicyConfig] = field(default_factory=dict)
    """Tenant -> its plan, and what differs for it."""
    limits: dict[str, LimitConfig] = field(default_factory=dict)
    """Name -> a limit of requests, tokens or requests under way."""
    budgets: dict[str, BudgetConfig] = field(default_factory=dict)
    """Name -> a budget in money."""
    rules: dict[str, PromptRuleConfig] = field(default_factory=dict)
    """Name -> a rule on what prompts and answers hold."""
    hold_back_characters: Annotated[int, Meta(ge=32, le=8192)] = 256
    """Characters of a stream that rules on answers hold back, so that nothing is cut in two."""
    agent_runs: AgentRunsConfig | None = None
    """A cap on the requests of one agent run; absent counts no runs."""
    max_counters: Positive = 20_000
    """Counters kept in memory; beyond it the longest unused goes first, counted and visible."""
