"""An answer as its reader sees it: status, headers, and the body in decoded pieces.

Does not know sockets or framing; it takes what the exchange has collected, and waits there.
"""

from collections.abc import Mapping

from pointsman.transport.decoding import BodyDecoder
from pointsman.transport.in_flight import InFlight

_DECODED_BYTES = 65_536
"""Decoded bytes handed out at once."""


class Response:
    """Implements `HttpResponse` on an exchange whose head has arrived."""

    __slots__ = ("_decoder", "_flight", "_has_body_begun", "headers", "status", "timings")

    def __init__(self, flight: InFlight) -> None:
        answer = flight.answer
        self._flight = flight
        self._decoder = None if answer.coding is None else BodyDecoder(answer.coding)
        self._has_body_begun = False
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        self.timings = flight.timings

    async def read(self, max_bytes: int) -> bytes:
        """Return the whole body, decoded.

        Raises:
            TransportError: Also when it is longer than `max_bytes` (`protocol`).
        """
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read_some():
            size += len(piece)
            if size > max_bytes:
                message = f"the answer's body is over {max_bytes} bytes"
                self._flight.fail("protocol", message, is_final=True)
                raise self._flight.error()
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def read_some(self) -> bytes:
        """Return what has arrived, waiting for at least one byte; `b""` at the end of the body.

        The idle limit begins when the reader begins to wait: a slow reader is not the server's
        fault.

        Raises:
            TransportError: What arrived before a reset or an early end is returned first.
        """
        flight = self._flight
        idle_at_ns: int | None = None
        while True:
            if flight.has_failed_at_once:
                raise flight.error()

            piece = self._take()
            if piece:
                self._has_body_begun = True
                return piece

            if flight.has_failed:
                raise flight.error()

            if flight.answer.is_complete:
                return b""

            if self._has_body_begun:
                # One limit for one wait: chunk framing without content does not move it.
                idle_at_ns = idle_at_ns or flight.idle_at_ns()
            await flight.wait_for_body(idle_at_ns)

    def close(self) -> None:
        """Give the connection back if the body is complete, else abort it at once."""
        self._flight.fail("aborted", "the answer was closed before its end")

    def _take(self) -> bytes:
        decoder = self._decoder
        piece = self._flight.answer.take() if decoder is None else self._take_decoded(decoder)
        self._flight.resume()
        return piece

    def _take_decoded(self, decoder: BodyDecoder) -> bytes:
        answer = self._flight.answer
        try:
            piece = decoder.take(_DECODED_BYTES)
            if not piece and answer.buffered_bytes:
                decoder.feed(answer.take())
                piece = decoder.take(_DECODED_BYTES)
        except ValueError as error:
            self._flight.fail("protocol", str(error), is_final=True)
            raise self._flight.error() from error
        if not piece and answer.is_complete and not decoder.is_whole():
            self._flight.fail("truncated", "the compressed body ended too early", is_final=True)
        return piece
