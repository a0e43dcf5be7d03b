"""Lines of JSON: from bytes that arrive in any pieces to whole lines. One line is bounded."""

from pointsman.wire.sse import MAX_EVENT_BYTES, EventTooLargeError


class LineDecoder:
    """Turns pieces of a body into lines; the same ones however the body is cut.

    Empty lines are not reported. Not safe for concurrent use.

    Args:
        max_line_bytes: Bound on one line.
    """

    __slots__ = ("_max_bytes", "_pieces", "_size")

    def __init__(self, max_line_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_line_bytes
        self._pieces: list[bytes] = []
        """Of the line that has not ended."""
        self._size = 0

    def feed(self, data: bytes, /) -> list[bytes]:
        """Return the lines that `data` completes.

        Raises:
            EventTooLargeError: A line exceeds the bound; the decoder is of no use then.
        """
        first, *more = data.split(b"\n")
        if not more:
            self._hold(first)
            return []
        self._hold(first)
        lines = [b"".join(self._pieces), *more[:-1]]
        self._pieces, self._size = [], 0
        self._hold(more[-1])
        return [line for line in map(bytes.strip, lines) if line]

    def close(self) -> list[bytes]:
        """Return the line that the end of the body left without its own end."""
        line = b"".join(self._pieces).strip()
        self._pieces, self._size = [], 0
        return [line] if line else []

    def _hold(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._max_bytes:
            raise EventTooLargeError(f"a line exceeds {self._max_bytes} bytes")
        if piece:
            self._pieces.append(piece)
