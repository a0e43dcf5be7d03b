"""OpenAI's responses: whole answers and the events of a stream.

Shapes follow platform.openai.com/docs/api-reference/responses and /responses-streaming, read
2026-11. The events are made from the whole answer, so both say the same.
"""

import json
from typing import Any

from vendors.openai_chat_bodies import CREATED
from vendors.scenarios import Reasoning, Refusal, Scenario, Text, ToolCall, halves_of, pieces_of
from vendors.vendor_server import Received

_INCOMPLETE = {"length": "max_output_tokens", "blocked_answer": "content_filter"}
_ECHOED: dict[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
# The request may set these; the SDK's Response does not have them.
_NOT_ANSWERED = ("store",)


def response(received: Received, scenario: Scenario) -> dict[str, Any]:
    """Return the whole answer."""
    body = received.json
    reason = _INCOMPLETE.get(scenario.finish)
    echoed = {name: body.get(name, value) for name, value in _ECHOED.items()}
    return {
        "id": received.identifier("resp_", 48),
        "object": "response",
        "created_at": CREATED,
        "completed_at": None if reason else CREATED + 1,
        "status": "incomplete" if reason else "completed",
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "model": body["model"],
        "output": _items(received, scenario, "incomplete" if reason else "completed"),
        "reasoning": {"effort": None, "summary": None, **(body.get("reasoning") or {})},
        "service_tier": "default",
        "text": _text_settings(body),
        "tools": [_tool(tool) for tool in body.get("tools", [])],
        "usage": usage_of(scenario),
        **{name: value for name, value in echoed.items() if name not in _NOT_ANSWERED},
    }


def usage_of(scenario: Scenario) -> dict[str, Any]:
    """Return usage as this endpoint counts it: cached input and reasoning inside the totals."""
    usage = scenario.usage
    return {
        "input_tokens": usage.all_input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.all_output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.all_input_tokens + usage.all_output_tokens,
    }


def events(whole: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events of a stream that add up to the whole answer."""
    begun = {
        **whole,
        "status": "in_progress",
        "completed_at": None,
        "incomplete_details": None,
        "output": [],
        "usage": None,
    }
    found: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(whole["output"]):
        found += _item_events(index, item)
    found.append({"type": f"response.{whole['status']}", "response": whole})
    return numbered(found)


def failure(whole: dict[str, Any], code: str, message: str) -> dict[str, Any]:
    """Return the event of an answer that failed on the way."""
    failed = {
        **whole,
        "status": "failed",
        "completed_at": None,
        "error": {"code": code, "message": message},
        "output": [],
        "usage": None,
    }
    return {"type": "response.failed", "response": failed}


def error_event(code: str, message: str) -> dict[str, Any]:
    """Return the event of a stream that broke."""
    return {"type": "error", "code": code, "message": message, "param": None}


def numbered(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the events their sequence numbers."""
    return [{**each, "sequence_number": index} for index, each in enumerate(found)]


def sse(event: dict[str, Any]) -> bytes:
    """Return one event on the wire."""
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event['type']}\ndata: {data}\n\n".encode()


def _text_settings(body: dict[str, Any]) -> dict[str, Any]:
    asked = body.get("text") or {}
    form = asked.get("format") or {"type": "text"}
    if form["type"] == "json_schema":
        form = {"description": None, "strict": True, **form}
    return {"format": form, "verbosity": asked.get("verbosity", "medium")}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if tool["type"] != "function":
        return tool
    return {"description": None, "strict": True, "parameters": None, **tool}


def _items(received: Received, scenario: Scenario, status: str) -> list[dict[str, Any]]:
    found, content = [], []
    for index, part in enumerate(scenario.parts):
        if isinstance(part, Reasoning):
            found.append(_reasoning(received, part, index))
        elif isinstance(part, ToolCall):
            found.append(_call(received, part, index))
        elif isinstance(part, Refusal):
            content.append({"type": "refusal", "refusal": part.text})
        elif isinstance(part, Text):
            words = {"type": "output_text", "annotations": [], "logprobs": [], "text": part.text}
            content.append(words)
    if content:
        message = {
            "id": received.identifier("msg_", 48),
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": content,
        }
        calls = sum(item["type"] == "function_call" for item in found)
        found.insert(len(found) - calls, message)
    return found


def _reasoning(received: Received, part: Reasoning, index: int) -> dict[str, Any]:
    body = received.json
    asked = (body.get("reasoning") or {}).get("summary")
    found: dict[str, Any] = {
        "id": received.identifier("rs_", 48, index),
        "type": "reasoning",
        # Thoughts themselves are never sent; a summary is, when it is asked for.
        "summary": [{"type": "summary_text", "text": part.text}] if asked else [],
    }
    if "reasoning.encrypted_content" in (body.get("include") or ()):
        found["encrypted_content"] = received.identifier("gAAAAA", 58, index)
    return found


def _call(received: Received, part: ToolCall, index: int) -> dict[str, Any]:
    return {
        "id": received.identifier("fc_", 48, index),
        "type": "function_call",
        "status": "completed",
        "arguments": part.arguments_text,
        "call_id": received.identifier("call_", 24, index),
        "name": part.name,
    }


def _item_events(index: int, item: dict[str, Any]) -> list[dict[str, Any]]:
    place = {"output_index": index, "item_id": item["id"]}
    if item["type"] == "reasoning":
        opened, inner = {**item, "summary": []}, _summary_events(item, place)
    elif item["type"] == "function_call":
        opened = {**item, "arguments": "", "status": "in_progress"}
        inner = _argument_events(item, place)
    else:
        opened = {**item, "content": [], "status": "in_progress"}
        inner = _content_events(item, place)
    return [
        {"type": "response.output_item.added", "output_index": index, "item": opened},
        *inner,
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


def _argument_events(item: dict[str, Any], place: dict[str, Any]) -> list[dict[str, Any]]:
    name = "response.function_call_arguments"
    deltas = [
        {"type": f"{name}.delta", **place, "delta": each} for each in halves_of(item["arguments"])
    ]
    return [*deltas, {"type": f"{name}.done", **place, "arguments": item["arguments"]}]


def _summary_events(item: dict[str, Any], place: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for index, part in enumerate(item["summary"]):
        at = {**place, "summary_index": index}
        name = "response.reasoning_summary"
        empty = {"type": "summary_text", "text": ""}
        found.append({"type": f"{name}_part.added", **at, "part": empty})
        found += [
            {"type": f"{name}_text.delta", **at, "delta": each} for each in pieces_of(part["text"])
        ]
        found.append({"type": f"{name}_text.done", **at, "text": part["text"]})
        found.append({"type": f"{name}_part.done", **at, "part": part})
    return found


def _content_events(item: dict[str, Any], place: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for index, part in enumerate(item["content"]):
        at = {**place, "content_index": index}
        field = "refusal" if part["type"] == "refusal" else "text"
        name = "response.refusal" if field == "refusal" else "response.output_text"
        rest = {} if field == "refusal" else {"logprobs": []}
        empty = {**part, field: ""}
        found.append({"type": "response.content_part.added", **at, "part": empty})
        found += [
            {"type": f"{name}.delta", **at, "delta": each, **rest}
            for each in pieces_of(part[field])
        ]
        found.append({"type": f"{name}.done", **at, field: part[field], **rest})
        found.append({"type": "response.content_part.done", **at, "part": part})
    return found
