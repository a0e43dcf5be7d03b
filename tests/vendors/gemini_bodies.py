"""Gemini's answers: whole responses, the chunks of a stream, errors.

Shapes follow ai.google.dev/api/generate-content, /gemini-api/docs/function-calling, /thinking,
/thought-signatures and cloud.google.com/apis/design/errors, read 2026-11. The chunks are made
from the whole response, so both say the same.
"""

import base64
import json
from typing import Any

from vendors.gemini_requests import wants_thoughts
from vendors.scenarios import Picture, Reasoning, Scenario, Text, ToolCall, pieces_of
from vendors.vendor_server import Received

_FINISH = {"length": "MAX_TOKENS", "blocked_answer": "SAFETY"}
_CATEGORIES = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
_RPC = "type.googleapis.com/google.rpc."
ERRORS: dict[str, tuple[int, str, str]] = {
    "400": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "401": (
        401,
        "UNAUTHENTICATED",
        (
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
            "cookie or other valid authentication credential."
        ),
    ),
    "403": (403, "PERMISSION_DENIED", "The caller does not have permission"),
    "404": (404, "NOT_FOUND", ""),
    "413": (400, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes."),
    "429": (
        429,
        "RESOURCE_EXHAUSTED",
        (
            "You exceeded your current quota, please check your plan and billing details. Please "
            "retry in 7s."
        ),
    ),
    "429_quota": (
        429,
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "500": (500, "INTERNAL", "An internal error has occurred. Please retry or report it."),
    "503": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    # Google has no 529.
    "529": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "context": (
        400,
        "INVALID_ARGUMENT",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    ),
}
"""By the scenario's error: status, canonical code, message."""


def response(
    received: Received, scenario: Scenario, model: str, *, has_ids: bool
) -> dict[str, Any]:
    """Return the whole response."""
    frame = {"modelVersion": model, "responseId": received.identifier("", 22)}
    if scenario.finish == "blocked_prompt":
        usage = _usage(scenario)
        usage.pop("candidatesTokenCount", None)
        blocked = {"blockReason": "SAFETY", "safetyRatings": _ratings(blocked=True)}
        return {"promptFeedback": blocked, "usageMetadata": usage, **frame}
    settings = received.json.get("generationConfig", {})
    count = settings.get("candidateCount", 1)
    candidates = [_candidate(received, scenario, index, has_ids=has_ids) for index in range(count)]
    return {"candidates": candidates, "usageMetadata": _usage(scenario), **frame}


def chunks(whole: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the chunks that add up to the whole response."""
    if "candidates" not in whole:
        return [whole]
    found = []
    for candidate in whole["candidates"]:
        pieces = [piece for part in candidate["content"].get("parts", ()) for piece in _cut(part)]
        if not pieces:
            found.append(candidate)
            continue
        for index, piece in enumerate(pieces):
            entry = {"content": {"parts": [piece], "role": "model"}, "index": candidate["index"]}
            is_last = index == len(pieces) - 1
            if is_last:
                rest = {key: value for key, value in candidate.items() if key != "content"}
                entry |= rest
            found.append(entry)
    frame = {key: value for key, value in whole.items() if key != "candidates"}
    early = {
        key: value for key, value in whole["usageMetadata"].items() if key.startswith("prompt")
    }
    early["totalTokenCount"] = early["promptTokenCount"]
    return [
        {
            "candidates": [entry],
            **frame,
            "usageMetadata": whole["usageMetadata"] if index == len(found) - 1 else early,
        }
        for index, entry in enumerate(found)
    ]


def error_body(status: int, code: str, message: str, details: list[Any]) -> dict[str, Any]:
    """Return a google.rpc.Status."""
    error = {"code": status, "message": message, "status": code}
    return {"error": {**error, "details": details} if details else error}


def details_of(name: str, model: str, retry_after_s: int | None) -> list[dict[str, Any]]:
    """Return what the service adds to an error."""
    if name == "400":
        violation = {"field": "contents", "description": "Request contains an invalid argument."}
        return [{"@type": f"{_RPC}BadRequest", "fieldViolations": [violation]}]
    if not name.startswith("429"):
        return []
    period = "Day" if name == "429_quota" else "Minute"
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        "quotaId": f"GenerateRequestsPer{period}PerProjectPerModel-FreeTier",
        "quotaDimensions": {"location": "global", "model": model},
        "quotaValue": "10",
    }
    link = {
        "description": "Learn more about Gemini API quotas",
        "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
    }
    return [
        {"@type": f"{_RPC}Help", "links": [link]},
        {"@type": f"{_RPC}QuotaFailure", "violations": [violation]},
        {"@type": f"{_RPC}RetryInfo", "retryDelay": f"{retry_after_s or 1}s"},
    ]


def field_violation(field: str, description: str) -> list[dict[str, Any]]:
    """Return the details of an error in one field."""
    violation = {"field": field, "description": description}
    return [{"@type": f"{_RPC}BadRequest", "fieldViolations": [violation]}]


def bad_key() -> list[dict[str, Any]]:
    """Return the details of a key that is not one."""
    return [
        {
            "@type": f"{_RPC}ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": {"service": "generativelanguage.googleapis.com"},
        }
    ]


def sse(document: dict[str, Any]) -> bytes:
    """Return one chunk on the wire; lines end as the service ends them."""
    return f"data: {json.dumps(document, ensure_ascii=False)}\r\n\r\n".encode()


def array_pieces(found: list[dict[str, Any]]) -> list[bytes]:
    """Return the stream as one JSON array, which is what it is without `alt=sse`."""
    pieces = []
    for index, document in enumerate(found):
        start = "[" if index == 0 else ",\r\n"
        pieces.append(start.encode() + json.dumps(document, ensure_ascii=False).encode())
    return [*pieces, b"]"]


def _candidate(
    received: Received, scenario: Scenario, index: int, *, has_ids: bool
) -> dict[str, Any]:
    parts = _parts(received, scenario, index, has_ids=has_ids)
    # An empty answer has a content without parts.
    content: dict[str, Any] = {"parts": parts, "role": "model"} if parts else {"role": "model"}
    found = {
        "content": content,
        "finishReason": _FINISH.get(scenario.finish, "STOP"),
        "index": index,
    }
    if scenario.finish == "blocked_answer":
        found["safetyRatings"] = _ratings(blocked=True)
    if any(isinstance(part, ToolCall) and part.raw_arguments for part in scenario.parts):
        found |= {
            "content": {"role": "model"},
            "finishReason": "MALFORMED_FUNCTION_CALL",
            "finishMessage": "Malformed function call: call:default_api:get_weather{city",
        }
    return found | _logprobs(received, scenario)


def _parts(
    received: Received, scenario: Scenario, index: int, *, has_ids: bool
) -> list[dict[str, Any]]:
    found, thinks = [], scenario.usage.reasoning_tokens > 0
    calls = 0
    for part in scenario.parts:
        if isinstance(part, Reasoning):
            if wants_thoughts(received.json):
                found.append({"text": part.text, "thought": True})
        elif isinstance(part, ToolCall):
            call: dict[str, Any] = {"name": part.name, "args": part.arguments}
            if has_ids:
                call["id"] = received.identifier("", 8, index, calls)
            entry: dict[str, Any] = {"functionCall": call}
            if calls == 0 and (thinks or has_ids):
                entry["thoughtSignature"] = _signature(received, index)
            found.append(entry)
            calls += 1
        elif isinstance(part, Picture):
            found.append({"inlineData": {"mimeType": part.mime_type, "data": part.data}})
        else:
            found.append({"text": part.text})
    return found


def _signature(received: Received, index: int) -> str:
    return base64.b64encode(received.identifier("sig", 30, index).encode()).decode()


def _usage(scenario: Scenario) -> dict[str, Any]:
    """Return usage as Google counts it: cached input inside the prompt, thoughts beside."""
    usage = scenario.usage
    prompt = usage.all_input_tokens
    found: dict[str, Any] = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": usage.output_tokens,
        "totalTokenCount": prompt + usage.all_output_tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
    }
    if usage.cache_read_tokens:
        cached = usage.cache_read_tokens
        found["cachedContentTokenCount"] = cached
        found["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": cached}]
    if usage.reasoning_tokens:
        found["thoughtsTokenCount"] = usage.reasoning_tokens
    if not usage.output_tokens:
        # Zero is not written, as always in JSON that was a protocol buffer.
        found.pop("candidatesTokenCount")
    return found


def _ratings(*, blocked: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"category": f"HARM_CATEGORY_{name}", "probability": "NEGLIGIBLE"} for name in _CATEGORIES
    ]
    if blocked:
        found[-1] |= {"probability": "HIGH", "blocked": True}
    return found


def _logprobs(received: Received, scenario: Scenario) -> dict[str, Any]:
    if not received.json.get("generationConfig", {}).get("responseLogprobs"):
        return {}
    text = "".join(part.text for part in scenario.parts if isinstance(part, Text))
    chosen = [
        {"token": each, "tokenId": 1000 + index, "logProbability": -0.25}
        for index, each in enumerate(pieces_of(text))
    ]
    top = [{"candidates": [each]} for each in chosen]
    return {
        "avgLogprobs": -0.25,
        "logprobsResult": {"chosenCandidates": chosen, "topCandidates": top},
    }


def _cut(part: dict[str, Any]) -> list[dict[str, Any]]:
    """Words come in pieces, calls and pictures whole."""
    if "text" not in part:
        return [part]
    rest = {key: value for key, value in part.items() if key != "text"}
    return [{"text": each, **rest} for each in pieces_of(part["text"])]
