"""How much to think, in the words that one model takes.

    model's way    said by the client               sent
    none           an effort or a budget            nothing: it has no equivalent
    budget         effort                           budget_tokens by the table below
    either         effort                           adaptive, output_config.effort
                   budget                           budget_tokens, as it came
    adaptive       effort                           adaptive, output_config.effort
                   budget                           the effort whose budget is nearest below
    always         `none`                           effort low: it cannot be switched off

Source: https://platform.claude.com/docs/en/build-with-claude/thinking and /effort (read 2026-11).
The API has no equivalence of efforts and budgets; the table is ours, with steps that double or more
and end at what Anthropic calls the sensible limit without batches.
"""

from msgspec import Struct

from pointsman.core.canonical.conversation import Conversation, ReasoningWish
from pointsman.core.canonical.parts import ReasoningPart, ToolCallPart
from pointsman.providers.anthropic.models import ModelFacts
from pointsman.providers.parameters import Parameters

MIN_BUDGET_TOKENS = 1024
BUDGETS: dict[str, int] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16_384,
    "xhigh": 32_000,
    "max": 32_000,
}
"""Effort -> tokens to think with."""
_PARAM = "reasoning_effort"
_NEAREST = {"minimal": "low", "xhigh": "high", "max": "xhigh"}
"""Effort -> the one below it, for models that lack it."""


class ThinkingPlan(Struct):
    """What to send."""

    thinking: dict[str, object] | None = None
    effort: str | None = None

    @property
    def is_on(self) -> bool:
        """Whether thinking was asked for."""
        return self.thinking is not None and self.thinking["type"] in ("enabled", "adaptive")


def plan_thinking(
    conversation: Conversation, facts: ModelFacts, max_tokens: int, parameters: Parameters
) -> ThinkingPlan:
    """Return what to send, and note what had to be changed.

    Raises:
        UpstreamError: As `Parameters` does.
    """
    wish = conversation.reasoning
    plan = _plan(wish, facts, max_tokens, parameters) if wish is not None else ThinkingPlan()
    if _forces_tools(conversation) and facts.takes_forced_tools:
        _give_way_to_tools(plan, facts, parameters)
    if plan.is_on and facts.thinking == "budget" and _lacks_thoughts(conversation):
        # The API answers 400 to thinking in the middle of tool use that began without it.
        parameters.map(_PARAM, "none while tools are in use: the thoughts before them are missing")
        plan.thinking = None
    if plan.is_on and wish is not None and wish.summary is not None and plan.thinking is not None:
        plan.thinking["display"] = "summarized"
    return plan


def _plan(
    wish: ReasoningWish, facts: ModelFacts, max_tokens: int, parameters: Parameters
) -> ThinkingPlan:
    effort = wish.effort
    if effort == "none":
        return _switched_off(facts, parameters)
    if effort is None and wish.budget_tokens is None and not wish.is_adaptive:
        return ThinkingPlan()
    if facts.thinking == "none":
        parameters.drop(_PARAM)
        return ThinkingPlan()
    if facts.thinking == "budget" or (facts.thinking == "either" and wish.budget_tokens):
        return _by_budget(wish, max_tokens, parameters)
    if effort is None and wish.budget_tokens is not None:
        effort = _effort_of(wish.budget_tokens)
        parameters.map("thinking.budget_tokens", f"{wish.budget_tokens} -> effort {effort}")
    return ThinkingPlan({"type": "adaptive"}, _known_effort(effort, facts, parameters))


def _switched_off(facts: ModelFacts, parameters: Parameters) -> ThinkingPlan:
    if facts.thinking == "always":
        parameters.map(_PARAM, "none -> low: this model always thinks")
        return ThinkingPlan(None, "low")
    if facts.thinks_by_default:
        return ThinkingPlan({"type": facts.switches_off_by})
    return ThinkingPlan()


def _by_budget(wish: ReasoningWish, max_tokens: int, parameters: Parameters) -> ThinkingPlan:
    budget = wish.budget_tokens
    if budget is None:
        effort = wish.effort or "high"
        budget = BUDGETS.get(effort, BUDGETS["high"])
        parameters.map(_PARAM, f"{effort} -> {budget} tokens")
    bounded = min(max(budget, MIN_BUDGET_TOKENS), max_tokens - 1)
    if bounded < MIN_BUDGET_TOKENS:
        # `max_tokens` holds the thoughts too and must leave room for them.
        parameters.drop(_PARAM)
        return ThinkingPlan()
    if bounded != budget:
        parameters.map("thinking.budget_tokens", f"{budget} -> {bounded}")
    return ThinkingPlan({"type": "enabled", "budget_tokens": bounded})


def _effort_of(budget_tokens: int) -> str:
    fitting = [effort for effort, tokens in BUDGETS.items() if tokens <= budget_tokens]
    return "low" if len(fitting) < 2 else min(fitting[-1], "xhigh", key=list(BUDGETS).index)


def _known_effort(effort: str | None, facts: ModelFacts, parameters: Parameters) -> str | None:
    if effort is None or effort in facts.effort_levels:
        return effort
    nearest = effort
    while nearest not in facts.effort_levels:
        if nearest not in _NEAREST:
            parameters.drop(_PARAM)
            return None
        nearest = _NEAREST[nearest]
    parameters.map(_PARAM, f"{effort} -> {nearest}")
    return nearest


def _forces_tools(conversation: Conversation) -> bool:
    choice = conversation.tool_choice
    return bool(conversation.tools) and choice is not None and choice.mode in ("required", "named")


def _give_way_to_tools(plan: ThinkingPlan, facts: ModelFacts, parameters: Parameters) -> None:
    """Switch thinking off where a tool must be called: the API does not take both."""
    if plan.is_on:
        parameters.map(_PARAM, "none: a tool must be called")
        plan.thinking = None
    if facts.thinks_by_default and plan.thinking is None:
        plan.thinking = {"type": facts.switches_off_by}


def _lacks_thoughts(conversation: Conversation) -> bool:
    """Tell whether tools are in use that were called without thinking."""
    last = next((turn for turn in reversed(conversation.turns) if turn.role == "assistant"), None)
    if last is None or not any(isinstance(part, ToolCallPart) for part in last.parts):
        return False
    return not any(
        isinstance(part, ReasoningPart) and (part.signature or part.encrypted)
        for part in last.parts
    )
