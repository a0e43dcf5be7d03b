"""Requests as the loop over attempts hands them to providers."""

from pointsman.core.abort import AbortSignal
from pointsman.core.clock import SystemClock
from pointsman.core.deadline import Deadline
from pointsman.core.provider import ProviderRequest
from pointsman.core.records import Attempt
from pointsman.core.target import Target


def request_in(
    dialect: str, body: bytes, *, model: str = "m", stream: bool = False, wants_usage: bool = False
) -> ProviderRequest:
    """Return an attempt at model `model`, with ten seconds left."""
    return ProviderRequest(
        request_id="req_1",
        target=Target(name="t", provider="p", model=model),
        body=body,
        dialect=dialect,
        requested_model=model,
        stream=stream,
        client_wants_usage=wants_usage,
        drop_keys=(),
        deadline=Deadline.after(SystemClock(), 10),
        abort=AbortSignal(),
        traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        attempt=Attempt("t", "p", model),
    )
