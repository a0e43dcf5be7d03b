"""What OpenAI refuses in a request, and what a scenario may look for in one.

The fields are the SDK's TypedDicts; the rules between fields and the wording of refusals follow
platform.openai.com/docs/api-reference and the errors that its forum and SDK issues quote, 2026-11.
"""

import copy
import re
from dataclasses import dataclass
from typing import Any

from openai.types import embedding_create_params
from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params

from vendors.schema_check import SchemaError, check

_REASONING_MODEL = re.compile(r"(o\d|gpt-[5-9])")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MOST_INPUTS = 2048


@dataclass(frozen=True)
class Refusal:
    """An invalid_request_error."""

    message: str
    param: str | None
    code: str | None = None


def refusal_of_chat(body: Any, extra: dict[str, Any]) -> Refusal | None:
    """Return what is wrong with a body of `/v1/chat/completions`; None for nothing.

    `extra` holds the types of parameters that only a compatible vendor knows.
    """
    streams = isinstance(body, dict) and body.get("stream") is True
    schema = (
        completion_create_params.CompletionCreateParamsStreaming
        if streams
        else completion_create_params.CompletionCreateParamsNonStreaming
    )
    own, foreign = _without(body, extra)
    for name, value in foreign.items():
        if found := refusal_of_shape(value, extra[name], name):
            return found
    rules = (_refusal_of_options, _refusal_of_model, _refusal_of_tools, _refusal_of_messages)
    return refusal_of_shape(own, schema) or next(
        (said for rule in rules if (said := rule(own))), None
    )


def refusal_of_response(body: Any) -> Refusal | None:
    """Return what is wrong with a body of `/v1/responses`; None for nothing."""
    streams = isinstance(body, dict) and body.get("stream") is True
    schema = (
        response_create_params.ResponseCreateParamsStreaming
        if streams
        else response_create_params.ResponseCreateParamsNonStreaming
    )
    if found := refusal_of_shape(_with_tool_defaults(body), schema):
        return found
    for name in ("model", "input"):
        if name not in body:
            return Refusal(f"Missing required parameter: '{name}'.", name, _MISSING)
    return _refusal_of_outputs(body)


def refusal_of_embedding(body: Any) -> Refusal | None:
    """Return what is wrong with a body of `/v1/embeddings`; None for nothing."""
    if found := refusal_of_shape(body, embedding_create_params.EmbeddingCreateParams):
        return found
    given = body["input"]
    if given in ("", []) or (isinstance(given, list) and "" in given):
        return Refusal("'$.input' is invalid. Please check the API reference.", None)
    if isinstance(given, list) and len(given) > _MOST_INPUTS:
        text = (
            f"Invalid 'input': array too long. Expected an array with maximum length {_MOST_INPUTS}"
        )
        return Refusal(text, "input", "array_above_max_length")
    return None


def present_in_chat(body: dict[str, Any]) -> dict[str, bool]:
    """Return which of the things that scenarios expect are in the request."""
    messages = body["messages"]
    parts = [part for each in messages for part in _parts(each.get("content"))]
    system = [part for each in messages if is_system(each) for part in _parts(each["content"])]
    return {
        "image": any(part["type"] == "image_url" for part in parts),
        "tools": bool(body.get("tools") or body.get("functions")),
        "json_schema": body.get("response_format", {}).get("type") == "json_schema",
        "several_system": len(system) > 1,
        "stop": bool(body.get("stop")),
        "max_tokens": any(body.get(each) for each in ("max_tokens", "max_completion_tokens")),
        "reasoning": "reasoning_effort" in body,
    }


def present_in_response(body: dict[str, Any]) -> dict[str, bool]:
    """Return which of the things that scenarios expect are in the request."""
    items = body["input"] if isinstance(body["input"], list) else []
    parts = [part for each in items for part in _parts(each.get("content", each.get("output")))]
    system = [part for each in items if is_system(each) for part in _parts(each["content"])]
    return {
        "image": any(part["type"] == "input_image" for part in parts),
        "tools": bool(body.get("tools")),
        "json_schema": (body.get("text") or {}).get("format", {}).get("type") == "json_schema",
        "several_system": len(system) + bool(body.get("instructions")) > 1,
        # This endpoint has no stop sequences.
        "stop": True,
        "max_tokens": bool(body.get("max_output_tokens")),
        "reasoning": bool(body.get("reasoning")),
    }


def is_system(message: dict[str, Any]) -> bool:
    """Tell whether a message is an instruction of the application."""
    return message.get("role") in ("system", "developer")


_MISSING = "missing_required_parameter"


def refusal_of_shape(body: Any, schema: Any, *path: str) -> Refusal | None:
    """Return the first difference between a body and a type of the SDK."""
    try:
        check(body, schema, path)
    except SchemaError as error:
        name = re.sub(r"\.(\d+)", r"[\1]", error.where)
        if error.kind == "unknown":
            return Refusal(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        if error.kind == "missing":
            return Refusal(f"Missing required parameter: '{name}'.", name, _MISSING)
        if error.kind == "value":
            text = f"Invalid value: '{error.got}'. Supported values are: {error.expected}."
            return Refusal(text, name, "invalid_value")
        got = type(error.got).__name__
        text = f"Invalid type for '{name}': expected {error.expected}, but got {got} instead."
        return Refusal(text, name, "invalid_type")
    return None


def _without(body: Any, extra: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    if not isinstance(body, dict):
        return body, {}
    foreign = {name: body[name] for name in extra if name in body}
    own = {name: value for name, value in body.items() if name not in extra}
    # Compatible vendors take back the reasoning that they sent.
    if "messages.reasoning" in extra and isinstance(own.get("messages"), list):
        own["messages"] = [
            {name: value for name, value in each.items() if not name.startswith("reasoning")}
            for each in own["messages"]
        ]
    return own, foreign


def _with_tool_defaults(body: Any) -> Any:
    """The published type demands `strict` and `parameters`; the service fills them in."""
    if not isinstance(body, dict) or not isinstance(body.get("tools"), list):
        return body
    found = copy.copy(body)
    found["tools"] = [
        {"strict": None, "parameters": None, **tool}
        if isinstance(tool, dict) and tool.get("type") == "function"
        else tool
        for tool in body["tools"]
    ]
    return found


def _refusal_of_options(body: dict[str, Any]) -> Refusal | None:
    if "stream_options" in body and body["stream_options"] and not body.get("stream"):
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        return Refusal(text, "stream_options")
    if body.get("top_logprobs") and not body.get("logprobs"):
        return Refusal("'top_logprobs' is only allowed when 'logprobs' is enabled.", "top_logprobs")
    if isinstance(body.get("stop"), list) and len(body["stop"]) > 4:
        return Refusal("Invalid 'stop': array too long.", "stop", "array_above_max_length")
    if not 0 <= (body.get("temperature") or 0) <= 2:
        text = f"Invalid 'temperature': decimal above maximum value. Got {body['temperature']}."
        return Refusal(text, "temperature", "decimal_above_max_value")
    return _refusal_of_format(body)


def _refusal_of_format(body: dict[str, Any]) -> Refusal | None:
    asked = body.get("response_format", {})
    if asked.get("type") == "json_object" and "json" not in str(body["messages"]).lower():
        text = (
            "'messages' must contain the word 'json' in some form, to use 'response_format' of "
            "type 'json_object'."
        )
        return Refusal(text, "messages")
    given = asked.get("json_schema", {})
    if given.get("strict") and given.get("schema", {}).get("additionalProperties") is not False:
        text = (
            f"Invalid schema for response_format '{given['name']}': In context=(), "
            "'additionalProperties' is required to be supplied and to be false."
        )
        return Refusal(text, "response_format")
    return None


def _refusal_of_model(body: dict[str, Any]) -> Refusal | None:
    """Reasoning models have given up some parameters."""
    if not _REASONING_MODEL.match(body["model"]):
        return None
    if body.get("max_tokens") is not None:
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead."
        )
        return Refusal(text, "max_tokens", "unsupported_parameter")
    if body.get("temperature", 1) not in (1, None):
        text = (
            f"Unsupported value: 'temperature' does not support {body['temperature']} with this "
            "model. Only the default (1) value is supported."
        )
        return Refusal(text, "temperature", "unsupported_value")
    return None


def _refusal_of_tools(body: dict[str, Any]) -> Refusal | None:
    tools = body.get("tools")
    if tools == []:
        text = "Invalid 'tools': empty array. Expected an array with minimum length 1."
        return Refusal(text, "tools", "empty_array")
    for name in ("tool_choice", "parallel_tool_calls"):
        if name in body and not tools:
            text = (
                f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
            )
            return Refusal(text, name)
    names = [tool["function"]["name"] for tool in tools or () if tool["type"] == "function"]
    for index, name in enumerate(names):
        if not _TOOL_NAME.fullmatch(name):
            place = f"tools[{index}].function.name"
            text = f"Invalid '{place}': string does not match pattern '^[a-zA-Z0-9_-]+$'."
            return Refusal(text, place, "invalid_value")
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "function":
        wanted = choice["function"]["name"]
        if wanted not in names:
            text = f"Tool choice 'function' not found in 'tools' parameter: {wanted}."
            return Refusal(text, "tool_choice")
    return None


def _refusal_of_messages(body: dict[str, Any]) -> Refusal | None:
    messages = body["messages"]
    if not messages:
        text = "Invalid 'messages': empty array. Expected an array with minimum length 1."
        return Refusal(text, "messages", "empty_array")
    waiting: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                text = (
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceding message with 'tool_calls'."
                )
                return Refusal(text, f"messages.[{index}].role")
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            break
        waiting = [call["id"] for call in message.get("tool_calls", ())]
    if not waiting:
        return None
    text = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
    )
    return Refusal(text + ", ".join(waiting), "messages")


def _refusal_of_outputs(body: dict[str, Any]) -> Refusal | None:
    items = body["input"] if isinstance(body["input"], list) else []
    called = [each["call_id"] for each in items if each.get("type") == "function_call"]
    answered = [each["call_id"] for each in items if each.get("type") == "function_call_output"]
    for each in answered:
        if each not in called and not body.get("previous_response_id"):
            text = f"No tool call found for function call output with call_id {each}."
            return Refusal(text, "input")
    for each in called:
        if each not in answered:
            return Refusal(f"No tool output found for function call {each}.", "input")
    return None


def _parts(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content or []
