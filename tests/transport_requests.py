"""Requests for tests of the upstream client, and what became of them."""

import asyncio

from pointsman.core.abort import AbortSignal
from pointsman.core.clock import SystemClock
from pointsman.core.deadline import Deadline
from pointsman.core.target import Timeouts
from pointsman.transport.client import HttpClient
from pointsman.transport.exchange import HttpRequest, TransportError

CLOCK = SystemClock()


def ask(
    *,
    method="POST",
    path="/",
    headers=None,
    body=b"",
    is_repeatable=False,
    deadline_s=20.0,
    abort=None,
    **timeouts,
) -> HttpRequest:
    """Build a request; further keywords are limits of `Timeouts`."""
    return HttpRequest(
        method=method,
        path=path,
        headers=headers or {},
        body=body,
        is_repeatable=is_repeatable,
        timeouts=Timeouts(**timeouts),
        deadline=Deadline.after(CLOCK, deadline_s),
        abort=abort or AbortSignal(),
    )


async def whole(client: HttpClient, request: HttpRequest | None = None, max_bytes: int = 1 << 20):
    """Return status and body; or the error's kind, with `:phase` for timeouts."""
    try:
        response = await client.send(request or ask())
        return response.status, await response.read(max_bytes)
    except TransportError as error:
        if error.timings is None:
            return "an error without timings"
        return error.kind if error.phase is None else f"{error.kind}:{error.phase}"


async def until(condition, seconds: float = 5.0) -> None:
    """Wait for something that another socket makes true, with a deadline."""
    deadline = Deadline.after(CLOCK, seconds)
    while not condition():
        assert deadline.remaining_s() > 0, "it did not happen in time"
        await asyncio.sleep(0.002)
