"""Metrics stay bounded whatever callers name."""

from pointsman.core.records import SCHEMA, Attempt, CallRecord
from pointsman.gateway.metrics import MAX_MODELS, Metrics


def record_of(target: str, model: str) -> CallRecord:
    return CallRecord(
        schema=SCHEMA,
        request_id="req_1",
        trace_id="a" * 32,
        span_id="b" * 16,
        started_unix_ns=1,
        status=200,
        outcome="success",
        duration_ns=10,
        attempts=[Attempt(target, "openai", model, end_ns=5)],
    )


def test_targets_that_callers_invent_share_one_label():
    """A passthrough target bears the model's name, which anybody may choose."""
    metrics = Metrics()
    for number in range(MAX_MODELS + 50):
        metrics.observe(record_of(f"openai/m{number}", f"m{number}"), {})

    text = metrics.render().decode()
    attempts = [line for line in text.splitlines() if line.startswith("pointsman_attempts_total{")]

    assert len(attempts) <= MAX_MODELS + 1
    assert any('target="other"' in line for line in attempts)
