"""The gateway's own measures, in Prometheus form.

Names and buckets follow the OpenTelemetry GenAI conventions v1.41.1 where one exists. Every label
is bounded: names from the configuration, closed vocabularies, and at most `MAX_MODELS` model names
before `other` stands for the rest.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from pointsman.core.records import Attempt, CallRecord

# https://github.com/open-telemetry/semantic-conventions v1.41.1, model/gen-ai/metrics.yaml
DURATION_BUCKETS = tuple(0.01 * 2**power for power in range(14))
TOKEN_BUCKETS = tuple(float(4**power) for power in range(14))
_OVERHEAD_BUCKETS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
MAX_MODELS = 200
_GENAI_LABELS = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")

# Lengths of prompts in estimated tokens: latency differs tenfold between 100 and 4,000 tokens.
_LENGTH_CLASSES = ((100, "le_100"), (1000, "le_1k"), (4000, "le_4k"), (16000, "le_16k"))


class Metrics:
    """All instruments of one gateway worker, in a registry of their own."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self.requests = Counter(
            "pointsman_requests",
            "Requests by outcome and route reason.",
            ("route", "reason", "outcome", "status"),
            registry=registry,
        )
        self.attempts = Counter(
            "pointsman_attempts",
            "Upstream calls by target, kind and failure class.",
            ("target", "kind", "failure_class"),
            registry=registry,
        )
        self.cost = Counter(
            "pointsman_cost_usd",
            "Cost of served requests in US dollars, as far as prices are known.",
            ("provider", "model"),
            registry=registry,
        )
        self.cost_unknown = Counter(
            "pointsman_cost_unknown",
            "Served requests whose price is not known.",
            ("provider", "model"),
            registry=registry,
        )
        self.in_flight = Gauge(
            "pointsman_requests_in_flight", "Requests being worked on.", registry=registry
        )
        self.overhead = Histogram(
            "pointsman_overhead_seconds",
            "Time of a request that was not spent waiting for a provider.",
            registry=registry,
            buckets=_OVERHEAD_BUCKETS,
        )
        self.duration = Histogram(
            "gen_ai_client_operation_duration_seconds",
            "Duration of upstream calls.",
            (*_GENAI_LABELS, "error_type", "prompt_length"),
            registry=registry,
            buckets=DURATION_BUCKETS,
        )
        self.first_chunk = Histogram(
            "gen_ai_client_operation_time_to_first_chunk_seconds",
            "Time to the first content of streamed answers.",
            (*_GENAI_LABELS, "prompt_length"),
            registry=registry,
            buckets=DURATION_BUCKETS,
        )
        self.per_chunk = Histogram(
            "gen_ai_client_operation_time_per_output_chunk_seconds",
            "Mean time between chunks after the first, per streamed answer.",
            _GENAI_LABELS,
            registry=registry,
            buckets=DURATION_BUCKETS,
        )
        self.tokens = Histogram(
            "gen_ai_client_token_usage",
            "Tokens per call, as billed.",
            (*_GENAI_LABELS, "gen_ai_token_type"),
            registry=registry,
            buckets=TOKEN_BUCKETS,
        )
        self.rejected = Counter(
            "pointsman_protocol_rejections",
            "Connections and requests refused before they reached the pipeline.",
            ("status",),
            registry=registry,
        )
        self._models: dict[str, str] = {}

    @property
    def registry(self) -> CollectorRegistry:
        """Where further rooms (journal, connections) add their gauges."""
        return self._registry

    def render(self) -> bytes:
        """Return the exposition text."""
        return generate_latest(self._registry)

    def observe(self, record: CallRecord, telemetry_names: dict[str, str]) -> None:
        """Count a finished request. Called once per record, after it is complete."""
        self.requests.labels(
            record.route or "", record.reason, record.outcome, str(record.status)
        ).inc()
        upstream_ns = 0
        for attempt in record.attempts:
            upstream_ns += self._observe_attempt(record, attempt, telemetry_names)
        if record.duration_ns is not None:
            self.overhead.observe(max(0, record.duration_ns - upstream_ns) / 1e9)
        self._observe_cost(record)

    def _observe_attempt(
        self, record: CallRecord, attempt: Attempt, telemetry_names: dict[str, str]
    ) -> int:
        """Count one upstream call; return its duration in ns."""
        self.attempts.labels(attempt.target, attempt.kind, attempt.failure_class or "").inc()
        if attempt.end_ns is None:
            return 0
        genai = (
            record.operation,
            telemetry_names.get(attempt.provider, attempt.provider),
            self._model(attempt.model),
        )
        duration_ns = attempt.end_ns - attempt.start_ns
        length = _length_class(record)
        self.duration.labels(*genai, attempt.failure_class or "", length).observe(duration_ns / 1e9)
        if attempt.first_token_ns is not None:
            first_ns = attempt.first_token_ns - attempt.start_ns
            self.first_chunk.labels(*genai, length).observe(first_ns / 1e9)
            chunks = record.stream.chunks if record.stream is not None else 0
            if chunks > 1:
                self.per_chunk.labels(*genai).observe((duration_ns - first_ns) / 1e9 / (chunks - 1))
        usage = attempt.usage
        if usage is not None:
            if usage.input_tokens is not None:
                self.tokens.labels(*genai, "input").observe(usage.input_tokens)
            if usage.output_tokens is not None:
                self.tokens.labels(*genai, "output").observe(usage.output_tokens)
        return duration_ns

    def _observe_cost(self, record: CallRecord) -> None:
        cost = record.cost
        if cost is None or not record.attempts:
            return
        attempt = record.attempts[-1]
        labels = (attempt.provider, self._model(attempt.model))
        if cost.total_nano_usd is None:
            self.cost_unknown.labels(*labels).inc()
        else:
            self.cost.labels(*labels).inc(cost.total_nano_usd / 1e9)

    def _model(self, model: str) -> str:
        known = self._models.get(model)
        if known is None:
            known = self._models[model] = model if len(self._models) < MAX_MODELS else "other"
            if known == "other":
                del self._models[model]
        return known


def _length_class(record: CallRecord) -> str:
    tokens = record.facts.estimated_input_tokens if record.facts is not None else 0
    for limit, name in _LENGTH_CLASSES:
        if tokens <= limit:
            return name
    return "gt_16k"
