"""Identifiers: request ids (time-ordered), W3C trace and span ids.

The ids are unique, not secret: nothing may be authorised by knowing one. Secrets are made with
`secrets` where they are issued.
"""

import random
import re

from pointsman.core.clock import Clock

TRACE_ID = re.compile(r"[0-9a-f]{32}\Z")
SPAN_ID = re.compile(r"[0-9a-f]{16}\Z")
REQUEST_ID = re.compile(r"req_[0-9a-f]{32}\Z")
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})(?P<span>[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<rest>-.*)?\Z"
)


class IdSource:
    """Makes ids for one process.

    Args:
        clock: Gives the millisecond that request ids start with, so that they sort by time.
        rng: Source of the random part. Pass a seeded one in tests.
    """

    __slots__ = ("_clock", "_rng")

    def __init__(self, clock: Clock, rng: random.Random | None = None) -> None:
        self._clock = clock
        self._rng = rng if rng is not None else random.SystemRandom()
        if rng is None:
            # One read of the kernel's randomness; each id from it would cost a system call.
            self._rng = random.Random(self._rng.getrandbits(256))  # noqa: S311 - ids are not secrets

    def request_id(self) -> str:
        """Return `req_` and 32 hex digits: 48 bits of Unix milliseconds, then 80 random bits."""
        milliseconds = self._clock.unix_ns() // 1_000_000
        return f"req_{(milliseconds << 80) | self._rng.getrandbits(80):032x}"

    def trace_id(self) -> str:
        """Return a W3C trace id: 32 hex digits, never all zero."""
        return f"{self._rng.getrandbits(128) | 1:032x}"

    def span_id(self) -> str:
        """Return a W3C span id: 16 hex digits, never all zero."""
        return f"{self._rng.getrandbits(64) | 1:016x}"

    def draw(self) -> float:
        """Return a number in [0, 1) for a weighted choice; the caller records it."""
        return self._rng.random()


class TraceContext:
    """The `traceparent` of a request: which trace it belongs to and which span called it."""

    __slots__ = ("parent_span_id", "sampled", "trace_id")

    def __init__(self, trace_id: str, parent_span_id: str | None, sampled: bool = True) -> None:
        self.trace_id = trace_id
        self.parent_span_id = parent_span_id
        self.sampled = sampled

    def traceparent(self, span_id: str) -> str:
        """Return the header value to send downstream from the span `span_id`."""
        return f"00-{self.trace_id}-{span_id}-{'01' if self.sampled else '00'}"


def parse_traceparent(value: str | None) -> TraceContext | None:
    """Read a W3C `traceparent` header.

    Returns:
        None when the header is absent or malformed: the standard says to start a new trace then.
        Source: https://www.w3.org/TR/trace-context/#traceparent-header
    """
    match = _TRACEPARENT.match(value.strip()) if value is not None else None
    if match is None or (match["version"] == "00" and match["rest"] is not None):
        return None
    return TraceContext(match["trace"], match["span"], bool(int(match["flags"], 16) & 1))
