"""What one connection may cost: sizes, counts and silences.

Owns the figures only. The protocol enforces them; the composition root fills them from the
configuration, which spells its own defaults out to users.
"""

from msgspec import Struct


class ServerLimits(Struct, frozen=True, kw_only=True):
    """Bounds on what a client may send and on how long it may be silent. Times are seconds."""

    max_head_bytes: int = 65_536
    """Request line and headers together; more is answered 431."""
    max_header_count: int = 200
    """Header lines in one request; more is answered 431."""
    max_body_bytes: int = 20_971_520
    """Request body after its transfer coding is removed; more is answered 413."""
    header_timeout_s: float = 10.0
    """From the first byte of a request to the end of its head; then 408."""
    body_timeout_s: float = 30.0
    """Longest silence within a request body; then 408."""
    idle_timeout_s: float = 75.0
    """How long a connection may wait before a request; then it is closed without a word."""
    write_timeout_s: float = 30.0
    """Longest time in which a client takes none of the bytes that wait for it; then it is cut."""
    linger_timeout_s: float = 2.0
    """How long input is still discarded after a refusal, so that the client can read the answer
    instead of a connection reset."""
    drain_timeout_s: float = 0.5
    """While the listener stops: how long a connection between requests may still bring one that was
    on its way."""
    max_connections: int = 4096
    """Open connections; more are answered 503."""
