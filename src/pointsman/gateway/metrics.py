"""What is counted when a request is done.

Every label is bounded: names from the configuration, closed vocabularies, and at most `MAX_MODELS`
names of models, and of targets, before `other` stands for the rest.
"""

from prometheus_client import generate_latest

from pointsman.core.records import Attempt, CallRecord, LimitCheck, PolicyOutcome
from pointsman.gateway.instruments import Instruments

MAX_MODELS = 200

# Lengths of prompts in estimated tokens: latency differs tenfold between 100 and 4,000 tokens.
_LENGTH_CLASSES = ((100, "le_100"), (1000, "le_1k"), (4000, "le_4k"), (16000, "le_16k"))


class Metrics(Instruments):
    """The instruments with the rules for counting."""

    def __init__(self) -> None:
        super().__init__()
        self._models: set[str] = set()
        self._targets: set[str] = set()

    def render(self) -> bytes:
        """Return the exposition text."""
        return generate_latest(self.registry)

    def observe(self, record: CallRecord, telemetry_names: dict[str, str]) -> None:
        """Count a finished request. Called once per record, after it is complete."""
        self.requests.labels(
            record.route or "", record.reason, record.outcome, str(record.status)
        ).inc()
        if record.served_target is not None:
            target = self._target(record.served_target)
            self.served.labels(record.route or "", target, _came_by(record)).inc()
        for check in record.limits:
            if check.rule is not None:
                self.limits.labels(check.rule, check.kind, limit_outcome(check)).inc()
        for made in record.policy:
            self.prompt_rules.labels(made.rule, made.side, prompt_outcome(made)).inc()
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
        target = self._target(attempt.target)
        self.attempts.labels(target, attempt.kind, attempt.failure_class or "").inc()
        for check in attempt.tool_calls:
            self.tool_calls.labels(target, check.outcome).inc()
        if attempt.json_answer is not None:
            self.json_answers.labels(target, attempt.json_answer).inc()
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
            self.cost_usd.labels(*labels).inc(cost.total_nano_usd / 1e9)

    def _model(self, model: str) -> str:
        return _bounded(model, self._models)

    def _target(self, target: str) -> str:
        # A passthrough target bears the model's name, which callers choose.
        return _bounded(target, self._targets)


def limit_outcome(check: LimitCheck) -> str:
    """Return what a rule did, in one word of five."""
    if check.dry_run and (check.refused or check.model_after is not None):
        return "dry_run"
    if check.refused:
        return "refused"
    if check.model_after is not None:
        return "moved"
    return "warned" if check.warning else "passed"


def prompt_outcome(made: PolicyOutcome) -> str:
    """Return what a prompt rule did, in one word."""
    has_acted = made.outcome not in {"passed", "not_matched"}
    return "dry_run" if made.dry_run and has_acted else made.outcome


def _bounded(name: str, known: set[str]) -> str:
    if name in known:
        return name
    if len(known) >= MAX_MODELS:
        return "other"
    known.add(name)
    return name


def _came_by(record: CallRecord) -> str:
    """Return how the target that served came to it; failover also when health decided before."""
    if record.reason == "provider_failover":
        return "failover"
    return record.attempts[-1].kind if record.attempts else "first"


def _length_class(record: CallRecord) -> str:
    tokens = record.facts.estimated_input_tokens if record.facts is not None else 0
    for limit, name in _LENGTH_CLASSES:
        if tokens <= limit:
            return name
    return "gt_16k"
