"""What each Gemini model takes, as far as the API refuses or ignores what another one wants.

Data, read once per model name. A Gemini without a version, as `gemini-flash-latest`, counts as the
newest, which takes least; a name that is none of Google's as a plain model behind the same API.

Sources, all read 2026-11. The vendor: https://ai.google.dev/gemini-api/docs/thought-signatures
(signatures from Gemini 3 on), /docs/file-input-methods (addresses). Others, by what the API
answered them: https://hexdocs.pm/gemini_ex/0.11.0/Gemini.Validation.ThinkingConfig.md (budgets,
levels of Gemini 3), https://github.com/Comfy-Org/ComfyUI/pull/16195 (of 3.7 and 3.8),
https://github.com/langchain-ai/langchain-google/pull/1897 (sampling from 3.6 on),
https://github.com/google-gemini/cookbook/issues/1290 (penalties with 2.0 only),
https://github.com/mscraftsman/generative-ai/issues/135 (log probabilities likewise),
https://github.com/googleapis/python-genai/issues/867 (JSON beside tools).
"""

import re
from functools import lru_cache
from typing import Literal, TypeAlias

from msgspec import Struct

Thinking: TypeAlias = Literal["none", "budget", "level"]
"""`none` does not think; `budget` by `thinkingBudget`; `level` by `thinkingLevel`."""

_NAME = re.compile(
    r"(?P<brand>gemini|gemma)-(?:(?P<major>\d{1,2})(?:\.(?P<minor>\d{1,2}))?(?!\d)-?)?"
    r"(?P<kind>pro|flash-lite|flash)?"
)
_NEWEST = (99, 0)


class ModelFacts(Struct, frozen=True, kw_only=True):
    """What one model takes."""

    thinking: Thinking = "none"
    budgets: tuple[int, int] = (0, 0)
    """The smallest and the largest `thinkingBudget` that thinks."""
    switches_off: bool = True
    """Whether thinking can be switched off."""
    levels: frozenset[str] = frozenset()
    """Values of `thinkingLevel`, in lower case."""
    has_call_ids: bool = False
    """Calls have ids, and results name them."""
    checks_signatures: bool = False
    """The first call of a turn must come back with its signature."""
    takes_sampling: bool = True
    """`temperature`, `topP`, `topK`; elsewhere they are ignored."""
    takes_penalties: bool = False
    takes_logprobs: bool = False
    takes_system: bool = True
    """`systemInstruction`."""
    takes_json: bool = True
    """`responseMimeType: application/json`."""
    takes_json_with_tools: bool = False
    takes_validated_calls: bool = True
    """The function calling mode `VALIDATED`."""
    takes_media_results: bool = False
    """Pictures and documents within a `functionResponse`."""
    fetches_urls: bool = True
    """Addresses of the web in `fileData`."""
    max_output_tokens: int | None = None
    """The largest `maxOutputTokens`; None is not known."""


_THIRD = ModelFacts(
    thinking="level",
    switches_off=False,
    levels=frozenset({"low", "medium", "high"}),
    has_call_ids=True,
    checks_signatures=True,
    takes_json_with_tools=True,
    takes_media_results=True,
    max_output_tokens=65_536,
)
_BY_BUDGET = {
    "pro": ((128, 32_768), False),
    "flash-lite": ((512, 24_576), True),
    "flash": ((1, 24_576), True),
}
_SECOND = ModelFacts(
    takes_penalties=True,
    takes_logprobs=True,
    takes_validated_calls=False,
    fetches_urls=False,
    max_output_tokens=8192,
)
_OLD_GEMMA = ModelFacts(
    takes_system=False,
    takes_json=False,
    takes_validated_calls=False,
    fetches_urls=False,
    max_output_tokens=8192,
)
_UNKNOWN = ModelFacts(takes_penalties=True, takes_logprobs=True, takes_validated_calls=False)
"""Some other model behind the same API."""


@lru_cache(maxsize=256)
def model_facts(model: str) -> ModelFacts:
    """Return what a model takes.

    Args:
        model: As the API names it: `gemini-2.5-flash`, `models/gemini-3-pro-preview`.
    """
    found = _NAME.search(model)
    if found is None:
        return _UNKNOWN
    major, minor = found["major"], found["minor"]
    version = (int(major), int(minor or 0)) if major else _NEWEST
    if found["brand"] == "gemma":
        return _gemma(version)
    if version >= (3, 0):
        return _third(version, found["kind"] or "pro")
    if version >= (2, 5):
        budgets, switches_off = _BY_BUDGET[found["kind"] or "pro"]
        return ModelFacts(
            thinking="budget",
            budgets=budgets,
            switches_off=switches_off,
            max_output_tokens=65_536,
        )
    return _SECOND


def _gemma(version: tuple[int, int]) -> ModelFacts:
    return _UNKNOWN if version >= (4, 0) else _OLD_GEMMA


def _third(version: tuple[int, int], kind: str) -> ModelFacts:
    """Return the facts of Gemini 3 and later, whose steps are small."""
    levels = set(_THIRD.levels)
    if kind != "pro" and version < (3, 7):
        levels.add("minimal")
    if kind == "pro" and version < (3, 1):
        levels.discard("medium")
    # From July 2026 on sampling is accepted and ignored, and is to be refused later.
    ignores_sampling = version >= (3, 6) or (kind == "flash-lite" and version >= (3, 5))
    return ModelFacts(
        thinking="level",
        switches_off=False,
        levels=frozenset(levels),
        has_call_ids=True,
        checks_signatures=True,
        takes_sampling=not ignores_sampling,
        takes_json_with_tools=True,
        takes_media_results=True,
        max_output_tokens=65_536 if version < (4, 0) else None,
    )
