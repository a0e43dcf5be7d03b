"""The instruments of a gateway worker: every metric's name, sentence, labels and buckets.

Names and buckets follow the OpenTelemetry GenAI conventions v1.41.1 where one exists. What is
counted when is `gateway/metrics.py`'s business; docs/reference/metrics.md is made from here.
"""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from pointsman.core.clock import Clock, SystemClock
from pointsman.gateway.tallies import CounterTally, GaugeTally, HistogramTally

# https://github.com/open-telemetry/semantic-conventions v1.41.1, model/gen-ai/metrics.yaml
DURATION_BUCKETS = tuple(0.01 * 2**power for power in range(14))
TOKEN_BUCKETS = tuple(float(4**power) for power in range(14))
_OVERHEAD_BUCKETS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
_GENAI = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")


class Instruments:
    """All instruments, in a registry of their own.

    Args:
        clock: Says when a figure began.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.registry = CollectorRegistry()
        self._clock = clock or SystemClock()
        self._count_requests()
        self._count_judgements()
        self._measure_calls()

    def _count_requests(self) -> None:
        self.requests = self._counter(
            "pointsman_requests",
            "Requests by route, reason, outcome and HTTP status.",
            ("route", "reason", "outcome", "status"),
        )
        self.attempts = self._counter(
            "pointsman_attempts",
            "Upstream calls by target, kind and failure class (empty for success).",
            ("target", "kind", "failure_class"),
        )
        self.served = self._counter(
            "pointsman_served",
            "Requests that a target answered, by how it came to it: first, retry or failover.",
            ("route", "target", "by"),
        )
        self.cost_usd = self._counter(
            "pointsman_cost_usd",
            "Cost of served requests in US dollars, as far as prices are known.",
            ("provider", "model"),
        )
        self.cost_unknown = self._counter(
            "pointsman_cost_unknown",
            "Served requests whose price is not known.",
            ("provider", "model"),
        )
        in_flight = GaugeTally(
            "pointsman_requests_in_flight",
            "Requests under way.",
            (),
            registry=self.registry,
            clock=self._clock,
        )
        self.in_flight = in_flight.labels()

    def _count_judgements(self) -> None:
        self.limits = self._counter(
            "pointsman_limit_checks",
            "Checks by rule, kind and outcome (passed, warned, moved, refused, dry_run).",
            ("rule", "kind", "outcome"),
        )
        self.prompt_rules = self._counter(
            "pointsman_prompt_rules",
            "Prompt rules looked at, by side and outcome; what a dry run would have done is"
            " `dry_run`.",
            ("rule", "side", "outcome"),
        )
        self.tool_calls = self._counter(
            "pointsman_tool_calls",
            "Tool calls of answers by what a comparison with the declared tools found.",
            ("target", "outcome"),
        )
        self.json_answers = self._counter(
            "pointsman_json_answers",
            "Answers that should be JSON, by what they were.",
            ("target", "outcome"),
        )

    def _measure_calls(self) -> None:
        self.overhead = self._histogram(
            "pointsman_overhead_seconds",
            "Time of a request that was not spent in upstream calls.",
            (),
            _OVERHEAD_BUCKETS,
        ).labels()
        self.duration = self._histogram(
            "gen_ai_client_operation_duration_seconds",
            "Duration of upstream calls.",
            (*_GENAI, "error_type", "prompt_length"),
            DURATION_BUCKETS,
        )
        self.first_chunk = self._histogram(
            "gen_ai_client_operation_time_to_first_chunk_seconds",
            "Time to the first content of streamed answers.",
            (*_GENAI, "prompt_length"),
            DURATION_BUCKETS,
        )
        self.per_chunk = self._histogram(
            "gen_ai_client_operation_time_per_output_chunk_seconds",
            "Mean time between chunks after the first, per streamed answer.",
            _GENAI,
            DURATION_BUCKETS,
        )
        self.tokens = self._histogram(
            "gen_ai_client_token_usage",
            "Tokens per call, as billed.",
            (*_GENAI, "gen_ai_token_type"),
            TOKEN_BUCKETS,
        )

    def _counter(self, name: str, sentence: str, labels: Sequence[str]) -> CounterTally:
        return CounterTally(name, sentence, labels, registry=self.registry, clock=self._clock)

    def _histogram(
        self, name: str, sentence: str, labels: Sequence[str], buckets: Sequence[float]
    ) -> HistogramTally:
        return HistogramTally(
            name, sentence, labels, buckets, registry=self.registry, clock=self._clock
        )
