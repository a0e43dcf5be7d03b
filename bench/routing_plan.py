"""CPU of one routing plan: how much deciding with explanation costs a request.

    python bench/routing_plan.py [rounds]

Prints the best and the median microseconds of CPU per plan. The records are made before the clock
starts, as the gateway makes them before it plans. The goal is 15 µs for the two-rule `auto` route.
"""

import statistics
import sys
import time

import msgspec

from pointsman.config.root import Config, LoadedConfig, SourceMap
from pointsman.core.facts import Facts
from pointsman.core.identity import ANONYMOUS
from pointsman.core.records import SCHEMA, CallRecord, TargetState
from pointsman.routing import Planner, RoutingTable

CONFIG = {
    "providers": {"openai": {"kind": "openai", "default": True}, "other": {"kind": "openai"}},
    "targets": {
        "small": {"provider": "openai", "model": "gpt-4o-mini"},
        "large": {"provider": "openai", "model": "gpt-4o"},
        "spare": {"provider": "other", "model": "llama", "context_tokens": 16384},
    },
    "routes": {
        "auto": {
            "rules": [
                {"when": {"chars": "<= 1000"}, "use": "small", "reason": "short_prompt_default"},
                {"use": "large", "reason": "long_prompt_upgrade"},
            ],
            "failover": ["spare"],
        },
        "plain": {"targets": ["small"]},
        "spread": {
            "targets": ["large", "spare"],
            "strategy": {"kind": "weighted", "weights": {"large": 90, "spare": 10}},
        },
        "tiers": {
            "rules": [
                {"when": {"provider_health": "degraded"}, "use": "spare"},
                {"when": {"tier": "enterprise", "complexity": "high"}, "use": "large"},
                {"use": "small"},
            ]
        },
    },
}
PLANS_PER_ROUND = 5000


class Healthy:
    """Every target is fine."""

    def provider_state(self, _provider):
        return "ok"

    def target_state(self, _target):
        return TargetState(health="ok", in_flight=3, latency_ms=412.0, error_ratio=0.0)


def records(model):
    return [
        CallRecord(
            schema=SCHEMA,
            request_id="req_1",
            trace_id="t",
            span_id="s",
            started_unix_ns=0,
            requested_model=model,
            facts=Facts(model=model, characters=124, estimated_input_tokens=31, message_count=2),
        )
        for _ in range(PLANS_PER_ROUND)
    ]


def one_round(planner, model):
    made = records(model)
    plan = planner.plan
    start = time.process_time_ns()
    for record in made:
        plan(record, ANONYMOUS, None)
    return (time.process_time_ns() - start) / PLANS_PER_ROUND / 1000


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    config = msgspec.convert(CONFIG, Config)
    loaded = LoadedConfig(config, version="bench", file=None, lines=SourceMap(), warnings=[])
    planner = Planner(RoutingTable.compile(loaded), Healthy(), lambda: 0.5)
    for model in ("auto", "plain", "spread", "tiers", "gpt-4o", "openai/o1", "undeclared"):
        figures = [one_round(planner, model) for _ in range(rounds)]
        best, median = min(figures), statistics.median(figures)
        print(f"{model:>12}: best {best:5.2f} us, median {median:5.2f} us")


if __name__ == "__main__":
    main()
