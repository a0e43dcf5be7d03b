"""What the client says to what `generateContent` takes, and every change is named.

Which parameters a model takes is `models`'; what becomes of the others is
`providers.parameters`'. The model's name stands in the path, not in the body.
"""

import msgspec
from msgspec import Raw

from pointsman.core.canonical.conversation import Conversation, Tool
from pointsman.providers.gemini.contents import ContentEncoder
from pointsman.providers.gemini.generation import generation_config, words_for_output
from pointsman.providers.gemini.models import ModelFacts, model_facts
from pointsman.providers.gemini.schema import function_schema
from pointsman.providers.parameters import Parameters
from pointsman.wire.gemini.request import Part

_SERVICE_TIERS = {"default": "standard", "flex": "flex", "priority": "priority"}
"""OpenAI's word -> Google's. Source: google-genai 3.4.0, the vendor's SDK, `types.ServiceTier`
(read 2026-11)."""
_OWN = {
    "safety_settings": "safetySettings",
    "safetySettings": "safetySettings",
    "cached_content": "cachedContent",
    "cachedContent": "cachedContent",
}
"""Parameters of Google's own that clients of any dialect may add, by their name here."""

_encode = msgspec.json.Encoder().encode


def encode_conversation(conversation: Conversation, model: str, parameters: Parameters) -> bytes:
    """Return the body to send.

    Args:
        conversation: In any dialect's words.
        model: As the API names it.
        parameters: Gets what had to be mapped or dropped.

    Raises:
        UpstreamError: The conversation says what cannot be carried, as `Parameters` tells.
    """
    return _encode(_body(conversation, model, parameters))


def encode_count(conversation: Conversation, model: str, parameters: Parameters) -> bytes:
    """Return the body of a request to count the tokens of a conversation; raises likewise.

    The whole request in `generateContentRequest` is counted with its system prompt and its tools.
    """
    body = {"model": resource(model), **_body(conversation, model, parameters)}
    return _encode({"generateContentRequest": body})


def resource(model: str) -> str:
    """Return the name by which the API knows a model: `models/gemini-2.5-flash`."""
    return model if "/" in model else f"models/{model}"


def _body(conversation: Conversation, model: str, parameters: Parameters) -> dict[str, object]:
    facts = model_facts(model)
    system, contents = ContentEncoder(conversation, facts, parameters).encode()
    words = words_for_output(conversation, facts, parameters)
    if words is not None and facts.takes_system:
        system.append(Part(text=words))
    elif words is not None and contents:
        contents[0].parts.insert(0, Part(text=words))
    body: dict[str, object] = {"contents": contents}
    if system:
        body["systemInstruction"] = {"parts": system}
    _add_tools(body, conversation, facts, parameters)
    config = generation_config(
        conversation, facts, parameters, says_output_in_words=words is not None
    )
    if config:
        body["generationConfig"] = config
    _add_rest(body, conversation, parameters)
    return body


def _add_tools(
    body: dict[str, object], conversation: Conversation, facts: ModelFacts, parameters: Parameters
) -> None:
    for tool in conversation.provider_tools:
        parameters.drop(f"tools.{tool.type}")
    if not conversation.tools:
        return
    declared = [_declaration(tool) for tool in conversation.tools]
    body["tools"] = [{"functionDeclarations": declared}]
    mode = _calling_config(conversation, facts, parameters)
    if mode is not None:
        body["toolConfig"] = {"functionCallingConfig": mode}
    if conversation.parallel_tool_calls is False:
        parameters.drop("parallel_tool_calls")


def _declaration(tool: Tool) -> dict[str, object]:
    said: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        said["description"] = tool.description
    schema = function_schema(tool.schema)
    if schema is not None:
        said["parametersJsonSchema"] = schema
    return said


def _calling_config(
    conversation: Conversation, facts: ModelFacts, parameters: Parameters
) -> dict[str, object] | None:
    """Return the mode; where a schema must be followed, the one that holds the model to it."""
    choice = conversation.tool_choice
    strict = any(tool.strict for tool in conversation.tools)
    match choice.mode if choice is not None else "auto":
        case "none":
            return {"mode": "NONE"}
        case "required":
            return {"mode": "ANY"}
        case "named":
            return {"mode": "ANY", "allowedFunctionNames": [choice.name if choice else None]}
        case _:
            pass
    if strict and facts.takes_validated_calls:
        return {"mode": "VALIDATED"}
    if strict:
        parameters.drop("tools.strict")
    return {"mode": "AUTO"} if choice is not None else None


def _add_rest(body: dict[str, object], conversation: Conversation, parameters: Parameters) -> None:
    tier = conversation.service_tier
    if tier is not None and tier != "auto":
        known = _SERVICE_TIERS.get(tier)
        if known is None:
            parameters.drop("service_tier")
        else:
            body["serviceTier"] = known
    if conversation.user is not None:
        parameters.drop("user")
    if conversation.verbosity not in (None, "medium"):
        parameters.drop("verbosity")
    for name, value in conversation.extras.items():
        _add_extra(body, name, value, parameters)


def _add_extra(body: dict[str, object], name: str, value: Raw, parameters: Parameters) -> None:
    own = _OWN.get(name)
    if own is None:
        parameters.drop(name)
    else:
        body[own] = value
