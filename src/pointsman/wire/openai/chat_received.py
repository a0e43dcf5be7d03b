"""Chat completions and their chunks in full, as servers send them; read only for translation.

Every field has a default: servers leave out what they like. Sources: those of `chat_answer`, and
https://docs.mistral.ai/capabilities/reasoning for content in parts (read 2026-11).
"""

import msgspec
from msgspec import Raw, Struct, field

from pointsman.wire.openai.chat import ChatUsage


class Piece(Struct):
    """A part of content that is a list; `thinking` holds parts of its own."""

    type: str = ""
    text: str | None = None
    thinking: list["Piece"] | None = None


class Detail(Struct):
    """A block of reasoning; see `chat_request.ReasoningDetail`."""

    type: str = ""
    text: str | None = None
    summary: str | None = None
    data: str | None = None
    signature: str | None = None
    id: str | None = None


class Function(Struct):
    """The function of a call, or a piece of its arguments."""

    name: str | None = None
    arguments: Raw = field(default_factory=Raw)
    """JSON as text; some servers send the object itself."""


class Google(Struct):
    """Google's part of a call."""

    thought_signature: str | None = None


class Extra(Struct):
    """Extensions of a call."""

    google: Google | None = None


class Call(Struct):
    """A tool call, or a piece of one."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None
    extra_content: Extra | None = None


class Url(Struct):
    """The address of a picture."""

    url: str = ""


class Image(Struct):
    """A picture that the model made (OpenRouter)."""

    image_url: Url | None = None


class Message(Struct):
    """A message, or what a chunk adds to it."""

    content: str | list[Piece] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Detail] | None = None
    tool_calls: list[Call] | None = None
    function_call: Function | None = None
    images: list[Image] | None = None


class Choice(Struct):
    """One alternative: `message` in whole answers, `delta` in chunks."""

    index: int = 0
    message: Message | None = None
    delta: Message | None = None
    finish_reason: str | None = None
    logprobs: Raw = field(default_factory=Raw)


class Received(Struct):
    """A whole answer or a chunk."""

    id: str | None = None
    model: str | None = None
    created: int | None = None
    choices: list[Choice] | None = None
    usage: ChatUsage | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None


decode_received = msgspec.json.Decoder(Received).decode
decode_text = msgspec.json.Decoder(str).decode
