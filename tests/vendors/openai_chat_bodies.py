"""OpenAI's chat completions: whole answers and the chunks of a stream.

Shapes follow platform.openai.com/docs/api-reference/chat, read 2026-11. The chunks are made from
the whole answer, so both say the same.
"""

import json
from typing import Any

from vendors.openai_flavors import Flavor
from vendors.scenarios import Reasoning, Refusal, Scenario, Text, ToolCall, halves_of, pieces_of
from vendors.vendor_server import Received

CREATED = 1_795_262_400
_FINISH = {"length": "length", "tools": "tool_calls", "blocked_answer": "content_filter"}
_FRAME = ("id", "created", "model", "service_tier", "system_fingerprint", "provider")


def completion(received: Received, scenario: Scenario, flavor: Flavor) -> dict[str, Any]:
    """Return the whole answer."""
    body = received.json
    count = body.get("n") or 1
    return flavor.answer(
        {
            "id": received.identifier("chatcmpl-", 29),
            "object": "chat.completion",
            "created": CREATED,
            "model": body["model"],
            "choices": [_choice(received, scenario, flavor, index) for index in range(count)],
            "usage": flavor.usage(usage_of(scenario)),
            "service_tier": "default",
            "system_fingerprint": "fp_44709d6fcb",
        }
    )


def usage_of(scenario: Scenario) -> dict[str, Any]:
    """Return usage as OpenAI counts it: cached input and reasoning inside the totals."""
    usage = scenario.usage
    written = {"cache_write_tokens": usage.cache_write_tokens} if usage.cache_write_tokens else {}
    return {
        "prompt_tokens": usage.all_input_tokens,
        "completion_tokens": usage.all_output_tokens,
        "total_tokens": usage.all_input_tokens + usage.all_output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "audio_tokens": 0,
            **written,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def chunks(whole: dict[str, Any], flavor: Flavor, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the chunks that add up to the whole answer."""
    frame = {name: whole[name] for name in _FRAME if name in whole}
    wants_usage = options.get("include_usage")
    deltas = [delta for choice in whole["choices"] for delta in _deltas(choice)]
    found = [
        {**frame, "object": "chat.completion.chunk", **each}
        for each in (*flavor.first_chunks(), *({"choices": [delta]} for delta in deltas))
    ]
    for index, each in enumerate(found):
        if wants_usage:
            each["usage"] = None
        if flavor.name == "openai" and options.get("include_obfuscation", True):
            each["obfuscation"] = "x" * (index % 7)
    if wants_usage:
        last = {"choices": [], "usage": whole["usage"]}
        found.append({**frame, "object": "chat.completion.chunk", **last})
    return found


def sse(document: Any) -> bytes:
    """Return one chunk on the wire."""
    return f"data: {json.dumps(document, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


DONE = b"data: [DONE]\n\n"


def _choice(received: Received, scenario: Scenario, flavor: Flavor, index: int) -> dict[str, Any]:
    text = "".join(part.text for part in scenario.parts if isinstance(part, Text))
    thoughts = "".join(part.text for part in scenario.parts if isinstance(part, Reasoning))
    refusals = [part.text for part in scenario.parts if isinstance(part, Refusal)]
    calls = [part for part in scenario.parts if isinstance(part, ToolCall)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if refusals or (calls and not text) else text,
        "refusal": refusals[0] if refusals else None,
        "annotations": [],
    }
    if thoughts:
        message |= flavor.reasoning(thoughts)
    if calls:
        message["tool_calls"] = [
            {
                "id": received.identifier("call_", 24, index, place),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments_text},
            }
            for place, call in enumerate(calls)
        ]
    return {
        "index": index,
        "message": message,
        "logprobs": _logprobs(text, received.json),
        "finish_reason": _FINISH.get(scenario.finish, "stop"),
    }


def _logprobs(text: str, body: dict[str, Any]) -> dict[str, Any] | None:
    if not body.get("logprobs"):
        return None
    most = body.get("top_logprobs") or 0
    return {"content": [_logprob(each, most) for each in pieces_of(text)], "refusal": None}


def _logprob(token: str, most: int) -> dict[str, Any]:
    entry = {"token": token, "logprob": -0.25, "bytes": list(token.encode())}
    others = {"token": "?", "logprob": -3.5, "bytes": [63]}
    return {**entry, "top_logprobs": [entry, *[others] * (most - 1)][:most]}


def _deltas(choice: dict[str, Any]) -> list[dict[str, Any]]:
    message = choice["message"]
    start = {"role": "assistant", "content": message["content"] and "", "refusal": None}
    sent = [start]
    sent += _reasoning_deltas(message)
    sent += [{"content": each} for each in pieces_of(message["content"] or "")]
    sent += [{"refusal": each} for each in pieces_of(message["refusal"] or "")]
    sent += _tool_deltas(message.get("tool_calls", []))
    found = [
        {"index": choice["index"], "delta": each, "logprobs": None, "finish_reason": None}
        for each in sent
    ]
    if choice["logprobs"]:
        spoken = [each for each in found if each["delta"].get("content")]
        for each, logprob in zip(spoken, choice["logprobs"]["content"], strict=True):
            each["logprobs"] = {"content": [logprob], "refusal": None}
    last = {"index": choice["index"], "delta": {}, "logprobs": None}
    return [*found, {**last, "finish_reason": choice["finish_reason"]}]


def _reasoning_deltas(message: dict[str, Any]) -> list[dict[str, Any]]:
    for name in ("reasoning_content", "reasoning"):
        if name not in message:
            continue
        found: list[dict[str, Any]] = [{name: each} for each in pieces_of(message[name])]
        for each in found if "reasoning_details" in message else ():
            detail = {**message["reasoning_details"][0], "text": each[name]}
            each["reasoning_details"] = [detail]
        return found
    return []


def _tool_deltas(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for index, call in enumerate(calls):
        opened = {"name": call["function"]["name"], "arguments": ""}
        found.append({"tool_calls": [{"index": index, **call, "function": opened}]})
        found += [
            {"tool_calls": [{"index": index, "function": {"arguments": each}}]}
            for each in halves_of(call["function"]["arguments"])
        ]
    return found
