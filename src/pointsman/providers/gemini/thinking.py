"""How much to think, in the words that one model takes.

    model's way    said by the client      sent
    none           an effort or a budget   nothing: it has no equivalent
    budget         effort                  thinkingBudget by the table below, in the model's range
                   budget                  thinkingBudget, in the model's range
                   `none`                  0; the least where it cannot be switched off
    level          effort                  thinkingLevel, or the nearest that the model has
                   budget                  the level whose budget is nearest below
                   `none`                  the least level: it cannot be switched off

The table is that of Google's endpoint for OpenAI's clients, as others tell it, continued at both
ends: https://github.com/Portkey-AI/docs-core/pull/677 (read 2026-11).
"""

from pointsman.core.canonical.conversation import ReasoningWish
from pointsman.providers.gemini.models import ModelFacts
from pointsman.providers.parameters import Parameters

BUDGETS: dict[str, int] = {
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24_576,
    "xhigh": 32_768,
    "max": 32_768,
}
"""Effort -> tokens to think with."""
DYNAMIC = -1
"""The `thinkingBudget` by which the model decides."""
_PARAM = "reasoning_effort"
_BUDGET_PARAM = "thinking.budget_tokens"
_NEAREST = {"max": "xhigh", "xhigh": "high", "minimal": "low", "medium": "high"}
"""Effort -> the one to take where a model lacks it."""


def thinking_config(
    wish: ReasoningWish | None, facts: ModelFacts, parameters: Parameters
) -> dict[str, object] | None:
    """Return the `thinkingConfig` to send; None leaves the model to its default.

    Thoughts are shown wherever the client asks for thinking, as they are by other providers.

    Raises:
        UpstreamError: As `Parameters` does.
    """
    if wish is None or not _says_something(wish):
        return None
    if facts.thinking == "none":
        if wish.effort != "none":
            parameters.drop(_PARAM)
        return None
    if wish.effort == "none":
        return _switched_off(facts, parameters)
    config: dict[str, object] = {"includeThoughts": True}
    if facts.thinking == "budget":
        config.update(_by_budget(wish, facts, parameters))
    else:
        config.update(_by_level(wish, facts, parameters))
    return config


def _says_something(wish: ReasoningWish) -> bool:
    return bool(wish.effort or wish.summary or wish.is_adaptive or wish.budget_tokens is not None)


def _switched_off(facts: ModelFacts, parameters: Parameters) -> dict[str, object]:
    if facts.thinking == "level":
        least = "minimal" if "minimal" in facts.levels else "low"
        parameters.map(_PARAM, f"none -> {least}: this model always thinks")
        return {"thinkingLevel": least.upper()}
    if facts.switches_off:
        return {"thinkingBudget": 0}
    parameters.map(_PARAM, f"none -> {facts.budgets[0]} tokens: this model always thinks")
    return {"thinkingBudget": facts.budgets[0]}


def _by_budget(wish: ReasoningWish, facts: ModelFacts, parameters: Parameters) -> dict[str, object]:
    budget = wish.budget_tokens
    if budget is None and wish.effort is None:
        return {"thinkingBudget": DYNAMIC} if wish.is_adaptive else {}
    least, most = facts.budgets
    if budget is None:
        effort = wish.effort or "high"
        budget = min(max(BUDGETS.get(effort, BUDGETS["high"]), least), most)
        parameters.map(_PARAM, f"{effort} -> {budget} tokens")
        return {"thinkingBudget": budget}
    bounded = min(max(budget, least), most)
    if bounded != budget:
        parameters.map(_BUDGET_PARAM, f"{budget} -> {bounded}")
    return {"thinkingBudget": bounded}


def _by_level(wish: ReasoningWish, facts: ModelFacts, parameters: Parameters) -> dict[str, object]:
    effort = wish.effort
    if effort is None and wish.budget_tokens is not None:
        effort = _effort_of(wish.budget_tokens)
        parameters.map(_BUDGET_PARAM, f"{wish.budget_tokens} -> level {effort}")
    if effort is None:
        return {}
    level = effort
    while level not in facts.levels:
        if level not in _NEAREST:
            parameters.drop(_PARAM)
            return {}
        level = _NEAREST[level]
    if level != effort:
        parameters.map(_PARAM, f"{effort} -> {level}")
    return {"thinkingLevel": level.upper()}


def _effort_of(budget_tokens: int) -> str:
    if budget_tokens >= BUDGETS["high"]:
        return "high"
    return "medium" if budget_tokens >= BUDGETS["medium"] else "low"
