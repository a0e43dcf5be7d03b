"""Traffic as a gateway would record it, made up from a seed: of every outcome, hostile texts too.

For tests of pages and for pictures of them: the same seed makes the same records.
"""

import json
import random

from pointsman.core.facts import Facts
from pointsman.core.records import (
    SCHEMA,
    Attempt,
    CallFailure,
    CallRecord,
    Candidate,
    ContentRef,
    Cost,
    CostLine,
    Draw,
    Evaluated,
    Exclusion,
    LimitCheck,
    PolicyOutcome,
    Reservation,
    Rule,
    RuleEvaluation,
    Stage,
    StreamTruth,
    TargetState,
)
from pointsman.core.usage import Usage
from pointsman.store.rows import ContentRow, SpanEvent, SpanRow

MS = 1_000_000
S = 1_000_000_000
SCRIPT = "<script>alert(1)</script>"
HOSTILE = f"\"'><img src=x onerror=alert(1)>{SCRIPT}</textarea></title>{{{{7*7}}}}\u202e&lt;"
TARGETS = {
    "small": ("openai", "gpt-4o-mini", 150, 600),
    "large": ("openai", "gpt-4o", 2_500, 10_000),
    "sonnet": ("anthropic", "claude-sonnet-4-6", 3_000, 15_000),
    "llama": ("local", "llama3.1", None, None),
}
"""Name -> provider, model, nano-USD of a token of input and of output; None is unknown."""
WHO = [
    ("acme", "checkout", "support-bot", "ada"),
    ("acme", "batch", "summaries", None),
    ("globex", "web", "search", "hank"),
    ("initech", "agents", "planner", "peter"),
    (None, None, None, None),
]
QUESTIONS = [
    "Where is my parcel? The order is 20481 and my address is [redacted: email].",
    "Summarise the minutes of yesterday's meeting in three sentences.",
    "Write a haiku about points and signals.",
    "Which of these two contracts ends first, and what happens then?",
]
ANSWERS = [
    "Your parcel left Leipzig this morning and should arrive tomorrow before noon.",
    "Three things were decided. The launch moves to June and the old importer is switched off.",
    "Steel parts under rain,\nthe pointsman writes down the train,\ngreen lamp, far away.",
]


class Traffic:
    """A source of records that end at a moment.

    Args:
        end_unix_ns: When the last one starts.
        seed: Another makes other traffic.
    """

    def __init__(self, end_unix_ns: int, seed: int = 7) -> None:
        self.end_unix_ns = end_unix_ns
        self.rng = random.Random(seed)
        self.made = 0

    def calls(self, count: int, span_s: float = 86_400) -> list[CallRecord]:
        """Return requests over a span of time, oldest first, busier towards its end."""
        ages = sorted((self.rng.random() ** 1.6 * span_s for _ in range(count)), reverse=True)
        return [self.call(self.end_unix_ns - round(age * S)) for age in ages]

    def call(self, started_unix_ns: int | None = None, kind: str | None = None) -> CallRecord:
        """Return one request.

        Args:
            started_unix_ns: None is the end of the span.
            kind: The name of a method `_as_…` below; None draws one.
        """
        started = self.end_unix_ns if started_unix_ns is None else started_unix_ns
        kinds = {"plain": 52, "stream": 22, "tools": 8, "failover": 6, "retried": 3, "failure": 3,
                 "cut": 2, "refused": 2, "unknown_price": 4, "left": 1, "crashed": 1}  # fmt: skip
        chosen = kind or self.rng.choices(list(kinds), list(kinds.values()))[0]
        record = self._plain(started)
        getattr(self, f"_as_{chosen}")(record)
        return record

    def hostile(self, started_unix_ns: int | None = None) -> CallRecord:
        """Return a failed request whose every text is made to break a page."""
        record = self.call(started_unix_ns, "failover")
        record.requested_model = HOSTILE
        record.served_model = HOSTILE
        record.tenant = record.user = record.key = record.team = record.feature = HOSTILE
        record.plan = record.customer = record.environment = record.workload = HOSTILE
        record.run_id = record.conversation_id = HOSTILE
        record.tags = {HOSTILE: HOSTILE}
        record.reason = record.route = HOSTILE
        record.outcome, record.status = "failure", 502
        record.error = CallFailure(HOSTILE, HOSTILE, HOSTILE)
        record.finish_reasons = [HOSTILE]
        record.config_version = HOSTILE
        record.rule = Rule(HOSTILE, HOSTILE, 3)
        condition = Evaluated(result=False, fact=HOSTILE, op="==", expected=HOSTILE, actual=HOSTILE)
        record.rules_evaluated = [RuleEvaluation(record.rule, False, condition)]
        record.draw = Draw({HOSTILE: 1.0}, 0.5, HOSTILE)
        record.limits = [LimitCheck(HOSTILE, HOSTILE, 1, 2, 3, 4, HOSTILE)]
        record.policy = [PolicyOutcome(HOSTILE, HOSTILE, {HOSTILE: 1})]
        record.stages.append(Stage(HOSTILE, 0, MS))
        record.candidates.append(
            Candidate(
                HOSTILE, HOSTILE, HOSTILE, False, Exclusion(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
            )
        )
        for attempt in record.attempts:
            attempt.target = attempt.provider = attempt.model = HOSTILE
            attempt.error = attempt.why = attempt.failure_class = attempt.upstream_code = HOSTILE
            attempt.endpoint = attempt.key_alias = "javascript:alert(1)" + HOSTILE
            attempt.parameters_changed = [HOSTILE]
        record.content = ContentRef(captured="redacted", tools=[HOSTILE], redactions={HOSTILE: 1})
        return record

    def content(self, record: CallRecord, *, hostile: bool = False) -> ContentRow:
        """Return prompt and answer of a request, as a gateway captures them."""
        question = HOSTILE if hostile else self.rng.choice(QUESTIONS)
        answer = HOSTILE if hostile else self.rng.choice(ANSWERS)
        weather = {"name": HOSTILE if hostile else "order_status", "arguments": '{"order": 20481}'}
        messages = [
            {"role": "system", "content": "You help customers of a shop. Be brief."},
            {"role": "user", "content": [{"type": "text", "text": question},
                                         {"type": "image_url", "image_url": {"url": "x"}}]},
            {"role": "assistant", "content": None,
             "tool_calls": [{"id": "c1", "type": "function", "function": weather}]},
            {"role": "tool", "tool_call_id": "c1", "content": '{"state": "in transit"}'},
            {"role": HOSTILE if hostile else "user", "content": "And what does it cost me?"},
        ]  # fmt: skip
        reply = {"content": answer, "tool_calls": [], "chunks": 12}
        if not record.stream_requested:
            choice = {"index": 0, "message": {"role": "assistant", "content": answer}}
            reply = {"object": "chat.completion", "choices": [choice]}
        return ContentRow(
            request_id=record.request_id,
            tenant=record.tenant,
            captured="redacted",
            system_hash="ab" * 8,
            system="You help customers of a shop. Be brief.",
            prompt=json.dumps({"model": record.requested_model, "messages": messages}),
            response=json.dumps(reply),
        )

    def application(self, record: CallRecord, *, name: str = "answer_ticket") -> list[SpanRow]:
        """Return spans of an application around a call, and make the call their child."""
        rng, start = self.rng, record.started_unix_ns - 180 * MS
        end = record.started_unix_ns + (record.duration_ns or S) + 95 * MS
        ids = [f"{rng.getrandbits(64) | 1:016x}" for _ in range(5)]
        record.parent_span_id = ids[3]
        shape = [
            (name, None, start, end, "SERVER", {"http.route": "/tickets/{id}", "user.id": name}),
            ("load_ticket", 0, start + 4 * MS, start + 41 * MS, "INTERNAL", {"ticket": 20481}),
            ("retrieve documents", 0, start + 44 * MS, start + 165 * MS, "CLIENT",
             {"db.system": "postgresql", "hits": 4, "query": name}),
            ("chat " + (record.requested_model or ""), 0, start + 170 * MS, end - 60 * MS, "CLIENT",
             {"gen_ai.operation.name": "chat", "gen_ai.request.model": record.requested_model}),
            ("render reply", 0, end - 55 * MS, end - 3 * MS, "INTERNAL", {}),
        ]  # fmt: skip
        return [
            SpanRow(
                trace_id=record.trace_id,
                span_id=ids[number],
                parent_span_id=None if parent is None else ids[parent],
                name=title,
                kind=kind,
                start_unix_ns=began,
                end_unix_ns=ended,
                status="ERROR" if number == 4 and record.error else "UNSET",
                status_message="no answer to render" if number == 4 and record.error else "",
                tenant=record.tenant,
                service="helpdesk",
                scope_name="opentelemetry.instrumentation.openai_v2",
                attributes=attributes,
                resource={"service.name": "helpdesk", "service.version": "4.2.0"},
                events=[SpanEvent("cache miss", began + MS, {"key": name})] if number == 1 else [],
            )
            for number, (title, parent, began, ended, kind, attributes) in enumerate(shape)
        ]

    def _plain(self, started_unix_ns: int) -> CallRecord:
        rng = self.rng
        self.made += 1
        tenant, key, feature, user = rng.choices(WHO, [40, 20, 20, 12, 8])[0]
        characters = round(rng.lognormvariate(6.4, 1.1))
        target = "small" if characters <= 1_000 else "large"
        record = CallRecord(
            schema=SCHEMA,
            request_id=f"req_{started_unix_ns // MS:012x}{self.made:06x}{rng.getrandbits(56):014x}",
            trace_id=f"{rng.getrandbits(128) | 1:032x}",
            span_id=f"{rng.getrandbits(64) | 1:016x}",
            started_unix_ns=started_unix_ns,
            worker="gateway-0",
            config_version="7c1f0a94be52",
            tenant=tenant,
            key=key,
            user=user,
            feature=feature,
            plan="enterprise" if tenant == "acme" else None,
            environment="production",
            tags={"release": "2026.11"} if tenant else {},
            requested_model="auto",
            status=200,
            outcome="success",
            finish_reasons=["stop"],
            route="auto",
            reason="short_prompt_default" if target == "small" else "long_prompt_upgrade",
            requested_vs_served="rule",
            facts=Facts(
                model="auto", characters=characters, estimated_input_tokens=-(-characters // 4),
                message_count=rng.randint(1, 9), tenant=tenant, key=key,
                provider_health={"openai": "ok", "anthropic": "ok"},
            ),
            content=ContentRef(captured="redacted", prompt_hash="5d" * 8, redactions={"email": 1}),
        )  # fmt: skip
        self._decide(record, target)
        self._answer(record, target)
        return record

    def _decide(self, record: CallRecord, chosen: str) -> None:
        facts = record.facts
        record.stages = [
            Stage("policy_check", 6_000, 21_000),
            Stage("route_request", 29_000, 74_000),
        ]
        condition = Evaluated(
            result=facts.characters <= 1_000, fact="characters", op="<=", expected=1_000,
            actual=facts.characters,
        )  # fmt: skip
        first = Rule("routes.auto.rules[0]", "pointsman.yaml", 21)
        last = Rule("routes.auto.rules[1]", "pointsman.yaml", 22)
        record.rules_evaluated = [RuleEvaluation(first, condition.result, condition)]
        if not condition.result:
            record.rules_evaluated.append(RuleEvaluation(last, True))
        record.rule = record.rules_evaluated[-1].rule
        order = [chosen, *(name for name in ("large", "sonnet", "llama") if name != chosen)]
        record.candidates = [self._candidate(name, facts.estimated_input_tokens) for name in order]
        if record.tenant is not None:
            spent = self.rng.randrange(2, 40) * S // 10
            record.limits = [
                LimitCheck(f"tenant:{record.tenant}", "spend_nano_usd_day", spent, 90_000_000,
                           spent + 4_100_000, 50 * S),
                LimitCheck(f"key:{record.key}", "requests_minute", self.rng.randrange(3, 55), 1,
                           None, 60),
            ]  # fmt: skip

    def _candidate(self, name: str, tokens: int) -> Candidate:
        provider, model, _, _ = TARGETS[name]
        state = TargetState(
            health="ok", in_flight=self.rng.randrange(6), breaker="closed",
            latency_ms=round(self.rng.uniform(280, 2_400), 1), error_ratio=0.01,
        )  # fmt: skip
        candidate = Candidate(target=name, provider=provider, model=model, state=state)
        if name == "llama" and tokens > 300:
            candidate.eligible = False
            candidate.excluded_by = Exclusion("context", "too_long", tokens, 300)
        return candidate

    def _answer(self, record: CallRecord, target: str) -> None:
        rng, (provider, model, _, _) = self.rng, TARGETS[target]
        took = round(rng.lognormvariate(6.5, 0.6) * MS)
        opening = 0 if rng.random() < 0.8 else round(rng.uniform(9, 40) * MS)
        attempt = Attempt(
            target=target, provider=provider, model=model,
            span_id=f"{rng.getrandbits(64) | 1:016x}",
            endpoint=f"https://api.{provider}.example/v1/chat/completions", key_alias="…4f2a",
            start_ns=112_000, connect_ns=opening, reused_connection=not opening,
            first_byte_ns=112_000 + opening + took * 9 // 10, end_ns=112_000 + opening + took,
            status=200, upstream_request_id=f"up-{rng.getrandbits(32):08x}",
            parameters_changed=[f"model: auto -> {model}"],
        )  # fmt: skip
        record.attempts.append(attempt)
        record.served_target, record.served_provider = target, provider
        record.served_model = model
        inputs, outputs = record.facts.estimated_input_tokens + 8, rng.randrange(12, 640)
        cached = 1_024 if inputs > 2_000 else 0
        usage = Usage(input_tokens=inputs, output_tokens=outputs, cache_read_tokens=cached)
        self._charge(record, target, usage)
        shaped = attempt.end_ns + 9_000
        record.stages.append(Stage("response_shaping", shaped, 31_000))
        record.duration_ns = shaped + 60_000

    def _charge(self, record: CallRecord, target: str, usage: Usage) -> None:
        attempt = record.attempts[-1]
        attempt.usage = record.usage = usage
        attempt.cost = record.cost = cost_on(target, usage)
        total = attempt.cost.total_nano_usd
        held = (total or 0) * 3 + 1_000_000
        attempt.reservation = Reservation(f"res-{self.made}", held, total or 0)
        for candidate in record.candidates:
            candidate.cost_nano_usd = cost_on(candidate.target, usage).total_nano_usd

    def _as_plain(self, record: CallRecord) -> None:
        if self.rng.random() < 0.15:
            record.requested_model, record.reason = "gpt-4o", "explicit_model_passthrough"
            record.requested_vs_served = "none"
        if self.rng.random() < 0.05:
            record.outcome, record.finish_reasons = "truncated", ["length"]

    def _as_stream(self, record: CallRecord, terminal: str = "done") -> None:
        attempt = record.attempts[-1]
        record.stream_requested = True
        record.reason = "load_balance"
        record.requested_vs_served = "load_balance"
        record.draw = Draw({"large": 0.9, "sonnet": 0.1}, self.rng.random() * 0.9, "large")
        attempt.first_byte_ns = attempt.start_ns + (attempt.end_ns - attempt.start_ns) // 5
        attempt.first_token_ns = attempt.first_byte_ns + 14 * MS
        record.stream = StreamTruth(
            attempt.first_token_ns + 80_000, 214, 48_112, terminal, "measured"
        )

    def _as_tools(self, record: CallRecord) -> None:
        record.finish_reasons = ["tool_calls"]
        record.facts.tool_count = 2
        record.content.tools = ["order_status", "refund"]
        record.run_id, record.conversation_id = "run-81", "conversation-12"

    def _as_failover(self, record: CallRecord) -> None:
        failed = self._failed(record, 503, "overloaded", "The engine is overloaded, try later.")
        self._fail_first(record, failed, "failover", "sonnet")
        record.reason, record.requested_vs_served = "provider_failover", "failover"
        for candidate in record.candidates:
            if candidate.target == "llama":
                candidate.eligible = False
                candidate.state.health = "down"
                candidate.excluded_by = Exclusion("health", "provider_down", "down", "degraded")

    def _as_retried(self, record: CallRecord) -> None:
        failed = self._failed(record, 429, "rate_limited", "Rate limit reached for requests.")
        failed.retry_after_s = 0.4
        self._fail_first(record, failed, "retry", failed.target)
        record.attempts[-1].backoff_ms, record.attempts[-1].backoff_source = 400.0, "retry-after"

    def _as_failure(self, record: CallRecord) -> None:
        failed = self._failed(record, None, "timeout", "no first byte within 20 s")
        failed.timeout_phase, failed.first_byte_ns = "first_byte", None
        again = self._failed(record, 500, "server_error", "The server had an error.")
        again.kind, again.why, again.target = "failover", "timeout", "sonnet"
        again.provider, again.model = TARGETS["sonnet"][:2]
        again.start_ns, again.first_byte_ns = failed.end_ns + 40_000, failed.end_ns + 210 * MS
        again.end_ns = failed.end_ns + 212 * MS
        record.attempts = [failed, again]
        self._end_badly(record, 502, CallFailure(
            "upstream_failed", "No target answered: large ran out of time, sonnet had an error.",
            "server_error",
        ))  # fmt: skip

    def _as_cut(self, record: CallRecord) -> None:
        self._as_stream(record, "cut")
        attempt = record.attempts[-1]
        attempt.failure_class, attempt.error = (
            "truncated",
            "the stream ended without a finish reason",
        )
        record.stream.usage_source = "estimated"
        record.outcome, record.finish_reasons = "failure", []
        record.error = CallFailure(
            "stream_cut", "The provider ended the stream early.", "truncated"
        )

    def _as_refused(self, record: CallRecord) -> None:
        record.attempts, record.stages = [], record.stages[:1]
        record.candidates, record.rules_evaluated, record.rule = [], [], None
        record.limits = [
            LimitCheck("tenant:acme", "spend_nano_usd_day", 50 * S, 0, None, 50 * S, refused=True)
        ]
        record.route, record.reason, record.duration_ns = None, "not_routed", 96_000
        self._end_badly(record, 429, CallFailure(
            "insufficient_quota", "The budget of tenant acme for today is spent.", "quota_exhausted"
        ))  # fmt: skip
        record.outcome, record.duration_ns = "refused", 96_000

    def _as_unknown_price(self, record: CallRecord) -> None:
        attempt = record.attempts[-1]
        attempt.target, attempt.provider, attempt.model = "llama", *TARGETS["llama"][:2]
        record.served_target, record.served_provider = "llama", "local"
        record.served_model = "llama3.1:8b-instruct"
        for candidate in record.candidates:
            if candidate.target == "llama":
                candidate.eligible, candidate.excluded_by = True, None
        self._charge(record, "llama", record.usage)

    def _as_left(self, record: CallRecord) -> None:
        self._as_stream(record, "client_left")
        record.outcome, record.finish_reasons = "client_left", []

    def _as_crashed(self, record: CallRecord) -> None:
        attempt = record.attempts[-1]
        attempt.end_ns = attempt.first_byte_ns = attempt.status = None
        record.outcome, record.status, record.duration_ns = "gateway_crashed", None, None
        record.finish_reasons, record.served_model = [], None
        record.cost = Cost(total_nano_usd=attempt.reservation.held_nano_usd, estimated=True)
        attempt.cost, attempt.usage = record.cost, None
        record.usage, record.stages = None, []

    def _failed(self, record, status, failure_class, error) -> Attempt:
        served = record.attempts[-1]
        took = self.rng.randrange(90, 900) * MS
        return Attempt(
            target=served.target, provider=served.provider, model=served.model,
            span_id=f"{self.rng.getrandbits(64) | 1:016x}", endpoint=served.endpoint,
            key_alias=served.key_alias, start_ns=served.start_ns, connect_ns=0,
            reused_connection=True, first_byte_ns=served.start_ns + took,
            end_ns=served.start_ns + took + MS, status=status, failure_class=failure_class,
            error=error, reservation=Reservation(f"res-{self.made}-0", 2_000_000, 0),
        )  # fmt: skip

    def _fail_first(self, record: CallRecord, failed: Attempt, kind: str, target: str) -> None:
        served = record.attempts[-1]
        shift = failed.end_ns - served.start_ns + (400 * MS if kind == "retry" else 30_000)
        for name in ("start_ns", "first_byte_ns", "end_ns"):
            setattr(served, name, getattr(served, name) + shift)
        served.kind, served.why = kind, failed.failure_class
        served.target, served.provider, served.model = target, *TARGETS[target][:2]
        record.served_target, record.served_provider = target, served.provider
        record.served_model = served.model
        record.attempts.insert(0, failed)
        record.stages[-1].start_ns += shift
        record.duration_ns += shift
        self._charge(record, target, record.usage)

    def _end_badly(self, record: CallRecord, status: int, error: CallFailure) -> None:
        record.outcome, record.status, record.error = "failure", status, error
        record.served_model = record.served_target = record.served_provider = None
        record.usage = record.cost = None
        record.finish_reasons = []
        record.stages = [stage for stage in record.stages if stage.name != "response_shaping"]
        ends = [attempt.end_ns for attempt in record.attempts]
        record.duration_ns = max(ends, default=60_000) + 90_000


def cost_on(target: str, usage: Usage) -> Cost:
    """Return what usage costs on a target of `TARGETS`."""
    _, _, per_input, per_output = TARGETS[target]
    if per_input is None:
        return Cost(total_nano_usd=None, price_version="genai-prices 0.2.3")
    fresh = usage.input_tokens - (usage.cache_read_tokens or 0)
    lines = [CostLine("input_tokens", fresh, per_input * 1_000_000, fresh * per_input)]
    if usage.cache_read_tokens:
        half = per_input // 2
        cached = usage.cache_read_tokens
        lines.append(CostLine("cache_read_tokens", cached, half * 1_000_000, cached * half))
    made = usage.output_tokens
    lines.append(CostLine("output_tokens", made, per_output * 1_000_000, made * per_output))
    return Cost(sum(line.nano_usd for line in lines), lines, "genai-prices 0.2.3")
