"""The decision record: one struct per request, filled in place by the stages.

The selector reads its candidates from here and the explanation is generated from here, so what is
shown is what was acted on. Stored as JSON by field name: a field may be added with a default;
renaming or removing one needs a new `SCHEMA` and a reader for the old. Defaults are omitted when
encoded; None is unknown, 0 is zero. Times are integer nanoseconds, money integer nano-USD.
"""

from msgspec import Struct, field

from pointsman.core.facts import Facts
from pointsman.core.usage import Usage

SCHEMA = 1
MAX_CANDIDATES = 64
"""Candidates kept in detail; the rest are counted by the filter that excluded them."""
MAX_RECORD_BYTES = 65_536


class Stage(Struct, omit_defaults=True):
    """One step of the pipeline; absent when it did not happen."""

    name: str
    start_ns: int
    """Since the start of the request."""
    duration_ns: int


class Exclusion(Struct, omit_defaults=True):
    """What made a candidate ineligible: the filter, and the two values it compared."""

    filter: str
    """Which filter: `health`, `context`, `key_scope`, …"""
    code: str
    """What it found, from a closed list per filter."""
    observed: str | int | float | bool | None = None
    limit: str | int | float | bool | None = None
    left_s: float | None = None
    """Seconds until it ends by itself; None when it does not."""
    opened_by: str | None = None
    """For a breaker: the request whose failure opened it."""


class BreakerDetail(Struct, omit_defaults=True):
    """What a breaker that is not simply closed was seen to say."""

    scope: str = "target"
    """`target`, or `provider` for the one that all targets of a provider share."""
    cause: str = ""
    """What opened it: `failures_in_a_row` or `error_percent`."""
    observed: float | None = None
    limit: float | None = None
    """The two values that were compared when it opened."""
    left_s: float | None = None
    """While open: seconds until one call may try the target."""
    share: float | None = None
    """While the target comes back: the share of its traffic that it gets."""
    opened_by: str | None = None
    """The request whose failure opened it."""
    tried_by: str | None = None
    """The one request that was trying it at that moment, or the gateway that alone has the right to
    when several share it."""


class TargetState(Struct, omit_defaults=True):
    """The live figures of a target as they were read when it was considered."""

    health: str | None = None
    in_flight: int | None = None
    breaker: str | None = None
    latency_ms: float | None = None
    latency_at_load_ms: float | None = None
    """Moving latency with as many calls under way as this one would make; None is not known."""
    error_ratio: float | None = None
    breaker_detail: BreakerDetail | None = None
    breaker_store: str | None = None
    """Where breakers are kept besides the worker's memory: `redis`, shared by all gateways; `lost`
    while Redis is away and each decides by itself (`shared.on_loss.breakers`); `worker` where
    several workers share nothing; None where there is one."""
    ramp_draw: float | None = None
    """The number drawn, in [0, 1), against the share of a target that comes back."""


class Candidate(Struct, omit_defaults=True):
    """A target that was considered. The loop over attempts takes the eligible ones in order."""

    target: str
    provider: str
    model: str
    eligible: bool = True
    excluded_by: Exclusion | None = None
    score: dict[str, float] = field(default_factory=dict)
    """Part -> value, for strategies that weigh (share, price, latency)."""
    state: TargetState | None = None
    cost_nano_usd: int | None = None
    """What the measured usage of this request would have cost here; None is unknown."""


class Draw(Struct, omit_defaults=True):
    """A random choice, with all that is needed to make it again."""

    weights: dict[str, float]
    """Target -> share after normalisation; the shares of the eligible sum to 1."""
    value: float
    """The number drawn, in [0, 1)."""
    chosen: str


class Rule(Struct, omit_defaults=True):
    """The rule of a route that chose."""

    id: str
    """Path in the configuration: `routes.auto.rules[0]`."""
    file: str | None = None
    line: int | None = None


class AliasUse(Struct, frozen=True, omit_defaults=True):
    """A name that means something else for this caller."""

    name: str
    """As it was asked for: `auto`."""
    means: str
    """The route, target or model that it stands for."""
    kind: str
    """Who says so: `key`, `tenant` or `plan`."""
    owner: str
    """Its name."""
    rule: Rule
    """Where it is written: `policy.plans.enterprise.aliases.auto`."""


class Evaluated(Struct, omit_defaults=True):
    """One condition as it was evaluated, with both values that were compared."""

    result: bool
    fact: str | None = None
    """The field read; None for AND, OR and NOT."""
    op: str = ""
    expected: str | int | float | bool | list[str] | None = None
    actual: str | int | float | bool | list[str] | None = None
    missing: bool = False
    """The field had no value, which makes any comparison false."""
    parts: list["Evaluated"] = field(default_factory=list)


class RuleEvaluation(Struct, omit_defaults=True):
    """A rule that was looked at, in order, until one matched."""

    rule: Rule
    matched: bool
    condition: Evaluated | None = None
    """None for a rule without a condition."""


class CostLine(Struct, frozen=True, omit_defaults=True):
    """One line of a bill."""

    unit: str
    """`input_tokens`, `output_tokens`, `cache_read_tokens`, `requests` …
    `cache_write_tokens` holds no token that `cache_write_1h_tokens` holds: no unit of a bill has
    a part in another."""
    quantity: int
    nano_usd_per_million: int
    nano_usd: int


class Cost(Struct, omit_defaults=True):
    """What an attempt or a call cost. `total_nano_usd` is None when any price is unknown."""

    total_nano_usd: int | None = None
    lines: list[CostLine] = field(default_factory=list)
    price_version: str | None = None
    """Where the rates come from and which version, as in `genai-prices 0.2.3` or a config hash."""
    estimated: bool = False
    """True when the tokens were estimated."""


class Reservation(Struct, omit_defaults=True):
    """Money held before an attempt, and what became of it."""

    id: str
    held_nano_usd: int
    settled_nano_usd: int | None = None
    """None while held; 0 when given back whole."""


class ToolCallCheck(Struct, omit_defaults=True):
    """A tool call of an answer, compared with what the request declared. Never its arguments."""

    name: str
    outcome: str
    """`ok`, `unknown_tool`, `wrong_tool`, `malformed_arguments`, `schema_violation`,
    `invented_parameter`, or `missing_call` when the request asked for a call and none came."""
    violations: list[str] = field(default_factory=list)
    """Where the arguments break the schema, as `path: keyword`; names that nobody declared for
    `invented_parameter`."""


class Attempt(Struct, omit_defaults=True):
    """One upstream call."""

    target: str
    provider: str
    model: str
    kind: str = "first"
    """`first`, `retry` (the same target again), `failover` (the next one), `repair` (asked again
    because its tool calls broke their schemas) or `shadow`."""
    why: str | None = None
    """For a retry or failover: the failure class of the attempt before."""
    span_id: str = ""
    endpoint: str | None = None
    """Scheme, host, port and path that were called; never a query or credential."""
    key_alias: str | None = None
    """Which credential was used, by its last four characters or variable name."""
    start_ns: int = 0
    """Since the start of the request, as are all times below."""
    connect_ns: int | None = None
    """Duration of name lookup, TCP and TLS; 0 on a pooled connection."""
    reused_connection: bool = False
    sends: int = 1
    """How often its bytes were sent: twice when an idle connection turned out to be dead."""
    first_byte_ns: int | None = None
    """When the head of the answer arrived."""
    first_token_ns: int | None = None
    """When the first content of a stream arrived."""
    end_ns: int | None = None
    backoff_ms: float | None = None
    backoff_source: str | None = None
    status: int | None = None
    """HTTP status of the provider."""
    upstream_request_id: str | None = None
    failure_class: str | None = None
    upstream_code: str | None = None
    error: str | None = None
    """What went wrong, in words, redacted and bounded."""
    retry_after_s: float | None = None
    timeout_phase: str | None = None
    usage: Usage | None = None
    cost: Cost | None = None
    parameters_changed: list[str] = field(default_factory=list)
    tool_calls: list[ToolCallCheck] = field(default_factory=list)
    """The tool calls that it answered with, in order."""
    json_answer: str | None = None
    """What an answer that should be JSON was: `valid`, `schema_violation`, `framed` (JSON within
    other text), `cleaned` (the same, cut down to it) or `invalid`."""
    """What was changed in the body for this provider: `model: auto -> gpt-4o-mini` …"""
    reservation: Reservation | None = None
    breaker_before: str | None = None
    """State of the breaker that let the attempt through; None is closed."""
    breaker_after: str | None = None
    """State after its outcome was counted; None is closed."""
    waited_ms: float | None = None
    """How long it waited for room at a target whose concurrency is limited."""
    in_flight: int | None = None
    """Calls under way at the target when it began, this one included."""


class LimitCheck(Struct, omit_defaults=True):
    """One limit, quota or budget that was looked at, with its counter before and after."""

    scope: str
    """Whose: `key:ci`, `tenant:acme`."""
    kind: str
    """`spend_nano_usd_day`, `requests_minute` …"""
    before: int
    reserved: int = 0
    after: int | None = None
    limit: int | None = None
    """None counts without limiting."""
    rule: str | None = None
    store: str = "memory"
    """Whose figures: `memory` (one worker's), `redis`, or `local` (a worker's own on top of what it
    last read from Redis)."""
    refused: bool = False
    """It had no room; nothing was counted then."""
    dry_run: bool = False
    """A refusal is only recorded."""
    warning: bool = False
    """A budget had spent its warning share before this call."""
    resets_unix_ns: int | None = None
    """When the calendar period ends; None for rates and what never ends."""
    model_before: str | None = None
    model_after: str | None = None
    """For a budget that moved the request: the target's model before and after."""
    age_ms: float | None = None
    """How old the shared value was: 0 when read for this request; None for this worker's own."""
    on_loss: str | None = None
    """While the shared store was away: `local`, `closed` or `open`, as configured."""
    fail_open: bool = False
    """It was not applied, because the shared store was away and `on_loss` is `open`."""


class PolicyOutcome(Struct, omit_defaults=True):
    """What a prompt rule did; counts only, never the values it found."""

    rule: str
    """Path in the configuration: `policy.rules.no-secrets`."""
    outcome: str
    """`blocked`, `redacted`, `flagged`, `rerouted`, `passed` (it found nothing), `overruled` (an
    earlier rule had chosen another target) or `not_matched` (its condition did not hold)."""
    counts: dict[str, int] = field(default_factory=dict)
    """What was found -> how often."""
    side: str = "prompt"
    """`prompt` or `answer`: what it looked at."""
    dry_run: bool = False
    """The outcome is what it would have done; nothing was changed."""
    file: str | None = None
    line: int | None = None
    condition: Evaluated | None = None
    """Its condition as it was evaluated; None for a rule without one."""
    use: str | None = None
    """For `rerouted` and `overruled`: the target or route that the rule names."""


class StreamTruth(Struct, omit_defaults=True):
    """What became of a stream."""

    committed_ns: int | None = None
    """When the first byte went to the client; after it nothing is retried."""
    chunks: int = 0
    """Chunks handed to the client."""
    bytes: int = 0
    """Bytes handed to the client."""
    terminal: str = ""
    """`done`, `cut`, `stalled`, `malformed`, `failed`, `blocked` (by a prompt rule),
    `client_left` or `shutdown`."""
    usage_source: str = ""
    """`measured` or `estimated`."""


class CallFailure(Struct, omit_defaults=True):
    """The error that the client got."""

    code: str
    message: str
    failure_class: str | None = None


class ContentRef(Struct, omit_defaults=True):
    """Which prompt and answer this was, without their text."""

    prompt_version: str | None = None
    system_hash: str | None = None
    prompt_hash: str | None = None
    response_hash: str | None = None
    captured: str = "none"
    """`none`, `redacted` or `full`: what the journal holds beside this record."""
    tools: list[str] = field(default_factory=list)
    redactions: dict[str, int] = field(default_factory=dict)
    """Entity type -> how often it was redacted."""


class CallRecord(Struct, kw_only=True, omit_defaults=True):
    """Everything that was decided and that happened for one request."""

    schema: int
    request_id: str
    trace_id: str
    span_id: str
    parent_span_id: str | None = None
    started_unix_ns: int
    duration_ns: int | None = None
    """None while the request is under way."""
    worker: str | None = None
    config_version: str = ""
    snapshot_age_ms: int | None = None

    tenant: str | None = None
    plan: str | None = None
    plan_source: str | None = None
    """Where the plan comes from: `key`, `tenant` or `request`."""
    key: str | None = None
    team: str | None = None
    user: str | None = None
    customer: str | None = None
    feature: str | None = None
    environment: str | None = None
    workload: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    run_id: str | None = None
    conversation_id: str | None = None
    iteration: int | None = None

    dialect: str = "openai.chat"
    operation: str = "chat"
    stream_requested: bool = False
    requested_model: str | None = None
    """The name in the request; None when it had none."""
    served_model: str | None = None
    """The model that answered, by its own word."""
    served_target: str | None = None
    served_provider: str | None = None
    mock: bool = False

    status: int | None = None
    """HTTP status that the client got; 499 when it left before an answer."""
    error: CallFailure | None = None
    finish_reasons: list[str] = field(default_factory=list)
    outcome: str = ""
    """`success`, `truncated` (length), `blocked` (content filter, prompt rule), `failure`,
    `refused`, `client_left` or `gateway_crashed`."""

    route: str | None = None
    alias: AliasUse | None = None
    """What the name that was asked for means for this key, tenant or plan; None when itself."""
    reason: str = "not_routed"
    override_source: str | None = None
    """Who overrode the route: `model`, `header`; None when the gateway decided."""
    override_rejected: str | None = None
    size_class: str | None = None
    requested_vs_served: str = "none"
    rule: Rule | None = None
    rules_evaluated: list[RuleEvaluation] = field(default_factory=list)

    facts: Facts | None = None
    candidates: list[Candidate] = field(default_factory=list)
    candidates_omitted: dict[str, int] = field(default_factory=dict)
    draw: Draw | None = None
    stages: list[Stage] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    limits: list[LimitCheck] = field(default_factory=list)
    policy: list[PolicyOutcome] = field(default_factory=list)
    stream: StreamTruth | None = None
    usage: Usage | None = None
    cost: Cost | None = None
    content: ContentRef | None = None
    truncated: bool = False
    """The record was over its size bound and lost detail."""
