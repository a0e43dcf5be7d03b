"""What Ollama refuses in a request, and what a scenario may look for in one.

The types follow `api/types.go` and docs/api.md of the Ollama repository (fields of 0.12 and later),
read 2026-11. Ollama itself passes over unknown fields; here they are refused by name, since a
field that the server does not know is a field that the gateway has lost.
"""

import base64
import binascii
from typing import Any, Literal, Required, TypedDict

from ollama import Options

from vendors.schema_check import SchemaError, check, fields_of

_OPTIONS = {name: field.annotation for name, field in fields_of(Options).items()}
# In the server and not in the SDK.
_OPTIONS |= {"min_p": float, "num_gqa": int}


class Function(TypedDict, total=False):
    """A call as it was sent, and may come back."""

    index: int
    name: Required[str]
    arguments: Required[dict[str, Any]]


class ToolCall(TypedDict, total=False):
    """One call of an assistant's message."""

    id: str
    function: Required[Function]


class Message(TypedDict, total=False):
    """A message of a chat."""

    role: Required[Literal["system", "user", "assistant", "tool"]]
    content: str
    thinking: str
    images: list[str] | None
    tool_calls: list[ToolCall] | None
    tool_name: str
    tool_call_id: str


class FunctionDeclaration(TypedDict, total=False):
    """A tool's name and schema."""

    name: Required[str]
    description: str
    parameters: dict[str, Any]


class Tool(TypedDict, total=False):
    """A tool that the model may call."""

    type: Required[Literal["function"]]
    function: Required[FunctionDeclaration]


class ChatRequest(TypedDict, total=False):
    """The body of `/api/chat`."""

    model: Required[str]
    messages: list[Message]
    stream: bool | None
    format: str | dict[str, Any] | None
    keep_alive: float | str | None
    tools: list[Tool] | None
    options: dict[str, Any] | None
    think: bool | Literal["low", "medium", "high", "max"] | None
    truncate: bool | None
    shift: bool | None
    logprobs: bool | None
    top_logprobs: int | None


class EmbedRequest(TypedDict, total=False):
    """The body of `/api/embed`."""

    model: Required[str]
    input: Required[str | list[str]]
    truncate: bool | None
    dimensions: int | None
    keep_alive: float | str | None
    options: dict[str, Any] | None


class ShowRequest(TypedDict, total=False):
    """The body of `/api/show`."""

    model: Required[str]
    verbose: bool


def refusal_of(body: Any, schema: Any) -> str | None:
    """Return what is wrong with a body; None for nothing."""
    try:
        check(body, schema)
    except SchemaError as error:
        if error.kind == "missing" and error.path == ("model",):
            return "model is required"
        if error.kind == "unknown":
            return f'json: unknown field "{error.where}"'
        if error.kind == "missing":
            return f"missing field {error.where}"
        got = type(error.got).__name__
        return f"json: cannot unmarshal {got} into field {error.where} of type {error.expected}"
    rules = (_refusal_of_options, _refusal_of_format, _refusal_of_images)
    return next((said for rule in rules if (said := rule(body))), None)


def present_in(body: dict[str, Any]) -> dict[str, bool]:
    """Return which of the things that scenarios expect are in the request."""
    messages = body.get("messages", [])
    options = body.get("options") or {}
    return {
        "image": any(message.get("images") for message in messages),
        "tools": bool(body.get("tools")),
        "json_schema": isinstance(body.get("format"), dict),
        "several_system": sum(message["role"] == "system" for message in messages) > 1,
        "stop": bool(options.get("stop")),
        "max_tokens": bool(options.get("num_predict")),
        "reasoning": bool(body.get("think")),
    }


def _refusal_of_options(body: dict[str, Any]) -> str | None:
    for name, value in (body.get("options") or {}).items():
        if name not in _OPTIONS:
            return f'invalid option provided: "{name}"'
        try:
            check(value, _OPTIONS[name], (name,))
        except SchemaError as error:
            expected = error.expected.removesuffix(" or null")
            return f'option "{name}" must be of type {expected}'
    return None


def _refusal_of_format(body: dict[str, Any]) -> str | None:
    form = body.get("format")
    if isinstance(form, str) and form not in ("", "json"):
        return f'invalid format: "{form}"; expected "json" or a valid JSON Schema object'
    return None


def _refusal_of_images(body: dict[str, Any]) -> str | None:
    """Pictures are bare base64: neither a data URL nor the URL alphabet."""
    for message in body.get("messages") or ():
        for image in message.get("images") or ():
            try:
                base64.b64decode(image, validate=True)
            except binascii.Error:
                return "illegal base64 data at input byte 4"
    return None
