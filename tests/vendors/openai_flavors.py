"""How vendors with OpenAI's dialect differ from OpenAI.

Facts, 2026-11: DeepSeek sends `reasoning_content` and cache hits of its own name
(api-docs.deepseek.com), OpenRouter sends `reasoning` with `reasoning_details`
(openrouter.ai/docs/use-cases/reasoning-tokens), Azure adds content filter results and a first
chunk without choices (learn.microsoft.com, Azure OpenAI content filtering).
"""

from dataclasses import dataclass, field
from typing import Any

_SAFE = {
    name: {"filtered": False, "severity": "safe"}
    for name in ("hate", "self_harm", "sexual", "violence")
}


@dataclass(frozen=True)
class Flavor:
    """One vendor with OpenAI's dialect."""

    name: str = "openai"
    reasoning_field: str | None = None
    """Where the text of thoughts goes; None keeps them to the token count."""
    extra_parameters: dict[str, Any] = field(default_factory=dict)
    """Request parameters that OpenAI does not have, with their types."""

    def reasoning(self, text: str) -> dict[str, Any]:
        """Return the fields that carry thoughts, in a message or a delta."""
        if self.reasoning_field is None:
            return {}
        found: dict[str, Any] = {self.reasoning_field: text}
        if self.name == "openrouter":
            detail = {"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}
            found["reasoning_details"] = [detail]
        return found

    def usage(self, usage: dict[str, Any]) -> dict[str, Any]:
        """Return usage with the vendor's own fields."""
        if self.name == "deepseek":
            hit = usage["prompt_tokens_details"]["cached_tokens"]
            own = {
                "prompt_cache_hit_tokens": hit,
                "prompt_cache_miss_tokens": usage["prompt_tokens"] - hit,
            }
            return {**usage, **own}
        return {**usage, "cost": 0.00014} if self.name == "openrouter" else usage

    def answer(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return a whole answer with the vendor's own fields."""
        if self.name == "openrouter":
            return {"provider": "Scripted", **found}
        if self.name == "azure":
            choices = [{**each, "content_filter_results": _SAFE} for each in found["choices"]]
            prompt = [{"prompt_index": 0, "content_filter_results": _SAFE}]
            return {**found, "choices": choices, "prompt_filter_results": prompt}
        return found

    def first_chunks(self) -> list[dict[str, Any]]:
        """Return what comes before the first real chunk; the frame is filled in later."""
        if self.name != "azure":
            return []
        prompt = [{"prompt_index": 0, "content_filter_results": _SAFE}]
        return [{"choices": [], "prompt_filter_results": prompt}]


OPENAI = Flavor()
AZURE = Flavor("azure")
DEEPSEEK = Flavor(
    "deepseek", "reasoning_content", {"thinking": dict[str, str], "messages.reasoning": Any}
)
OPENROUTER = Flavor(
    "openrouter",
    "reasoning",
    {
        "reasoning": dict[str, Any],
        "include_reasoning": bool,
        "provider": dict[str, Any],
        "models": list[str],
        "usage": dict[str, bool],
        "top_k": int,
        "messages.reasoning": Any,
    },
)
