"""`resilience`: what becomes of failures; a target may have sections of its own."""

from typing import Annotated

from msgspec import Meta

from pointsman.config.section import Duration, Positive, Section


class RetryConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often the same target is asked again, and after which wait."""

    max_retries: Annotated[int, Meta(ge=0, le=10)] = 2
    """Retries of one target within one request; 0 asks each target once."""
    base_delay: Duration = Duration(0.25)
    """The first wait is drawn from nothing to this, each later one from nothing to twice that."""
    max_delay: Duration = Duration(5.0)
    """Longest wait that is drawn."""
    max_retry_after: Duration = Duration(10.0)
    """Longest `Retry-After` of a provider that is waited for; beyond it the next target is asked,
    and without one the client is told when to come back."""


class BreakerConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a target is left alone for a while, and how it comes back."""

    enabled: bool = True
    """Whether failures ever exclude the target."""
    failures: Positive = 5
    """Failures in a row that open the breaker."""
    error_percent: Annotated[int, Meta(ge=1, le=100)] = 60
    """Share of failures within `window` that opens it too, once there are `min_calls`."""
    min_calls: Positive = 20
    """Calls within `window` below which no share is taken."""
    window: Duration = Duration(30.0)
    """How long an outcome counts for the share."""
    open_for: Duration = Duration(30.0)
    """How long nobody calls the target; then exactly one call tries it."""
    ramp: Duration = Duration(30.0)
    """How long the target's share grows after that call succeeded, until it has all of it."""


class StreamConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of a stream is held back before the first byte goes to the client.

    Nothing is retried after that byte. Events without content (a role, a heartbeat) are held until
    the first content comes, so that an error, a cut or silence in its place still moves on.
    """

    hold_chunks: Annotated[int, Meta(ge=0, le=1024)] = 16
    """Events without content that are held at most; 0 holds the first read only."""
    hold_bytes: Annotated[int, Meta(ge=0, le=1_048_576)] = 32_768
    """Bytes that are held at most."""


class ProbeConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls in the background that ask whether the target serves. They cost what calls cost."""

    every: Duration = Duration(15.0)
    """Time between two short calls (one word asked for)."""
    realistic_every: Duration | None = None
    """Time between two calls of representative length; absent makes none."""
    realistic_characters: Positive = 4000
    """Length of the prompt of such a call."""
    timeout: Duration = Duration(10.0)
    """Longest time of a call."""


class ResilienceConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of failures, unless a target or route says otherwise."""

    retry: RetryConfig = RetryConfig()
    """Asking the same target again."""
    breaker: BreakerConfig = BreakerConfig()
    """Leaving a failing target alone."""
    stream: StreamConfig = StreamConfig()
    """Holding back the begin of a stream."""
    min_attempt: Duration = Duration(1.0)
    """No further attempt is begun with less time left than this."""
    max_cost_ratio: Annotated[float, Meta(ge=1)] | None = None
    """A failover target that costs more than this many times the first choice is excluded; absent
    excludes none."""
    max_in_flight: Positive = 2048
    """Requests under way at once; more are answered 503 with `Retry-After`."""
