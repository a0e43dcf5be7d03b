"""Answers of Ollama's own API; every field has a default.

Source: https://docs.ollama.com/api/chat, /embed and /ps (read 2026-11).
"""

import msgspec
from msgspec import Raw, Struct, field


class CalledFunction(Struct):
    """The function of a call."""

    name: str = ""
    arguments: Raw = field(default_factory=lambda: Raw(b"{}"))
    """A JSON object, not text."""


class Call(Struct):
    """A tool call; it always comes whole."""

    id: str | None = None
    """Since 0.12.11 or so; older servers have none."""
    function: CalledFunction = field(default_factory=CalledFunction)


class Message(Struct):
    """An answer, or a piece of one."""

    content: str | None = None
    thinking: str | None = None
    tool_calls: list[Call] | None = None


class ChatAnswer(Struct):
    """A whole answer, or one line of a stream; the figures are on the last."""

    model: str | None = None
    created_at: str | None = None
    message: Message | None = None
    done: bool = False
    done_reason: str | None = None
    """`stop`, `length`, `load`, `unload`."""
    load_duration: int | None = None
    """Nanoseconds, as all durations."""
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    logprobs: list[Raw] | None = None
    error: str | None = None


class EmbedAnswer(Struct):
    """Vectors."""

    model: str | None = None
    embeddings: list[list[float]] | None = None
    prompt_eval_count: int | None = None
    error: str | None = None


class ResidentModel(Struct):
    """A model in memory."""

    model: str = ""
    size: int = 0
    """Bytes in all."""
    size_vram: int = 0
    """Bytes of that on the graphics card."""
    context_length: int | None = None
    expires_at: str = ""
    """When it is unloaded unless it is called again; ISO 8601, so that text sorts as time."""


class ResidentModels(Struct):
    """What `/api/ps` lists."""

    models: list[ResidentModel] | None = None


class Logprob(Struct):
    """One token with its probability."""

    token: str = ""
    logprob: float = 0.0
    bytes: list[int] | None = None
    top_logprobs: list["Logprob"] = field(default_factory=list)


decode_chat = msgspec.json.Decoder(ChatAnswer).decode
decode_embed = msgspec.json.Decoder(EmbedAnswer).decode
decode_resident = msgspec.json.Decoder(ResidentModels).decode
decode_logprob = msgspec.json.Decoder(Logprob).decode
