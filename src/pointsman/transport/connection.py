"""One connection to the server: a socket, its one timer and whoever uses it now.

Knows that it carries one exchange after another and never two at once. Does not know HTTP.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, cast

from pointsman.core.clock import Clock

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: close sends RST. A FIN alone is not enough, since servers and proxies
that allow a half-closed client go on producing the answer."""
_PROBE_AFTER_S = 30
_NEVER_NS = 1 << 62


class Receiver(Protocol):
    """Who is told what happens on a connection."""

    def on_bytes(self, piece: bytes) -> None:
        """Take bytes that arrived."""
        ...

    def on_lost(self, error: Exception | None) -> None:
        """The connection has ended: None when the server closed it in order."""
        ...

    def on_writable(self) -> None:
        """The bytes written so far have mostly left."""
        ...

    def on_deadline(self, phase: str) -> None:
        """The limit set by `set_deadline` has passed."""
        ...

    def on_abort(self) -> None:
        """The answer is not wanted any more."""
        ...


class Connection(asyncio.Protocol):
    """A connection of the pool."""

    __slots__ = (
        "_armed_ns",
        "_clock",
        "_deadline_ns",
        "_has_ended",
        "_is_paused",
        "_loop",
        "_on_lost",
        "_phase",
        "_receiver",
        "_timer",
        "_transport",
        "expires_ns",
        "is_write_paused",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        on_lost: "Callable[[Connection], None]",
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._armed_ns = _NEVER_NS
        self._deadline_ns = _NEVER_NS
        self._phase = ""
        self._has_ended = False
        self._is_paused = False
        self.is_write_paused = False
        self.expires_ns = 0
        """While idle: when it is too old to be used, in monotonic nanoseconds."""

    @property
    def is_usable(self) -> bool:
        """Whether, as far as the loop has seen, the server still listens."""
        transport = self._transport
        return transport is not None and not self._has_ended and not transport.is_closing()

    @property
    def is_gone(self) -> bool:
        """Whether the socket is closed, or was never there."""
        return self._transport is None

    @property
    def has_unsent(self) -> bool:
        """Whether bytes that were written have not left yet."""
        return self._transport is not None and self._transport.get_write_buffer_size() > 0

    def attach(self, receiver: Receiver) -> None:
        """Let `receiver` have what arrives, until `detach`."""
        self._receiver = receiver

    def detach(self) -> None:
        """Nobody uses the connection now: whatever arrives next ends it."""
        self._receiver = None
        self._deadline_ns = _NEVER_NS
        self.resume()

    def write(self, piece: bytes | memoryview) -> None:
        """Send, or queue when the socket is full (then `is_write_paused`).

        A transport that has failed says so in the next turn of the loop; until then uvloop's raises
        on use, so it is left alone.
        """
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(piece)

    def pause(self) -> None:
        """Stop reading, so that the server is held back by its own socket."""
        if not self._is_paused and self.is_usable and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again after `pause`."""
        if self._is_paused:
            self._is_paused = False
            if self.is_usable and self._transport is not None:
                self._transport.resume_reading()

    def abort(self, *, by_reset: bool = False) -> None:
        """End at once, without flushing. `by_reset` tells the server that nobody reads on."""
        self._has_ended = True
        transport = self._transport
        if transport is None:
            return

        if by_reset and not transport.is_closing():
            _set(transport, socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()

    def close_now(self) -> None:
        """End at once because the client closes."""
        if self._receiver is not None:
            self._receiver.on_abort()
        else:
            self.abort()

    def set_deadline(self, at_ns: int, phase: str) -> None:
        """Call `on_deadline(phase)` at `at_ns` unless a later call moves it.

        A deadline mostly moves later. So the one timer is left as it is, and looks at the current
        deadline when it fires; it is armed anew only for an earlier one.
        """
        self._deadline_ns = at_ns
        self._phase = phase
        if at_ns < self._armed_ns:
            self._arm()

    # Called by the loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Tune the socket: small writes leave at once, and a dead peer is noticed."""
        # uvloop's transports are not subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        if self._has_ended:
            self._transport.abort()
            return

        _set(transport, socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _set(transport, socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # Linux and macOS name the same option differently.
        option = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
        if option is not None:
            _set(transport, socket.IPPROTO_TCP, option, _PROBE_AFTER_S)

    def data_received(self, data: bytes) -> None:
        """Hand on, or end an idle connection: nobody asked for these bytes."""
        if self._receiver is None:
            self.abort()
        else:
            self._receiver.on_bytes(data)

    def eof_received(self) -> None:
        """Treat the server's end of sending as the end: it answers nothing any more."""
        self._has_ended = True
        if self._receiver is not None:
            self._receiver.on_lost(None)
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever uses it, then the pool; called exactly once."""
        self._has_ended = True
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._receiver is not None:
            self._receiver.on_lost(exc)
        self._on_lost(self)

    def pause_writing(self) -> None:
        """The socket takes no more for now."""
        self.is_write_paused = True

    def resume_writing(self) -> None:
        """The socket takes bytes again."""
        self.is_write_paused = False
        if self._receiver is not None:
            self._receiver.on_writable()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_ns = self._deadline_ns
        delay_ns = self._deadline_ns - self._clock.monotonic_ns()
        self._timer = self._loop.call_later(max(0.0, delay_ns / 1e9), self._look_at_deadline)

    def _look_at_deadline(self) -> None:
        self._timer = None
        self._armed_ns = _NEVER_NS
        if self._receiver is None or not self.is_usable:
            return

        if self._clock.monotonic_ns() >= self._deadline_ns:
            self._receiver.on_deadline(self._phase)
        elif self._deadline_ns < _NEVER_NS:
            self._arm()


def _set(transport: asyncio.BaseTransport, level: int, option: int, value: int | bytes) -> None:
    """Set an option if the socket still takes it: one that the peer has reset may not (macOS)."""
    raw = transport.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            raw.setsockopt(level, option, value)
