"""What the client says to what the Messages API takes, and every change is named.

`encode_native` is for bodies in Anthropic's own dialect: forwarded as the very bytes that came
unless the model's name or keys meant for the gateway have to change. `encode_conversation` is for
any other dialect. Which parameters a model takes is `models`'; what becomes of the others is
`providers.parameters`'.
"""

import msgspec
from msgspec import Raw, Struct

from pointsman.core.canonical.conversation import Conversation, OutputFormat, ProviderTool, Tool
from pointsman.core.provider import ProviderRequest
from pointsman.providers.anthropic.models import ModelFacts, model_facts
from pointsman.providers.anthropic.schema import constrained_schema, tool_schema
from pointsman.providers.anthropic.thinking import plan_thinking
from pointsman.providers.anthropic.turns import TurnEncoder, cache_control_of
from pointsman.providers.parameters import Parameters
from pointsman.wire.anthropic.blocks import TextBlock
from pointsman.wire.malformed import MALFORMED

FIRST_WITHOUT_SAMPLING = "2026-10-21"
"""From this `anthropic-version` on, sampling parameters are refused for every model.
Source: https://platform.claude.com/docs/en/api/versioning (read 2026-11)."""

_COUNTED = frozenset(
    {
        "messages",
        "model",
        "cache_control",
        "output_config",
        "speed",
        "system",
        "thinking",
        "tool_choice",
        "tools",
    }
)
"""What a request to count tokens may hold.
Source: https://platform.claude.com/docs/en/api/messages-count-tokens (read 2026-11)."""

_JSON_ONLY = "Answer with a single JSON object and nothing else: no prose and no code fences."
_BY_SCHEMA = " It must follow this JSON Schema: "
_SERVICE_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
_MIN_TOP_P_THINKING = 0.95

_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


class EncodeSettings(Struct, frozen=True, kw_only=True):
    """What one provider takes."""

    takes_sampling: bool = True
    """Whether the configured `anthropic-version` has sampling parameters at all."""


def encode_native(request: ProviderRequest) -> tuple[bytes, list[str]]:
    """Return the body to send for one in Anthropic's own dialect, and the changes made to it.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: It is no JSON object (`MALFORMED`).
    """
    keeps_model = request.requested_model == request.target.model
    if keeps_model and not request.drop_keys and b'"metadata"' not in request.body:
        return request.body, []
    fields = _decode_fields(request.body)
    changes: list[str] = []
    if not keeps_model:
        fields["model"] = Raw(_encode(request.target.model))
        changes.append(f"model: {request.requested_model or 'absent'} -> {request.target.model}")
    for key in request.drop_keys:
        if key != "metadata" and key in fields:
            del fields[key]
            changes.append(f"{key}: dropped")
    _keep_user_id(fields, changes)
    return (_encode(fields), changes) if changes else (request.body, changes)


def encode_native_count(request: ProviderRequest) -> bytes:
    """Return the body of a request to count the tokens of one in Anthropic's own dialect."""
    fields = _decode_fields(request.body)
    fields["model"] = Raw(_encode(request.target.model))
    return _encode({key: value for key, value in fields.items() if key in _COUNTED})


def encode_conversation(
    conversation: Conversation,
    model: str,
    settings: EncodeSettings,
    parameters: Parameters,
    *,
    counts_only: bool = False,
) -> bytes:
    """Return the body to send.

    Args:
        conversation: In any dialect's words.
        model: As the API names it.
        settings: What the provider takes.
        parameters: Gets what had to be mapped or dropped.
        counts_only: The body is to count tokens.

    Raises:
        UpstreamError: The conversation says what cannot be carried, as `Parameters` tells.
    """
    facts = model_facts(model)
    max_tokens = _max_tokens(conversation, facts, parameters)
    plan = plan_thinking(conversation, facts, max_tokens, parameters)
    system, messages = TurnEncoder(conversation, parameters).encode()
    output_config: dict[str, object] = {"effort": plan.effort} if plan.effort else {}
    if conversation.output is not None:
        _add_format(conversation.output, facts, output_config, system, parameters)

    body: dict[str, object] = {"model": model, "max_tokens": max_tokens, "messages": messages}
    if system:
        body["system"] = system
    if plan.thinking is not None:
        body["thinking"] = plan.thinking
    if output_config:
        body["output_config"] = output_config
    _add_tools(body, conversation, facts, parameters)
    _add_sampling(body, conversation, facts, settings, parameters)
    _add_rest(body, conversation, parameters)
    if plan.is_on:
        _fit_sampling_to_thinking(body, parameters)
    if counts_only:
        body = {key: value for key, value in body.items() if key in _COUNTED}
    return _encode(body)


def _keep_user_id(fields: dict[str, Raw], changes: list[str]) -> None:
    """Leave the one key of `metadata` that the API takes; the others were for the gateway."""
    metadata = fields.get("metadata")
    if metadata is None:
        return
    try:
        inner = _decode_fields(metadata)
    except MALFORMED:
        return
    if set(inner) <= {"user_id"}:
        return
    if "user_id" in inner:
        fields["metadata"] = Raw(_encode({"user_id": inner["user_id"]}))
        changes.append("metadata: only user_id kept")
    else:
        del fields["metadata"]
        changes.append("metadata: dropped")


def _max_tokens(conversation: Conversation, facts: ModelFacts, parameters: Parameters) -> int:
    wanted = conversation.max_output_tokens
    if wanted is None:
        parameters.note("max_tokens", f"absent -> {facts.max_output_tokens}")
        return facts.max_output_tokens
    if wanted > facts.max_output_tokens:
        parameters.map("max_tokens", f"{wanted} -> {facts.max_output_tokens}")
        return facts.max_output_tokens
    return wanted


def _add_format(
    output: OutputFormat,
    facts: ModelFacts,
    output_config: dict[str, object],
    system: list[TextBlock],
    parameters: Parameters,
) -> None:
    """Ask for JSON: by the API's own structured output, or in words where it has none."""
    if output.kind == "json_schema" and output.schema is not None and facts.takes_schemas:
        schema, removed = constrained_schema(output.schema)
        if removed:
            parameters.map("response_format.schema", f"{', '.join(removed)} told in words")
        output_config["format"] = {"type": "json_schema", "schema": schema}
        return
    parameters.map("response_format", f"{output.kind} asked for in the system prompt")
    words = _JSON_ONLY
    if output.schema is not None:
        words += _BY_SCHEMA + bytes(output.schema).decode()
    system.append(TextBlock(words))


def _add_tools(
    body: dict[str, object], conversation: Conversation, facts: ModelFacts, parameters: Parameters
) -> None:
    tools: list[dict[str, object] | Raw] = [
        _tool(tool, facts, parameters, index) for index, tool in enumerate(conversation.tools)
    ]
    tools.extend(_provider_tools(conversation, parameters))
    if not tools:
        return
    body["tools"] = tools
    choice = _tool_choice(conversation, facts, parameters)
    if choice is not None:
        body["tool_choice"] = choice


def _tool(tool: Tool, facts: ModelFacts, parameters: Parameters, index: int) -> dict[str, object]:
    schema, merged = tool_schema(tool.schema)
    if merged:
        parameters.map(f"tools.{index}.parameters", "alternatives at the top merged")
    said: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        said["description"] = tool.description
    if tool.strict and not facts.takes_schemas:
        parameters.drop(f"tools.{index}.strict")
    elif tool.strict:
        said["strict"] = True
        schema, removed = constrained_schema(schema)
        if removed:
            parameters.map(f"tools.{index}.parameters", f"{', '.join(removed)} told in words")
    said["input_schema"] = schema
    if tool.cache is not None:
        said["cache_control"] = cache_control_of(tool.cache)
    return said


def _provider_tools(conversation: Conversation, parameters: Parameters) -> list[Raw]:
    tools: list[ProviderTool] = conversation.provider_tools
    if conversation.dialect.startswith("anthropic."):
        return [tool.definition for tool in tools]
    for tool in tools:
        parameters.drop(f"tools.{tool.type}")
    return []


def _tool_choice(
    conversation: Conversation, facts: ModelFacts, parameters: Parameters
) -> dict[str, object] | None:
    choice = conversation.tool_choice
    mode = choice.mode if choice is not None else "auto"
    if mode in ("required", "named") and not facts.takes_forced_tools:
        parameters.map("tool_choice", f"{mode} -> auto: this model cannot be made to call a tool")
        mode = "auto"
    said: dict[str, object]
    match mode:
        case "none":
            return {"type": "none"}
        case "required":
            said = {"type": "any"}
        case "named":
            said = {"type": "tool", "name": choice.name if choice is not None else None}
        case _:
            said = {"type": "auto"}
    if conversation.parallel_tool_calls is False:
        said["disable_parallel_tool_use"] = True
    elif choice is None:
        return None
    return said


def _add_sampling(
    body: dict[str, object],
    conversation: Conversation,
    facts: ModelFacts,
    settings: EncodeSettings,
    parameters: Parameters,
) -> None:
    takes = facts.takes_sampling and settings.takes_sampling
    for name, value in (
        ("temperature", conversation.temperature),
        ("top_p", conversation.top_p),
        ("top_k", conversation.top_k),
    ):
        if value is None:
            continue
        if not takes:
            if name != "top_k" and value == 1:
                parameters.note(name, "1 -> absent, which is the same")
            else:
                parameters.drop(name)
        elif name == "top_p" and "temperature" in body and not facts.takes_both_samplings:
            if value == 1:
                parameters.note(name, "1 -> absent, which is the same")
            else:
                parameters.drop(name)
        elif name == "temperature" and value > 1:
            parameters.map(name, f"{value:g} -> 1")
            body[name] = 1.0
        else:
            body[name] = value


def _fit_sampling_to_thinking(body: dict[str, object], parameters: Parameters) -> None:
    """Leave out what thinking does not go with.

    Source: https://platform.claude.com/docs/en/build-with-claude/extended-thinking (read 2026-11).
    """
    if body.get("temperature", 1.0) != 1.0:
        parameters.drop("temperature")
        del body["temperature"]
    if "top_k" in body:
        parameters.drop("top_k")
        del body["top_k"]
    top_p = body.get("top_p")
    if isinstance(top_p, float | int) and top_p < _MIN_TOP_P_THINKING:
        parameters.map("top_p", f"{top_p:g} -> {_MIN_TOP_P_THINKING}")
        body["top_p"] = _MIN_TOP_P_THINKING


def _add_rest(body: dict[str, object], conversation: Conversation, parameters: Parameters) -> None:
    if conversation.stream:
        body["stream"] = True
    stops = [each for each in conversation.stop if each.strip()]
    if len(stops) < len(conversation.stop):
        # The API refuses stop sequences of white space only.
        parameters.drop("stop")
    if stops:
        body["stop_sequences"] = stops
    if conversation.user is not None:
        body["metadata"] = {"user_id": conversation.user}
    if conversation.service_tier is not None:
        _add_service_tier(body, conversation.service_tier, parameters)
    _drop_unknown(body, conversation, parameters)


def _add_service_tier(body: dict[str, object], tier: str, parameters: Parameters) -> None:
    known = _SERVICE_TIERS.get(tier)
    if known is None and tier == "priority":
        known = "auto"
    if known is None:
        parameters.drop("service_tier")
        return
    if known != tier:
        parameters.map("service_tier", f"{tier} -> {known}")
    body["service_tier"] = known


def _drop_unknown(
    body: dict[str, object], conversation: Conversation, parameters: Parameters
) -> None:
    """Drop what the API has no word for, where it would make a difference."""
    if conversation.frequency_penalty:
        parameters.drop("frequency_penalty")
    if conversation.presence_penalty:
        parameters.drop("presence_penalty")
    if conversation.seed is not None:
        parameters.drop("seed")
    if conversation.choice_count is not None and conversation.choice_count > 1:
        parameters.map("n", f"{conversation.choice_count} -> 1")
    if conversation.logprobs:
        parameters.drop("logprobs")
    if conversation.verbosity not in (None, "medium"):
        parameters.drop("verbosity")
    is_anthropic = conversation.dialect.startswith("anthropic.")
    for name, value in conversation.extras.items():
        if is_anthropic:
            body.setdefault(name, value)
        else:
            parameters.drop(name)
