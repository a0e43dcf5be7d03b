"""Anthropic's answers: whole messages, the events of a stream, errors.

Shapes follow platform.claude.com/docs/en/api/messages, /build-with-claude/streaming and
/api/errors, read 2026-11. The stream is made from the whole message, so both say the same.
"""

import json
from dataclasses import replace
from typing import Any

from vendors.anthropic_requests import SIGNATURE, asks_for_schema, forced_tool, wants_thinking
from vendors.scenarios import (
    Picture,
    Reasoning,
    Scenario,
    ToolCall,
    Usage,
    halves_of,
    pieces_of,
)
from vendors.vendor_server import Received

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tools": "tool_use",
    "refusal": "refusal",
    "blocked_prompt": "refusal",
    "blocked_answer": "refusal",
}
ERRORS: dict[str, tuple[int, str, str]] = {
    "400": (400, "invalid_request_error", "messages.0.content: Input should be a valid list"),
    "401": (401, "authentication_error", "invalid x-api-key"),
    "403": (403, "permission_error", "Your API key does not have permission to use this resource."),
    "404": (404, "not_found_error", "model: claude-nonesuch"),
    "413": (413, "request_too_large", "Request exceeds the maximum size"),
    "429": (429, "rate_limit_error", "This request would exceed your organization's rate limit."),
    # Spent credit is a billing error and not a rate limit.
    "429_quota": (402, "billing_error", "Your credit balance is too low to access the API."),
    "500": (500, "api_error", "Internal server error"),
    "503": (529, "overloaded_error", "Overloaded"),
    "529": (529, "overloaded_error", "Overloaded"),
    "context": (
        400,
        "invalid_request_error",
        "prompt is too long: 210000 tokens > 200000 maximum",
    ),
}
"""By the scenario's error: status, type, message."""


def message(received: Received, scenario: Scenario) -> dict[str, Any]:
    """Return the whole answer."""
    body = received.json
    reason = _STOP_REASONS[scenario.finish]
    content = _content(received, scenario)
    if any(block["type"] == "tool_use" for block in content) and reason == "end_turn":
        reason = "tool_use"
    found = {
        "id": received.identifier("msg_01", 22),
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": reason,
        "stop_sequence": body["stop_sequences"][0] if reason == "stop_sequence" else None,
        "usage": usage_of(scenario.usage, is_thinking=wants_thinking(body)),
    }
    if reason == "refusal":
        found["stop_details"] = {
            "type": "refusal",
            "category": None,
            "explanation": "This request was declined by the usage policy.",
        }
    return found


def usage_of(usage: Usage, *, is_thinking: bool) -> dict[str, Any]:
    """Return usage as the service counts it: cached input beside, thinking inside the output."""
    spent = usage if is_thinking else replace(usage, reasoning_tokens=0)
    return {
        "input_tokens": spent.input_tokens,
        "cache_creation_input_tokens": spent.cache_write_tokens,
        "cache_read_input_tokens": spent.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": spent.cache_write_tokens - spent.cache_write_1h_tokens,
            "ephemeral_1h_input_tokens": spent.cache_write_1h_tokens,
        },
        "output_tokens": spent.all_output_tokens,
        "output_tokens_details": {"thinking_tokens": spent.reasoning_tokens},
        "service_tier": "standard",
    }


def events(whole: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events of a stream that add up to the whole message."""
    start = {
        **{name: value for name, value in whole.items() if name != "stop_details"},
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            **{key: value for key, value in whole["usage"].items() if "details" not in key},
            "output_tokens": 1,
        },
    }
    found: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(whole["content"]):
        opened, deltas = _opened(block)
        found.append({"type": "content_block_start", "index": index, "content_block": opened})
        if index == 0:
            found.append({"type": "ping"})
        found += [
            {"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas
        ]
        found.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": whole["stop_sequence"]}
    if "stop_details" in whole:
        delta["stop_details"] = whole["stop_details"]
    cumulative = ("service_tier", "cache_creation")
    usage = {key: value for key, value in whole["usage"].items() if key not in cumulative}
    found.append({"type": "message_delta", "delta": delta, "usage": usage})
    found.append({"type": "message_stop"})
    return found


def error_body(kind: str, text: str, request_id: str | None = None) -> dict[str, Any]:
    """Return an error; the one inside a stream has no request id."""
    found = {"type": "error", "error": {"type": kind, "message": text}}
    return found if request_id is None else {**found, "request_id": request_id}


def sse(event: dict[str, Any]) -> bytes:
    """Return one event on the wire."""
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event['type']}\ndata: {data}\n\n".encode()


def _content(received: Received, scenario: Scenario) -> list[dict[str, Any]]:
    body = received.json
    if "json_schema" in scenario.expects and not asks_for_schema(body):
        # The way before structured outputs: a tool that has to be called with the document.
        arguments = json.loads("".join(part.text for part in scenario.parts))
        call = ToolCall(forced_tool(body) or "", arguments)
        return [_block(received, 0, call)]
    parts = [
        part for part in scenario.parts if wants_thinking(body) or not isinstance(part, Reasoning)
    ]
    display = body.get("thinking", {}).get("display")
    blocks = [_block(received, index, part) for index, part in enumerate(parts)]
    for block in blocks:
        if block["type"] == "thinking" and display == "omitted":
            block["thinking"] = ""
    return blocks


def _block(received: Received, index: int, part: Any) -> dict[str, Any]:
    if isinstance(part, ToolCall):
        return {
            "type": "tool_use",
            "id": received.identifier("toolu_01", 22, index),
            "name": part.name,
            "input": part.arguments,
        }
    if isinstance(part, Reasoning):
        if part.is_redacted:
            return {"type": "redacted_thinking", "data": received.identifier("EmwKAhgB", 40, index)}
        signature = received.identifier(SIGNATURE, 48, index)
        return {"type": "thinking", "thinking": part.text, "signature": signature}
    if isinstance(part, Picture):
        raise TypeError("this vendor answers without pictures")
    return {"type": "text", "text": part.text}


def _opened(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the block as its stream begins with it, and the deltas that fill it."""
    if block["type"] == "text":
        deltas = [{"type": "text_delta", "text": each} for each in pieces_of(block["text"])]
        return {"type": "text", "text": ""}, deltas
    if block["type"] == "thinking":
        thoughts = pieces_of(block["thinking"])
        deltas = [{"type": "thinking_delta", "thinking": each} for each in thoughts]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return {"type": "thinking", "thinking": "", "signature": ""}, deltas
    if block["type"] == "tool_use":
        text = json.dumps(block["input"], ensure_ascii=False)
        pieces = ["", *halves_of(text)]
        deltas = [{"type": "input_json_delta", "partial_json": each} for each in pieces]
        return {**block, "input": {}}, deltas
    return block, []
