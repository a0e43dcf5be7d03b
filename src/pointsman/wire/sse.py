"""Server-sent events: from bytes that arrive in any pieces to whole events.

Knows the line grammar only (https://html.spec.whatwg.org/multipage/server-sent-events.html, read
2026-11); what a payload means is the business of the provider that reads it. One event is bounded,
so a peer cannot make us collect without end.
"""

from typing import NamedTuple

MAX_EVENT_BYTES = 4 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class EventTooLargeError(ValueError):
    """A line or an event is longer than the bound."""


def event_name(name: str) -> str:
    """Return a name that stands on one line; a provider's may hold a line end, and then more."""
    return name if name.isprintable() else ""


class ServerEvent(NamedTuple):
    """One event."""

    name: bytes
    """Value of its `event:` field; empty when it has none."""
    data: bytes
    """Values of its `data:` fields, joined by line feeds."""


class EventDecoder:
    """Turns pieces of a body into events; the same ones however the body is cut.

    Not safe for concurrent use. Events without a `data:` field are comments or heartbeats and are
    not reported.

    Args:
        max_event_bytes: Bound on one line and on the payload of one event.
    """

    __slots__ = ("_data", "_head", "_max_bytes", "_name", "_partial", "_size", "_skip_lf")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_event_bytes
        self._head: bytes | None = b""
        """The first bytes until it is known whether they are a byte order mark; then None."""
        self._partial: list[bytes] = []
        """Pieces of the line that has not ended."""
        self._size = 0
        """Bytes in `_partial` and `_data`."""
        self._data: list[bytes] = []
        self._name = b""
        self._skip_lf = False
        """The last piece ended in CR: a LF at the start of the next is part of that line end."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads that `data` completes.

        Raises:
            EventTooLargeError: A line or an event exceeds the bound; the decoder is of no use then.
        """
        if self._head == b"" and data.startswith(b"data"):
            # No byte order mark.
            self._head = None
        if self._head is None and not (self._partial or self._data or self._skip_lf or self._name):
            whole = self._whole_events(data)
            if whole is not None:
                return whole
        return [event.data for event in self.feed_events(data)]

    def feed_events(self, data: bytes) -> list[ServerEvent]:
        """Return the events that `data` completes, with their names. Raises as `feed` does."""
        if self._head is not None:
            data = self._without_bom(data)
        if self._skip_lf and data:
            self._skip_lf = False
            data = data.removeprefix(b"\n")
        return self._take_lines(data) if data else []

    def close(self) -> list[bytes]:
        """Return the payload of an event that the end of the body left without its blank line.

        The standard drops such an event. Servers that end a stream in `data: [DONE]` without a
        line end exist, so it is reported, and a caller that cannot read it knows it was cut.
        """
        if self._head:
            # Fewer than three bytes in all, which began like a byte order mark.
            self._partial, self._head = [self._head], None
        events: list[ServerEvent] = []
        if self._partial:
            self._take_line(self._joined_line(b""), events)
        self._dispatch(events)
        return [event.data for event in events]

    def _whole_events(self, data: bytes) -> list[bytes] | None:
        """Split a piece made of single-line events only; None when it has any other form."""
        if not (data.startswith(b"data: ") and data.endswith(b"\n\n")):
            return None
        if b"\r" in data or len(data) > self._max_bytes:
            return None
        payloads = data[6:-2].split(b"\n\ndata: ")
        # Any further line feed means another field, a comment or a payload of several lines.
        return payloads if data.count(b"\n") == 2 * len(payloads) else None

    def _without_bom(self, data: bytes) -> bytes:
        head = (self._head or b"") + data
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        return head.removeprefix(_BOM)

    def _take_lines(self, data: bytes) -> list[ServerEvent]:
        events: list[ServerEvent] = []
        lines = data.splitlines()
        ends_in_line = data[-1] not in b"\r\n"
        self._skip_lf = data[-1] == 13
        rest = lines.pop() if ends_in_line else b""
        if self._partial and lines:
            lines[0] = self._joined_line(lines[0])
        for line in lines:
            self._take_line(line, events)
        if rest:
            self._hold(rest)
        return events

    def _joined_line(self, end: bytes) -> bytes:
        self._size -= sum(map(len, self._partial))
        line = b"".join([*self._partial, end])
        self._partial.clear()
        return line

    def _hold(self, piece: bytes) -> None:
        self._partial.append(piece)
        self._size += len(piece)
        if self._size > self._max_bytes:
            raise EventTooLargeError(f"an event exceeds {self._max_bytes} bytes")

    def _take_line(self, line: bytes, events: list[ServerEvent]) -> None:
        if not line:
            self._dispatch(events)
            return
        if self._size + len(line) > self._max_bytes:
            raise EventTooLargeError(f"an event exceeds {self._max_bytes} bytes")
        if line.startswith(b"data:"):
            value = line[6:] if line[5:6] == b" " else line[5:]
        elif line == b"data":
            value = b""
        else:
            if line.startswith(b"event:"):
                self._name = line[6:].removeprefix(b" ")
            return
        self._data.append(value)
        # One more for the line feed that joins it, so that empty lines are bounded as well.
        self._size += len(value) + 1

    def _dispatch(self, events: list[ServerEvent]) -> None:
        if self._data:
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            events.append(ServerEvent(self._name, data))
            self._data.clear()
            self._size = 0
        self._name = b""
