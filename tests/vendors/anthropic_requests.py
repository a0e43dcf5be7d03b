"""What Anthropic refuses in a request, and what a scenario may look for in one.

The fields are the SDK's TypedDicts; the rules between fields are those of the published pages
(platform.claude.com/docs/en/api/messages, /api/errors, /build-with-claude/extended-thinking),
read 2026-11. The wording of a refusal names the field as the service does, with dots.
"""

import re
from typing import Any, TypedDict

from anthropic.types.message_count_tokens_params import MessageCountTokensParams
from anthropic.types.message_create_params import (
    MessageCreateParamsNonStreaming,
    MessageCreateParamsStreaming,
)

from vendors.schema_check import SchemaError, check

SIGNATURE = "EqQBCgIYAhIM"
"""How the signatures of the scripted service begin; others are refused as forged."""
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_WORDS = {
    "unknown": "Extra inputs are not permitted",
    "missing": "Field required",
    "type": "Input should be a valid {}",
    "value": "Input should be {}",
}


VERSIONS = ("2023-06-01", "2026-10-21")
"""The values of `anthropic-version`. The newer one has no sampling parameters, refuses documents
in assistant messages and citations in user messages (platform.claude.com/docs/en/api/versioning).
The SDK's types are those of the newer one."""


class Sampling(TypedDict, total=False):
    """What only the older version still takes."""

    temperature: float
    top_p: float
    top_k: int


def refusal_of_message(body: Any, version: str) -> str | None:
    """Return what is wrong with a body of `/v1/messages`; None for nothing."""
    if version == VERSIONS[0] and isinstance(body, dict):
        sampling = {name: body[name] for name in Sampling.__annotations__ if name in body}
        rest = {name: value for name, value in body.items() if name not in sampling}
        found = _refusal_of_shape(sampling, Sampling) or _refusal_of_newer(rest)
        return found or _refusal_of_sampling(body)
    return _refusal_of_newer(body) or _refusal_of_leftovers(body)


def _refusal_of_newer(body: Any) -> str | None:
    wants_stream = isinstance(body, dict) and body.get("stream") is True
    schema = MessageCreateParamsStreaming if wants_stream else MessageCreateParamsNonStreaming
    found = _refusal_of_shape(body, schema)
    if found:
        return found
    rules = (_refusal_of_numbers, _refusal_of_thinking, _refusal_of_tools, _refusal_of_messages)
    return next((said for rule in rules if (said := rule(body))), None)


def refusal_of_count(body: Any) -> str | None:
    """Return what is wrong with a body of `/v1/messages/count_tokens`; None for nothing."""
    return _refusal_of_shape(body, MessageCountTokensParams) or _refusal_of_messages(body)


def present_in(body: dict[str, Any]) -> dict[str, bool]:
    """Return which of the things that scenarios expect are in the request."""
    blocks = [block for message in body["messages"] for block in blocks_of(message)]
    system = body.get("system")
    return {
        "image": any(block["type"] == "image" for block in _with_results(blocks)),
        "tools": bool(body.get("tools")),
        "json_schema": asks_for_schema(body) or forced_tool(body) is not None,
        "several_system": isinstance(system, list) and len(system) > 1,
        "stop": bool(body.get("stop_sequences")),
        "max_tokens": "max_tokens" in body,
        "reasoning": wants_thinking(body),
    }


def blocks_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a message's content as blocks; a string is one text block."""
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def wants_thinking(body: dict[str, Any]) -> bool:
    """Tell whether thinking is switched on."""
    return body.get("thinking", {}).get("type", "disabled") != "disabled"


def asks_for_schema(body: dict[str, Any]) -> bool:
    """Tell whether a JSON schema is given for the answer."""
    return ((body.get("output_config") or {}).get("format") or {}).get("type") == "json_schema"


def forced_tool(body: dict[str, Any]) -> str | None:
    """Return the name of the one tool that must be called."""
    choice = body.get("tool_choice", {})
    if choice.get("type") == "any" and len(body["tools"]) == 1:
        return body["tools"][0]["name"]
    return choice.get("name")


def _refusal_of_shape(body: Any, schema: Any) -> str | None:
    try:
        check(body, schema)
    except SchemaError as error:
        words = {"object": "dictionary", "array": "list", "boolean": "boolean"}
        expected = words.get(error.expected, error.expected)
        return f"{error.where or 'body'}: {_WORDS[error.kind].format(expected)}"
    return None


def _refusal_of_numbers(body: dict[str, Any]) -> str | None:
    if body["max_tokens"] < 1:
        return "max_tokens: Input should be greater than or equal to 1"
    if any(not each.strip() for each in body.get("stop_sequences", ())):
        return "stop_sequences: each stop sequence must contain non-whitespace"
    return None


def _refusal_of_thinking(body: dict[str, Any]) -> str | None:
    if not wants_thinking(body):
        return None
    budget = body["thinking"].get("budget_tokens", 1024)
    if budget < 1024:
        return "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
    if budget >= body["max_tokens"]:
        return "`max_tokens` must be greater than `thinking.budget_tokens`."
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        return "Thinking may not be enabled when tool_choice forces tool use."
    return None


def _refusal_of_sampling(body: dict[str, Any]) -> str | None:
    for name in ("temperature", "top_p"):
        if not 0 <= body.get(name, 0) <= 1:
            return f"{name}: Input should be less than or equal to 1"
    if wants_thinking(body) and body.get("temperature", 1) != 1:
        return "`temperature` may only be set to 1 when thinking is enabled."
    return None


def _refusal_of_leftovers(body: dict[str, Any]) -> str | None:
    """What the newer version has given up."""
    for index, message in enumerate(body["messages"]):
        for place, block in enumerate(blocks_of(message)):
            where = f"messages.{index}.content.{place}"
            if message["role"] == "assistant" and block["type"] == "document":
                return f"{where}: `document` blocks are not allowed in `assistant` messages"
            if message["role"] == "user" and block["type"] == "text" and block.get("citations"):
                return f"{where}.citations: citations are not allowed in `user` messages"
    return None


def _refusal_of_tools(body: dict[str, Any]) -> str | None:
    tools = body.get("tools", [])
    if "tool_choice" in body and not tools:
        return "tool_choice: tool_choice may only be specified while providing tools."
    names = [tool["name"] for tool in tools if "name" in tool]
    for index, name in enumerate(names):
        if not _TOOL_NAME.fullmatch(name):
            return (
                f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            )
    if len(set(names)) != len(names):
        return "tools: Tool names must be unique."
    chosen = body.get("tool_choice", {}).get("name")
    if chosen is not None and chosen not in names:
        return f"tool_choice: Tool '{chosen}' not found in provided tools"
    for index, tool in enumerate(tools):
        if "input_schema" in tool and tool["input_schema"].get("type") != "object":
            return f"tools.{index}.custom.input_schema.type: Input should be 'object'"
    return None


def _refusal_of_messages(body: dict[str, Any]) -> str | None:
    messages = body["messages"]
    if not messages:
        return "messages: at least one message is required"
    if messages[0]["role"] != "user":
        return 'messages: first message must use the "user" role'
    for index, message in enumerate(messages):
        said = _refusal_of_blocks(index, message) or _refusal_of_pairs(index, messages)
        if said:
            return said
    return None


def _refusal_of_blocks(index: int, message: dict[str, Any]) -> str | None:
    blocks = blocks_of(message)
    if not blocks:
        return f"messages.{index}: all messages must have non-empty content"
    for place, block in enumerate(blocks):
        if block["type"] == "text" and not block["text"]:
            return "messages: text content blocks must be non-empty"
        signature = block.get("signature", SIGNATURE)
        if block["type"] == "thinking" and not signature.startswith(SIGNATURE):
            return f"messages.{index}.content.{place}: Invalid `signature` in `thinking` block"
    return None


def _refusal_of_pairs(index: int, messages: list[dict[str, Any]]) -> str | None:
    """Each `tool_use` is answered in the message after it, and nothing else is."""
    asked = _ids(messages[index - 1], "tool_use", "id") if index else []
    answered = _ids(messages[index], "tool_result", "tool_use_id")
    if lost := [each for each in asked if each not in answered]:
        return (
            f"messages.{index - 1}: `tool_use` ids were found without `tool_result` blocks "
            f"immediately after: {', '.join(lost)}. Each `tool_use` block must have a "
            "corresponding `tool_result` block in the next message."
        )
    if foreign := [each for each in answered if each not in asked]:
        return (
            f"messages.{index}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: "
            f"{', '.join(foreign)}. Each `tool_result` block must have a corresponding `tool_use` "
            "block in the previous message."
        )
    return None


def _ids(message: dict[str, Any], kind: str, name: str) -> list[str]:
    return [block[name] for block in blocks_of(message) if block["type"] == kind]


def _with_results(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    inner = [
        part
        for block in blocks
        if block["type"] == "tool_result" and isinstance(block.get("content"), list)
        for part in block["content"]
    ]
    return blocks + inner
