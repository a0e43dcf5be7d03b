"""A whole answer, in no vendor's words."""

from typing import Literal, TypeAlias

from msgspec import Raw, Struct

from pointsman.core.canonical.parts import Part
from pointsman.core.usage import Usage

FinishReason: TypeAlias = Literal[
    "stop", "stop_sequence", "length", "tool_calls", "content_filter", "refusal", "pause"
]
"""Why a choice ended: by itself, at a stop sequence, at the limit of tokens, to have tools called,
cut by a filter of the provider, declined by the model, or paused to be continued (Anthropic)."""


class AnswerChoice(Struct, omit_defaults=True):
    """One alternative of the answer."""

    parts: list[Part]
    """Text, reasoning, refusals, tool calls, and images where a model makes them; in order."""
    finish_reason: FinishReason | None
    """None when the provider gave none."""
    stop_sequence: str | None = None
    """The one that was met."""
    logprobs: Raw | None = None
    """In the shape of OpenAI's `logprobs` of a choice."""


class Answer(Struct, kw_only=True, omit_defaults=True):
    """What a provider answered."""

    id: str
    """The provider's own; made up by us where it gives none."""
    model: str
    created_unix_s: int
    """When; the time of arrival where the provider does not say."""
    choices: list[AnswerChoice]
    usage: Usage | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None
