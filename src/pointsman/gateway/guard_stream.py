"""Prompt rules on a stream: chunks go through with as much of their text as is judged.

Every text of the answer (of each choice: content, reasoning, refusal, each tool call's arguments)
has a window of its own that holds back its end. Arguments of tool calls are held until they are
whole, because only then they are JSON; nothing can be done with half of them anyway. What is left
of a text when it is over goes out in a chunk of its own, before the chunk that says so.
Where the texts stand is a dialect's business: `StreamDialect`, in `guard_events.py`.
"""

from collections.abc import Callable, Hashable
from functools import partial

import msgspec
from msgspec import structs

from pointsman.core.provider import StreamChunk
from pointsman.core.records import CallRecord
from pointsman.gateway.guard_events import Delta, Event, StreamDialect, everything, stream_dialect
from pointsman.gateway.guard_texts import texts_in
from pointsman.policy.prompt.examination import Examination
from pointsman.policy.prompt.window import TextWindow
from pointsman.wire.malformed import MALFORMED

MAX_ARGUMENT_CHARACTERS = 262_144
"""Arguments of one tool call that are held until they are whole; longer ones are read as text."""

_NUMBER = "sequence_number"
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class _Channel:
    """One text of the answer, as it grows."""

    __slots__ = ("chunk", "delta", "window")

    def __init__(self, window: TextWindow, delta: Delta, chunk: StreamChunk) -> None:
        self.window = window
        self.delta = delta
        self.chunk = chunk
        """The chunk that brought its last piece: what the rest is sent in looks like it."""


class StreamGuard:
    """Guards one stream.

    Args:
        record: Gets the outcomes when the stream is over.
        examination: The rules that apply to its answer.
        hold_characters: How much of each text is held back.
    """

    __slots__ = (
        "_channels",
        "_dialect",
        "_examination",
        "_hold",
        "_holds",
        "_inserted",
        "_is_noted",
        "_number",
        "_record",
    )

    def __init__(self, record: CallRecord, examination: Examination, hold_characters: int) -> None:
        self._record = record
        self._examination = examination
        self._hold = hold_characters
        self._holds = examination.may_change
        """False when nothing but counting is to be done: then every chunk goes through at once."""
        self._channels: dict[Hashable, _Channel] = {}
        self._is_noted = False
        self._number: int | None = None
        """The number of the event at hand, in a dialect that numbers them."""
        self._inserted = 0
        """Events of our own so far, by which the numbers of later ones move."""
        self._dialect: StreamDialect = stream_dialect(record.dialect)

    def pass_on(self, chunks: list[StreamChunk]) -> list[StreamChunk]:
        """Return the chunks to send now in place of these; ask `stop_if_blocked` afterwards."""
        if not self._examination.reads_text:
            return chunks
        passed: list[StreamChunk] = []
        for chunk in chunks:
            self._pass_chunk(chunk, passed)
            if self._examination.blocking() is not None:
                break
        return passed

    def rest(self) -> list[StreamChunk]:
        """Return what was held back, at the end of a complete stream."""
        flushed: list[StreamChunk] = []
        self._flush(everything, flushed)
        return flushed if self._holds else []

    def stop_if_blocked(self) -> None:
        """Do nothing unless a rule stops the answer.

        Raises:
            GuardrailBlockedError: Nothing of what the rule found has been sent.
        """
        rule = self._examination.blocking()
        if rule is not None:
            raise self._examination.error(rule)

    def note(self) -> None:
        """Write the outcomes into the record. Once, however the stream ended."""
        if self._is_noted:
            return
        self._is_noted = True
        if self._examination.blocking() is None:
            # A broken stream: what was still held back is not sent, and still counts.
            for channel in self._channels.values():
                channel.window.flush()
                self._examination.note(channel.window.found)
        self._record.policy += self._examination.outcomes

    def _pass_chunk(self, chunk: StreamChunk, passed: list[StreamChunk]) -> None:
        event = _event(chunk.data)
        if event is None:
            # What cannot be read cannot be judged, so it is not for the client.
            chunk.for_gateway_only = chunk.for_gateway_only or self._holds
            passed.append(chunk)
            return
        number = event.get(_NUMBER)
        self._number = number + self._inserted if isinstance(number, int) else None
        has_text = self._feed(chunk, self._dialect.deltas(event))
        scanned_whole = self._scan_whole(event)
        closed: list[StreamChunk] = []
        closes = self._dialect.closes(event)
        if closes is not None:
            self._flush(closes, closed)
        if self._examination.blocking() is not None:
            return
        if not self._holds:
            passed.append(chunk)
            return
        passed += closed
        if self._inserted and self._number is not None:
            event[_NUMBER] = self._number
        if has_text or scanned_whole or self._inserted:
            self._dialect.without_tokens(event)
            chunk.data = _encode(event)
            if has_text and self._dialect.is_idle(event):
                chunk.for_gateway_only = True
        passed.append(chunk)

    def _feed(self, chunk: StreamChunk, deltas: list[Delta]) -> bool:
        for delta in deltas:
            channel = self._channels.get(delta.key)
            if channel is None:
                channel = _Channel(self._window(delta), delta, chunk)
                self._channels[delta.key] = channel
            channel.chunk = chunk
            released = channel.window.feed(delta.text)
            self._judge(channel)
            delta.put(released)
        return bool(deltas)

    def _scan_whole(self, event: Event) -> bool:
        """Judge the texts of an event that repeats a whole text, as some dialects do at an end."""
        has_changed = False
        for value in self._dialect.wholes(event):
            for place in texts_in(value, "assistant"):
                scanned = self._examination.scan(place.text, place.role, is_json=place.is_json)
                self._examination.note(scanned.found, is_repetition=True)
                if scanned.text != place.text:
                    place.put(scanned.text)
                    has_changed = True
        return has_changed

    def _window(self, delta: Delta) -> TextWindow:
        scan = partial(self._examination.scan, role="assistant", is_json=delta.is_json)
        return TextWindow(scan, MAX_ARGUMENT_CHARACTERS if delta.is_json else self._hold)

    def _flush(self, closes: Callable[[Hashable], bool], flushed: list[StreamChunk]) -> None:
        for key in [key for key in self._channels if closes(key)]:
            channel = self._channels.pop(key)
            rest = channel.window.flush()
            self._judge(channel)
            if rest and self._examination.blocking() is None:
                like = _event(channel.chunk.data) or {}
                event = self._dialect.continuation(like, channel.delta, rest)
                if self._number is not None:
                    event[_NUMBER] = self._number
                    self._number += 1
                    self._inserted += 1
                flushed.append(_carrying(channel.chunk, event))

    def _judge(self, channel: _Channel) -> None:
        if channel.window.found:
            self._examination.note(channel.window.found)


def _event(payload: bytes) -> Event | None:
    try:
        event = _decode(payload)
    except MALFORMED:
        return None
    return event if isinstance(event, dict) else None


def _carrying(chunk: StreamChunk, event: Event) -> StreamChunk:
    """Return a chunk like another with nothing but an event in it."""
    return structs.replace(
        chunk,
        data=_encode(event),
        event=None if chunk.event is None else event.get("type", chunk.event),
        output_characters=0,
        finish_reason=None,
        usage=None,
        for_gateway_only=False,
    )
