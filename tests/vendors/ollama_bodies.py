"""Ollama's answers: whole chats, the lines of a stream, the descriptions of models.

Shapes follow docs/api.md and docs/api/errors of the Ollama repository, read 2026-11. The lines are
made from the whole chat, so both say the same.
"""

import hashlib
import json
from typing import Any

from vendors.scenarios import Reasoning, Scenario, Text, ToolCall, pieces_of
from vendors.vectors import tokens_of
from vendors.vendor_server import Received

CREATED_AT = "2026-11-21T12:00:00.123456Z"
EXPIRES_AT = "2026-11-21T12:05:00.123456Z"
_SECOND_NS = 1_000_000_000
_SIZE_BYTES = 4_661_224_676
ERRORS = {
    "400": (400, "invalid request"),
    # The cloud's models want a key.
    "401": (401, "unauthorized"),
    "403": (403, "this model requires a subscription, upgrade for access"),
    "404": (404, ""),
    "413": (413, "request body too large"),
    "429": (429, "too many concurrent requests"),
    "429_quota": (429, "you've reached your hourly usage limit, please upgrade to continue"),
    "500": (500, "llama runner process has terminated: exit status 2"),
    "503": (503, "server busy, please try again.  maximum pending requests exceeded"),
    # Ollama has no 529.
    "529": (503, "server busy, please try again.  maximum pending requests exceeded"),
    "context": (400, "the input length exceeds the context length"),
}
"""By the scenario's error: status, message."""


def chat(
    received: Received, scenario: Scenario, *, context: int, rate: float, has_ids: bool
) -> dict[str, Any]:
    """Return the whole answer.

    `context` is the window in tokens, beyond which a prompt is cut without a word; `rate` is
    the speed in output tokens a second that the durations tell.
    """
    thoughts = "".join(part.text for part in scenario.parts if isinstance(part, Reasoning))
    spoken = (part for part in scenario.parts if not isinstance(part, Reasoning | ToolCall))
    calls = [part for part in scenario.parts if isinstance(part, ToolCall)]
    message: dict[str, Any] = {"role": "assistant", "content": "".join(_text(p) for p in spoken)}
    if thoughts and received.json.get("think") is not False:
        message["thinking"] = thoughts
    if calls:
        message["tool_calls"] = [
            _call(received, call, index, has_ids=has_ids) for index, call in enumerate(calls)
        ]
    found = {
        "model": received.model,
        "created_at": CREATED_AT,
        "message": message,
        "done": True,
        "done_reason": "length" if scenario.finish == "length" else "stop",
        **_metrics(received, scenario, context, rate),
    }
    if received.json.get("logprobs"):
        most = received.json.get("top_logprobs") or 0
        found["logprobs"] = [_logprob(each, most) for each in pieces_of(message["content"])]
    return found


def lines(whole: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the lines that add up to the whole answer."""
    message = whole["message"]
    sent: list[dict[str, Any]] = [
        {"content": "", "thinking": each} for each in pieces_of(message.get("thinking", ""))
    ]
    sent += [{"content": each} for each in pieces_of(message["content"])]
    if "tool_calls" in message:
        sent += [{"content": "", "tool_calls": [each]} for each in message["tool_calls"]]
    frame = {"model": whole["model"], "created_at": whole["created_at"]}
    found = [{**frame, "message": {"role": "assistant", **each}, "done": False} for each in sent]
    if "logprobs" in whole:
        worded = [each for each in found if each["message"]["content"]]
        for each, logprob in zip(worded, whole["logprobs"], strict=True):
            each["logprobs"] = [logprob]
    last = {key: value for key, value in whole.items() if key != "logprobs"}
    return [*found, {**last, "message": {"role": "assistant", "content": ""}}]


def loaded(model: str, reason: str) -> dict[str, Any]:
    """Return the answer to a chat without messages, which loads or unloads a model."""
    return {
        "model": model,
        "created_at": CREATED_AT,
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": reason,
    }


def line(document: dict[str, Any]) -> bytes:
    """Return one line on the wire."""
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def described(model: str) -> dict[str, Any]:
    """Return what the lists say of a model."""
    return {
        "name": model,
        "model": model,
        "size": _SIZE_BYTES,
        "digest": hashlib.sha256(model.encode()).hexdigest(),
        "details": _details(),
    }


def shown(model: str, capabilities: list[str], context: int) -> dict[str, Any]:
    """Return what `/api/show` says of a model; `context` is what it was trained for."""
    return {
        "license": "A licence",
        "modelfile": f"FROM {model}",
        "parameters": 'stop                           "<|eot_id|>"',
        "template": "{{ .Prompt }}",
        "details": _details(),
        "model_info": {
            "general.architecture": "llama",
            "general.parameter_count": 8030261248,
            "llama.context_length": context,
            "llama.embedding_length": 4096,
        },
        "capabilities": capabilities,
        "modified_at": CREATED_AT,
    }


def prompt_tokens(received: Received, scenario: Scenario) -> int:
    """Return the prompt's length: the scenario's, or the real one where that is longer."""
    texts = [message.get("content", "") for message in received.json.get("messages", ())]
    return max(scenario.usage.all_input_tokens, tokens_of("".join(texts)))


def _metrics(received: Received, scenario: Scenario, context: int, rate: float) -> dict[str, Any]:
    prompt = min(prompt_tokens(received, scenario), context)
    spent = scenario.usage.all_output_tokens
    duration = int(spent / rate * _SECOND_NS)
    load, reading = 40_000_000, prompt * 1_000_000
    return {
        "total_duration": load + reading + duration,
        "load_duration": load,
        "prompt_eval_count": prompt,
        "prompt_eval_duration": reading,
        "eval_count": spent,
        "eval_duration": duration,
    }


def _call(received: Received, call: ToolCall, index: int, *, has_ids: bool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": call.name, "arguments": call.arguments}
    if not has_ids:
        return {"function": function}
    return {
        "id": received.identifier("call_", 8, index),
        "function": {"index": index, **function},
    }


def _text(part: Any) -> str:
    if isinstance(part, Text) or hasattr(part, "text"):
        return part.text
    raise TypeError("this vendor answers without pictures")


def _logprob(token: str, most: int) -> dict[str, Any]:
    entry = {"token": token, "logprob": -0.25}
    return {**entry, "top_logprobs": [entry] * most} if most else entry


def _details() -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": "8.0B",
        "quantization_level": "Q4_K_M",
    }
