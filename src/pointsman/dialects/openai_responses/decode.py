"""A request for a response to the canonical form."""

from typing import Literal, cast

import msgspec
from msgspec import Raw

from pointsman.core.canonical.conversation import (
    Conversation,
    OutputFormat,
    ProviderTool,
    ReasoningWish,
    Tool,
    ToolChoice,
    Turn,
)
from pointsman.core.canonical.parts import TextPart
from pointsman.core.errors import InvalidRequestError
from pointsman.dialects.openai_responses.items import turn_of
from pointsman.dialects.openai_responses.read import SYSTEM_ROLES
from pointsman.dialects.reading import read_body
from pointsman.wire.openai.responses import (
    InputItem,
    ResponsesRequest,
    TextConfig,
    decode_request,
)
from pointsman.wire.openai.responses import Tool as WireTool

_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode
_KNOWN = frozenset(ResponsesRequest.__struct_encode_fields__)
_NULL = b"null"
_KEPT_BY_PROVIDER = ("previous_response_id", "conversation", "prompt", "background")
"""What refers to something that the provider keeps: another provider knows nothing of it."""
_WITHOUT_EFFECT = {"truncation": b'"disabled"', "background": b"false", "stream_options": b"{}"}
"""Parameters whose value is what happens anyway."""


def decode_response_request(body: bytes, dialect: str) -> Conversation:
    """Decode the body of a request.

    Raises:
        InvalidRequestError: A part cannot be understood, or refers to what only the provider that
            made it keeps; the message says where.
    """
    request = read_body(decode_request, body, "a responses request")
    fields = _decode_fields(body)
    _refuse_kept(fields)
    system, turns = _turns(request)
    tools = request.tools or []
    reasoning = request.reasoning
    return Conversation(
        dialect=dialect,
        model=request.model,
        system=system,
        turns=turns,
        tools=[_tool(tool) for tool in tools if tool.type == "function"],
        provider_tools=_provider_tools(tools, fields),
        tool_choice=_choice(request.tool_choice),
        parallel_tool_calls=request.parallel_tool_calls,
        output=_output(request.text),
        max_output_tokens=request.max_output_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        top_logprobs=request.top_logprobs,
        reasoning=ReasoningWish(reasoning.effort, summary=reasoning.summary)
        if reasoning is not None
        else None,
        verbosity=request.text.verbosity if request.text is not None else None,
        service_tier=request.service_tier,
        user=request.user,
        stream=bool(request.stream),
        extras=_extras(fields),
    )


def _refuse_kept(fields: dict[str, Raw]) -> None:
    for name in _KEPT_BY_PROVIDER:
        raw = bytes(fields.get(name, Raw(_NULL)))
        if raw not in (_NULL, _WITHOUT_EFFECT.get(name)):
            raise InvalidRequestError(
                f"{name} refers to what one provider keeps, and the target is another API: send"
                " the whole conversation in `input`, or name a target that has /v1/responses",
                param=name,
                code="unsupported_parameter",
            )


def _extras(fields: dict[str, Raw]) -> dict[str, Raw]:
    return {
        name: raw
        for name, raw in fields.items()
        if name not in _KNOWN and bytes(raw) not in (_NULL, _WITHOUT_EFFECT.get(name))
    }


def _turns(request: ResponsesRequest) -> tuple[list[TextPart], list[Turn]]:
    system = [TextPart(request.instructions)] if request.instructions else []
    if isinstance(request.input, str):
        return system, [Turn("user", [TextPart(request.input)])]
    if not request.input:
        raise InvalidRequestError("input must not be empty", param="input")
    turns: list[Turn] = []
    for index, item in enumerate(request.input):
        turn = turn_of(item, f"input[{index}]")
        if turn.role == "system" and not turns:
            system += [part for part in turn.parts if isinstance(part, TextPart)]
        elif turns and _continues(turns[-1], turn, item):
            turns[-1].parts += turn.parts
        else:
            turns.append(turn)
    return system, turns


def _continues(before: Turn, turn: Turn, item: InputItem) -> bool:
    """Tell whether an item belongs to the turn before: one turn is several items in this API."""
    return (
        before.role == turn.role
        and turn.role not in SYSTEM_ROLES
        and (item.type != "message" or turn.role == "assistant")
    )


def _tool(tool: WireTool) -> Tool:
    schema = Raw(_encode(tool.parameters)) if tool.parameters is not None else None
    return Tool(tool.name, tool.description, schema, strict=tool.strict)


def _provider_tools(tools: list[WireTool], fields: dict[str, Raw]) -> list[ProviderTool]:
    if all(tool.type == "function" for tool in tools):
        return []
    written = msgspec.json.decode(fields["tools"], type=list[Raw])
    return [
        ProviderTool(tool.type, definition)
        for tool, definition in zip(tools, written, strict=True)
        if tool.type != "function"
    ]


def _choice(choice: str | dict[str, object] | None) -> ToolChoice | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in ("auto", "none", "required"):
            raise InvalidRequestError(
                "tool_choice must be auto, none, required or a function", param="tool_choice"
            )
        return ToolChoice(cast("Literal['auto', 'none', 'required']", choice))
    name = choice.get("name")
    if choice.get("type") != "function" or not isinstance(name, str):
        raise InvalidRequestError(
            "tool_choice: other providers can be told of one function only",
            param="tool_choice",
            code="unsupported_parameter",
        )
    return ToolChoice("named", name)


def _output(text: TextConfig | None) -> OutputFormat | None:
    form = text.format if text is not None else None
    if form is None or form.type in ("", "text"):
        return None
    if form.type == "json_object":
        return OutputFormat("json")
    schema = Raw(_encode(form.schema)) if form.schema is not None else None
    return OutputFormat("json_schema", form.name, form.description, schema, form.strict)
