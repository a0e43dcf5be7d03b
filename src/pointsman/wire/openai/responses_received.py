"""Answers and events of the Responses API: the parts that the gateway reads as they pass.

Decoding is partial; every field has a default. Sources:
https://platform.openai.com/docs/api-reference/responses/object and
https://platform.openai.com/docs/api-reference/responses-streaming (read 2026-11).
"""

import msgspec
from msgspec import Raw, Struct, field


class InputDetails(Struct):
    """Part of `input_tokens`."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(Struct):
    """Part of `output_tokens`."""

    reasoning_tokens: int | None = None


class ResponsesUsage(Struct):
    """Token counts."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class Incomplete(Struct):
    """Why a response is incomplete."""

    reason: str | None = None
    """`max_output_tokens` or `content_filter`."""


class Text(Struct):
    """A part of content, as far as its length matters."""

    text: str | None = None
    refusal: str | None = None


class OutputItem(Struct):
    """An item of the output, as far as its length matters."""

    type: str = ""
    content: list[Text] | None = None
    summary: list[Text] | None = None
    arguments: str | None = None
    input: str | None = None
    """Of a `custom_tool_call`."""


class ReceivedResponse(Struct):
    """What the gateway reads of a response."""

    id: str | None = None
    model: str | None = None
    status: str | None = None
    """`completed`, `incomplete`, `failed`, `cancelled`; `queued` and `in_progress` in the
    background."""
    output: list[OutputItem] | None = None
    usage: ResponsesUsage | None = None
    incomplete_details: Incomplete | None = None
    error: Raw = field(default_factory=Raw)


class ResponseEvent(Struct):
    """What the gateway reads of one event of a stream."""

    type: str = ""
    delta: str | None = None
    response: ReceivedResponse | None = None


decode_response = msgspec.json.Decoder(ReceivedResponse).decode
decode_event = msgspec.json.Decoder(ResponseEvent).decode
