"""A chat completion request to the canonical conversation. Messages are read by `messages`.

Nothing is dropped: what has no place of its own is kept by name in `extras`. Errors name the path
and never a value, which may be a prompt.
"""

from collections.abc import Callable
from typing import Literal, TypeVar

import msgspec
from msgspec import Raw, structs

from pointsman.core.canonical.conversation import (
    Conversation,
    OutputFormat,
    ProviderTool,
    ReasoningWish,
    Tool,
    ToolChoice,
)
from pointsman.core.errors import InvalidRequestError
from pointsman.dialects.openai_chat.messages import decode_messages, invalid
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.openai import chat_request as wire

T = TypeVar("T")

NAME = "openai.chat"
_NOT_EXTRAS = frozenset(field.encode_name for field in structs.fields(wire.FullRequest)) | {
    # Said by the gateway itself, or meant for it.
    "stream_options",
    "metadata",
    "tenant_id",
}
_SAYS_NOTHING = {
    # Defaults that clients write out: https://platform.openai.com/docs/api-reference/chat/create
    # (read 2026-11).
    "store": b"false",
    "modalities": b'["text"]',
    "logit_bias": b"{}",
}


def decode(body: bytes) -> Conversation:
    """Decode the body of a chat completion request.

    Raises:
        InvalidRequestError: Not JSON, of another shape, or with something that has no canonical
            form (calls of `custom` tools, earlier answers in sound); `param` is its path.
    """
    try:
        request = wire.decode_full_request(body)
        fields = wire.decode_fields(body)
    except msgspec.ValidationError as error:
        raise _misshapen(error) from None
    except MALFORMED as error:
        raise InvalidRequestError(
            f"the body is not valid JSON: {error}", code="invalid_json"
        ) from None
    if not request.messages:
        raise invalid("messages", "must not be empty")
    return _conversation(request, fields)


def _conversation(request: wire.FullRequest, fields: dict[str, Raw]) -> Conversation:
    system, turns = decode_messages(request.messages)
    extras = _extras(fields)
    output = _output(request.response_format, fields, extras)
    choice, allowed = _tool_choice(request)
    tools, provider_tools = _tools(request, allowed)
    wants_logprobs = request.logprobs or None
    return Conversation(
        dialect=NAME,
        model=request.model,
        system=system,
        turns=turns,
        tools=tools,
        provider_tools=provider_tools,
        tool_choice=choice,
        parallel_tool_calls=request.parallel_tool_calls,
        output=output,
        max_output_tokens=_first(request.max_completion_tokens, request.max_tokens),
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        frequency_penalty=request.frequency_penalty,
        presence_penalty=request.presence_penalty,
        stop=_stop(request.stop),
        seed=request.seed,
        # One choice and no log probabilities are what a request without these says, too.
        choice_count=request.n if request.n != 1 else None,
        logprobs=wants_logprobs,
        top_logprobs=request.top_logprobs if wants_logprobs else None,
        reasoning=_reasoning(request),
        verbosity=request.verbosity,
        service_tier=request.service_tier,
        user=request.user,
        stream=bool(request.stream),
        calls_are_functions=request.functions is not None,
        extras=extras,
    )


def _extras(fields: dict[str, Raw]) -> dict[str, Raw]:
    """Return the parameters that have no place of their own; null says nothing."""
    return {
        name: value
        for name, value in fields.items()
        if name not in _NOT_EXTRAS
        and bytes(value) != b"null"
        and bytes(value).replace(b" ", b"") != _SAYS_NOTHING.get(name)
    }


def _output(
    wanted: wire.ResponseFormat | None, fields: dict[str, Raw], extras: dict[str, Raw]
) -> OutputFormat | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return OutputFormat("json")
    if wanted.type != "json_schema":
        # Some server's own, such as a grammar.
        extras["response_format"] = fields["response_format"]
        return None
    schema = wanted.json_schema
    if schema is None:
        raise invalid("response_format.json_schema", "is missing")
    return OutputFormat(
        "json_schema",
        name=schema.name,
        description=schema.description,
        schema=_said(schema.schema),
        strict=schema.strict,
    )


def _tools(
    request: wire.FullRequest, allowed: frozenset[str] | None
) -> tuple[list[Tool], list[ProviderTool]]:
    tools = [_tool(spec) for spec in request.functions or ()]
    provider_tools: list[ProviderTool] = []
    for position, definition in enumerate(request.tools or ()):
        path = f"tools[{position}]"
        kind = _decode_at(wire.decode_kind, definition, path).type
        if kind == "function":
            tools.append(_tool(_decode_at(wire.decode_function_tool, definition, path).function))
        else:
            provider_tools.append(ProviderTool(kind, definition))
    if allowed is not None:
        tools = [tool for tool in tools if tool.name in allowed]
    return tools, provider_tools


def _tool(spec: wire.FunctionSpec) -> Tool:
    return Tool(spec.name, spec.description, _said(spec.parameters), spec.strict)


def _tool_choice(request: wire.FullRequest) -> tuple[ToolChoice | None, frozenset[str] | None]:
    """Return the choice, and the names of the tools that it leaves; None leaves all."""
    wanted = request.tool_choice
    path = "tool_choice"
    if wanted is None and request.function_call is not None:
        path = "function_call"
        if isinstance(request.function_call, wire.Named):
            return ToolChoice("named", request.function_call.name), None
        wanted = request.function_call
    if wanted is None:
        return None, None
    if isinstance(wanted, str):
        return ToolChoice(_mode(wanted, path)), None
    if wanted.function is not None:
        return ToolChoice("named", wanted.function.name), None
    if wanted.allowed_tools is not None:
        return _allowed(wanted.allowed_tools)
    raise invalid(f"{path}.type", "only functions can be chosen at this provider")


def _allowed(allowed: wire.AllowedTools) -> tuple[ToolChoice, frozenset[str]]:
    """Leave only the allowed tools, which lets and makes the model do the same."""
    names = frozenset(tool.function.name for tool in allowed.tools if tool.function is not None)
    return ToolChoice(_mode(allowed.mode, "tool_choice.allowed_tools.mode")), names


def _mode(word: str, path: str) -> Literal["auto", "none", "required"]:
    match word:
        case "auto" | "none" | "required":
            return word
        case _:
            raise invalid(path, "must be `auto`, `none`, `required` or name a function")


def _reasoning(request: wire.FullRequest) -> ReasoningWish | None:
    effort = request.reasoning_effort
    return ReasoningWish(effort=effort) if effort is not None else None


def _stop(stop: str | list[str] | None) -> list[str]:
    if stop is None:
        return []
    return [stop] if isinstance(stop, str) else stop


def _first(*counts: int | None) -> int | None:
    return next((count for count in counts if count is not None), None)


def _said(value: Raw) -> Raw | None:
    """Return a value that is present and not null."""
    return value if bytes(value) not in (b"", b"null") else None


def _decode_at(decoder: Callable[[Raw], T], value: Raw, path: str) -> T:
    try:
        return decoder(value)
    except msgspec.ValidationError as error:
        raise _misshapen(error, path) from None


def _misshapen(error: msgspec.ValidationError, path: str = "") -> InvalidRequestError:
    """Return the error for a value of another type than documented."""
    what, _, place = str(error).partition(" - at `$")
    inner = place.removesuffix("`")
    return invalid(f"{path}{inner}".lstrip(".") or "body", what)
