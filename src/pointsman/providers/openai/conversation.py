"""A canonical conversation to the body of a chat completion request. Messages are `messages`'.

What the server lacks is handed to `parameters`, which refuses, maps or drops it as configured.
"""

from collections.abc import Callable

import msgspec
from msgspec import Raw

from pointsman.core.canonical.conversation import (
    Conversation,
    OutputFormat,
    ProviderTool,
    ReasoningWish,
    Tool,
)
from pointsman.providers.openai.messages import encode_messages
from pointsman.providers.openai.traits import Traits
from pointsman.providers.parameters import Parameters

Fields = dict[str, object]

_encode = msgspec.json.Encoder().encode
_OWN_DIALECT = "openai.chat"
_EMPTY_SCHEMA = Raw(b'{"type":"object","properties":{}}')
# Words of service tiers that mean the same: https://docs.claude.com/en/api/service-tiers
# (read 2026-11).
_TIERS = {"standard_only": "default"}
_EFFORTS = {"max": "xhigh"}
# Thresholds of our own: budgets have no documented equivalent in efforts.
_LOW_BUDGET_TOKENS = 4096
_MEDIUM_BUDGET_TOKENS = 16_384


def encode_conversation(
    conversation: Conversation,
    model: str,
    traits: Traits,
    parameters: Parameters,
    *,
    asks_for_usage: bool,
) -> bytes:
    """Return the body to send.

    Args:
        conversation: What the client said.
        model: As the provider names it.
        traits: What the server takes.
        parameters: Gets what is changed.
        asks_for_usage: Whether the server takes `stream_options.include_usage`.

    Raises:
        UpstreamError: The conversation says what cannot be carried; see `Parameters`.
    """
    fields: Fields = {
        "model": model,
        "messages": encode_messages(conversation, model, traits, parameters),
    }
    _put_tools(fields, conversation, traits, parameters)
    _put_output(fields, conversation.output, traits, parameters)
    _put_sampling(fields, conversation, traits, parameters)
    _put_reasoning(fields, conversation.reasoning, traits, parameters)
    _put_extras(fields, conversation, parameters)
    if conversation.stream:
        fields["stream"] = True
        if asks_for_usage:
            fields["stream_options"] = {"include_usage": True}
    return _encode(fields)


def _put_tools(
    fields: Fields, conversation: Conversation, traits: Traits, parameters: Parameters
) -> None:
    tools: list[object] = [_tool(tool) for tool in conversation.tools]
    for tool in conversation.provider_tools:
        _put_provider_tool(tools, tool, conversation.dialect, parameters)
    if not tools:
        # Servers refuse a choice among no tools.
        return
    fields["tools"] = tools
    choice = conversation.tool_choice
    if choice is not None:
        named = {"type": "function", "function": {"name": choice.name}}
        fields["tool_choice"] = named if choice.mode == "named" else choice.mode
    parallel = conversation.parallel_tool_calls
    put = _putter(fields, traits, parameters)
    put("parallel_tool_calls", parallel)


def _tool(tool: Tool) -> Fields:
    function: Fields = {"name": tool.name, "parameters": tool.schema or _EMPTY_SCHEMA}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _put_provider_tool(
    tools: list[object], tool: ProviderTool, dialect: str, parameters: Parameters
) -> None:
    if dialect == _OWN_DIALECT:
        tools.append(tool.definition)
    else:
        parameters.drop(f"tools.{tool.type}")


def _put_output(
    fields: Fields, output: OutputFormat | None, traits: Traits, parameters: Parameters
) -> None:
    if output is None:
        return
    if output.kind == "json":
        fields["response_format"] = {"type": "json_object"}
        return
    if not traits.takes_schemas:
        parameters.map("response_format", "json_schema -> json_object")
        fields["response_format"] = {"type": "json_object"}
        return
    schema: Fields = {"name": output.name or "answer"}
    schema.update(
        (key, value)
        for key, value in (
            ("description", output.description),
            ("schema", output.schema),
            ("strict", output.strict),
        )
        if value is not None
    )
    fields["response_format"] = {"type": "json_schema", "json_schema": schema}


def _put_sampling(
    fields: Fields, conversation: Conversation, traits: Traits, parameters: Parameters
) -> None:
    put = _putter(fields, traits, parameters)
    if conversation.max_output_tokens is not None:
        fields[traits.output_limit] = conversation.max_output_tokens
    put("temperature", conversation.temperature)
    put("top_p", conversation.top_p)
    put("top_k", conversation.top_k)
    put("frequency_penalty", conversation.frequency_penalty)
    put("presence_penalty", conversation.presence_penalty)
    put("seed", conversation.seed, sent_as=traits.seed)
    put("n", conversation.choice_count)
    put("logprobs", conversation.logprobs)
    put("top_logprobs", conversation.top_logprobs)
    put("verbosity", conversation.verbosity)
    put("user", conversation.user)
    tier = conversation.service_tier
    put("service_tier", _TIERS.get(tier, tier) if tier is not None else None)
    _put_stops(fields, conversation.stop, traits, parameters)


def _put_stops(fields: Fields, stops: list[str], traits: Traits, parameters: Parameters) -> None:
    if not stops:
        return
    if traits.max_stops is not None and len(stops) > traits.max_stops:
        parameters.map("stop", f"{len(stops)} sequences -> the first {traits.max_stops}")
        stops = stops[: traits.max_stops]
    fields["stop"] = stops


def _putter(fields: Fields, traits: Traits, parameters: Parameters) -> Callable[..., None]:
    def put(name: str, value: object, *, sent_as: str | None = None) -> None:
        """Send a parameter that was said, unless the server lacks it."""
        if value is None:
            return
        if name in traits.lacks:
            parameters.drop(name)
        else:
            fields[sent_as or name] = value

    return put


def _put_reasoning(
    fields: Fields, wish: ReasoningWish | None, traits: Traits, parameters: Parameters
) -> None:
    if wish is None:
        return
    if wish.summary is not None:
        parameters.drop("reasoning.summary")
    if traits.reasoning == "none":
        if wish.effort not in (None, "none") or wish.budget_tokens:
            parameters.drop("reasoning")
    elif traits.reasoning == "object":
        fields["reasoning"] = _reasoning_object(wish)
    else:
        effort = _effort(wish, parameters)
        if effort is not None:
            fields["reasoning_effort"] = effort


def _reasoning_object(wish: ReasoningWish) -> Fields:
    if wish.budget_tokens is not None:
        return {"max_tokens": wish.budget_tokens}
    return {"effort": wish.effort} if wish.effort is not None else {"enabled": True}


def _effort(wish: ReasoningWish, parameters: Parameters) -> str | None:
    if wish.effort is not None:
        effort = _EFFORTS.get(wish.effort, wish.effort)
        if effort != wish.effort:
            parameters.map("reasoning.effort", f"{wish.effort} -> {effort}")
        return effort
    if wish.budget_tokens is None:
        # The model decides, as it does without being told.
        return None
    budget = wish.budget_tokens
    effort = "high"
    if budget <= _MEDIUM_BUDGET_TOKENS:
        effort = "low" if budget <= _LOW_BUDGET_TOKENS else "medium"
    parameters.map("reasoning.budget_tokens", f"{budget} -> effort {effort}")
    return effort


def _put_extras(fields: Fields, conversation: Conversation, parameters: Parameters) -> None:
    """Pass on what the client said in this API's own words; other words have no meaning here."""
    for name, value in conversation.extras.items():
        if conversation.dialect == _OWN_DIALECT:
            fields.setdefault(name, value)
        elif name == "prompt_cache_key" and conversation.dialect.startswith("openai."):
            fields[name] = value
        else:
            parameters.drop(name)
