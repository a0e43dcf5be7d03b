"""How long to wait before the same target is asked again. Pure."""

from collections.abc import Callable
from typing import NamedTuple

from pointsman.config.resilience import RetryConfig


class Wait(NamedTuple):
    """A wait before a retry."""

    seconds: float
    source: str
    """`retry_after` (the provider's word) or `jitter` (drawn)."""


def wait_before(
    retry: int, retry_after_s: float | None, config: RetryConfig, draw: Callable[[], float]
) -> Wait | None:
    """Return the wait before a retry; None when the provider asks for more than is waited.

    What the provider asks for is waited exactly. Else the wait is drawn evenly between nothing and
    a bound that doubles from retry to retry ("full jitter"), so that many clients which failed
    together do not come back together.
    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ (read 2026-11)

    Args:
        retry: 1 for the first retry of this target.
        retry_after_s: What the provider asked for; None when it asked for nothing.
        config: The bounds.
        draw: Returns a number in [0, 1).
    """
    if retry_after_s is not None:
        if retry_after_s > config.max_retry_after:
            return None
        return Wait(retry_after_s, "retry_after")
    bound_s = min(float(config.max_delay), config.base_delay * 2.0 ** (retry - 1))
    return Wait(draw() * bound_s, "jitter")
