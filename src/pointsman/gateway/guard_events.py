"""Where the growing texts of a stream stand, by dialect.

    openai.chat          choices[].delta: any text in it, tool calls by their `index`
    anthropic.messages   content_block_delta: text, thinking, partial_json, by block
    openai.responses     response.*.delta: `delta`, by item and part; the events that end an item
                         repeat its whole text

A dialect that is not here is read as the first, whose walk finds texts anywhere in a `delta`.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

Event: TypeAlias = dict[str, Any]
"""One decoded event."""
Json: TypeAlias = Any
"""Anything that JSON can say."""
Closes: TypeAlias = Callable[[Hashable], bool]
"""Tells whether the text of a key is over."""
_ARGUMENT_KEYS = frozenset({"arguments", "partial_json"})
_BLOCK_OF = {"content_block_delta": "delta", "content_block_start": "content_block"}
_KEPT_IN_DELTA = frozenset({"id", "index", "name", "role", "signature", "type"})


class Delta(Struct):
    """A piece of a text in an event."""

    key: Hashable
    """Which text it is a piece of; its first element says which choice or block."""
    text: str
    is_json: bool
    path: tuple[Any, ...]
    """The way to it from the object that carries deltas; `(#, index)` for an item of a list."""
    container: Any
    field: Any

    def put(self, text: str) -> None:
        """Put another text in its place."""
        self.container[self.field] = text


class StreamDialect(Protocol):
    """Reads and writes the events of one dialect."""

    def deltas(self, event: Event) -> list[Delta]:
        """Return the pieces of text in an event."""
        ...

    def closes(self, event: Event) -> Closes | None:
        """Return which texts are over with this event; None when none is."""
        ...

    def continuation(self, like: Event, delta: Delta, text: str) -> Event:
        """Return an event like another that brings more of the text of a piece."""
        ...

    def is_idle(self, event: Event) -> bool:
        """Tell whether an event says nothing once its pieces are empty."""
        ...

    def wholes(self, event: Event) -> Iterable[Json]:
        """Return objects in an event that hold whole texts."""
        ...

    def without_tokens(self, event: Event) -> None:
        """Take away what spells out the tokens of a text."""
        ...


class ChatEvents:
    """`chat.completion.chunk` objects."""

    def deltas(self, event: Event) -> list[Delta]:
        """See `StreamDialect.deltas`."""
        return [
            Delta((index, *path), text, path[-1] in _ARGUMENT_KEYS, path, container, field)
            for index, delta in _choice_deltas(event)
            for path, container, field, text in _texts(delta, ())
        ]

    def closes(self, event: Event) -> Closes | None:
        """See `StreamDialect.closes`: a finish reason ends all texts of its choice."""
        ended = {
            _plain(choice.get("index", 0))
            for choice in _choices(event)
            if choice.get("finish_reason")
        }
        return (lambda key: isinstance(key, tuple) and key[0] in ended) if ended else None

    def continuation(self, like: Event, delta: Delta, text: str) -> Event:
        """See `StreamDialect.continuation`."""
        index = delta.key[0] if isinstance(delta.key, tuple) else 0
        choice = {"index": index, "delta": _nested(delta.path, text), "finish_reason": None}
        kept = {name: value for name, value in like.items() if name != "usage"}
        return {**kept, "choices": [choice]}

    def is_idle(self, event: Event) -> bool:
        """See `StreamDialect.is_idle`."""
        if event.get("usage") is not None:
            return False
        return all(
            not choice.get("finish_reason") and not _says_something(choice.get("delta"))
            for choice in _choices(event)
        )

    def wholes(self, event: Event) -> Iterable[Json]:
        """See `StreamDialect.wholes`: `message`, where a server puts whole ones into chunks."""
        return [choice["message"] for choice in _choices(event) if _is_object(choice, "message")]

    def without_tokens(self, event: Event) -> None:
        """See `StreamDialect.without_tokens`."""
        for choice in _choices(event):
            if choice.get("logprobs") is not None:
                choice["logprobs"] = None


class MessageEvents:
    """Events of Anthropic's messages.

    https://docs.anthropic.com/en/docs/build-with-claude/streaming (read 2026-11).
    """

    def deltas(self, event: Event) -> list[Delta]:
        """See `StreamDialect.deltas`."""
        name = _BLOCK_OF.get(_kind(event))
        if name is None or not _is_object(event, name):
            return []
        index = _plain(event.get("index", 0))
        return [
            Delta((index, field), text, field in _ARGUMENT_KEYS, path, container, field)
            for path, container, field, text in _texts(event[name], ())
        ]

    def closes(self, event: Event) -> Closes | None:
        """See `StreamDialect.closes`."""
        if _kind(event) != "content_block_stop":
            return None
        index = _plain(event.get("index", 0))
        return lambda key: isinstance(key, tuple) and key[0] == index

    def continuation(self, like: Event, delta: Delta, text: str) -> Event:
        """See `StreamDialect.continuation`."""
        kinds = {"thinking": "thinking_delta", "partial_json": "input_json_delta"}
        kind = kinds.get(delta.field, "text_delta")
        piece = {"type": kind, delta.field: text}
        return {"type": "content_block_delta", "index": like.get("index", 0), "delta": piece}

    def is_idle(self, event: Event) -> bool:
        """See `StreamDialect.is_idle`."""
        return _kind(event) == "content_block_delta" and not _says_something(event.get("delta"))

    def wholes(self, event: Event) -> Iterable[Json]:
        """See `StreamDialect.wholes`: the message that a stream opens with, mostly empty."""
        return [event["message"]] if _is_object(event, "message") else []

    def without_tokens(self, event: Event) -> None:
        """See `StreamDialect.without_tokens`: there are none."""


class ResponseEvents:
    """Events of OpenAI's responses.

    https://platform.openai.com/docs/api-reference/responses-streaming (read 2026-11).
    """

    def deltas(self, event: Event) -> list[Delta]:
        """See `StreamDialect.deltas`."""
        kind, text = _kind(event), event.get("delta")
        if not kind.endswith(".delta") or not isinstance(text, str):
            return []
        is_json = "arguments" in kind
        return [Delta(_response_key(event, kind), text, is_json, (), event, "delta")]

    def closes(self, event: Event) -> Closes | None:
        """See `StreamDialect.closes`."""
        kind = _kind(event)
        if kind in {"response.completed", "response.incomplete"}:
            return everything
        if not kind.endswith(".done"):
            return None
        ended = _response_key(event, kind)
        return lambda key: key == ended

    def continuation(self, like: Event, delta: Delta, text: str) -> Event:
        """See `StreamDialect.continuation`."""
        return {**like, delta.field: text}

    def is_idle(self, event: Event) -> bool:
        """See `StreamDialect.is_idle`: never; clients count the events by `sequence_number`."""
        return not event

    def wholes(self, event: Event) -> Iterable[Json]:
        """See `StreamDialect.wholes`."""
        if _kind(event).endswith(".delta"):
            return ()
        names = ("item", "part")
        found = [event[name] for name in names if _is_object(event, name)]
        if _is_object(event, "response") and isinstance(event["response"].get("output"), list):
            found.append(event["response"]["output"])
        texts = {name: event[name] for name in ("text", "arguments", "refusal") if name in event}
        return [*found, event] if texts else found

    def without_tokens(self, event: Event) -> None:
        """See `StreamDialect.without_tokens`."""
        if event.get("logprobs"):
            event["logprobs"] = []


_DIALECTS: dict[str, Callable[[], StreamDialect]] = {
    "anthropic.messages": MessageEvents,
    "openai.responses": ResponseEvents,
}


def everything(_: Hashable) -> bool:
    """Say of every text that it is over."""
    return True


def stream_dialect(name: str) -> StreamDialect:
    """Return what reads the events of a dialect."""
    return _DIALECTS.get(name, ChatEvents)()


def _choices(event: Event) -> list[dict[str, Any]]:
    choices = event.get("choices")
    return [one for one in choices if isinstance(one, dict)] if isinstance(choices, list) else []


def _choice_deltas(event: Event) -> Iterator[tuple[Any, dict[str, Any]]]:
    for choice in _choices(event):
        if _is_object(choice, "delta"):
            yield _plain(choice.get("index", 0)), choice["delta"]


def _texts(value: Json, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any, Any, str]]:
    """Yield path, container, key and text of every text in a delta."""
    if isinstance(value, dict):
        members: Iterable[tuple[Any, Any, Any]] = ((key, key, one) for key, one in value.items())
    else:
        members = ((place, ("#", _index(one, place)), one) for place, one in enumerate(value))
    for key, step, inner in members:
        if isinstance(inner, str):
            if inner and key not in _KEPT_IN_DELTA:
                yield (*path, step), value, key, inner
        elif isinstance(inner, dict | list):
            yield from _texts(inner, (*path, step))


def _index(item: Json, place: int) -> Json:
    return _plain(item.get("index", place)) if isinstance(item, dict) else place


def _nested(path: tuple[Any, ...], text: str) -> Json:
    """Return the smallest object in which a path leads to a text."""
    value: Json = text
    for step in reversed(path):
        if isinstance(step, tuple):
            value = [{"index": step[1], **value}] if isinstance(value, dict) else [value]
        else:
            value = {step: value}
    return value


def _says_something(value: Json) -> bool:
    """Tell whether anything is left in a delta besides positions and types."""
    if isinstance(value, dict):
        return any(_says_something(one) for key, one in value.items() if key not in _SILENT)
    if isinstance(value, list):
        return any(_says_something(one) for one in value)
    return bool(value)


_SILENT = frozenset({"index", "type"})


def _is_object(holder: Event, name: str) -> bool:
    return isinstance(holder, dict) and isinstance(holder.get(name), dict)


def _response_key(event: Event, kind: str) -> Hashable:
    part = _plain(event.get("content_index", event.get("summary_index", 0)))
    return (_plain(event.get("item_id")), part, kind.rpartition(".")[0])


def _plain(value: Json) -> int | str | None:
    """Return an index or id as something to look up by; a server may send anything."""
    return value if value is None or isinstance(value, int | str) else str(value)


def _kind(event: Event) -> str:
    kind = event.get("type")
    return kind if isinstance(kind, str) else ""
