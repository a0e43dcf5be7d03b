"""A canonical conversation in the words of Ollama's own API.

Source: https://docs.ollama.com/api/chat and /embed (read 2026-11). Tool arguments are objects,
pictures bare base64, most parameters options of the model. What it has no word for is handed to
`parameters`. Turns are written by `turns`.
"""

import msgspec
from msgspec import Raw

from pointsman.core.canonical.conversation import Conversation, OutputFormat, Tool
from pointsman.core.canonical.embedding import EmbeddingRequest
from pointsman.core.target import LocalRun
from pointsman.providers.ollama.turns import encode_messages
from pointsman.providers.ollama.window import Window
from pointsman.providers.parameters import Parameters

Fields = dict[str, object]

_encode = msgspec.json.Encoder().encode
_EMPTY_SCHEMA = Raw(b'{"type":"object","properties":{}}')
# https://docs.ollama.com/capabilities/thinking (read 2026-11): only these take words.
_LEVEL_MODELS = "gpt-oss"
_LEVELS = frozenset({"low", "medium", "high", "max"})


def encode_conversation(
    conversation: Conversation,
    model: str,
    window: Window,
    local: LocalRun | None,
    parameters: Parameters,
) -> bytes:
    """Return the body for `/api/chat`.

    Raises:
        UpstreamError: The conversation says what cannot be carried; see `Parameters`.
    """
    fields: Fields = {
        "model": model,
        "messages": encode_messages(conversation, parameters),
        "stream": conversation.stream,
        # An error instead of a prompt that is cut, or moved out of a full context, without a word.
        "truncate": False,
        "shift": False,
    }
    _put_tools(fields, conversation, parameters)
    _put_format(fields, conversation.output)
    _put_think(fields, conversation, model, parameters)
    options = _options(conversation)
    if window.size is not None:
        options["num_ctx"] = window.size
        parameters.note("num_ctx", f"{window.size}, for about {window.prompt_tokens} tokens")
    if options:
        fields["options"] = options
    if local is not None and local.keep_alive is not None:
        fields["keep_alive"] = local.keep_alive
    if conversation.logprobs:
        fields["logprobs"] = True
        if conversation.top_logprobs is not None:
            fields["top_logprobs"] = conversation.top_logprobs
    _drop_the_rest(conversation, parameters)
    return _encode(fields)


def encode_embedding(
    request: EmbeddingRequest, model: str, local: LocalRun | None, parameters: Parameters
) -> bytes:
    """Return the body for `/api/embed`.

    Raises:
        UpstreamError: The inputs are token ids, which only their own model's words give.
    """
    if request.tokens:
        raise parameters.refusal("input", "as token ids is not taken")
    fields: Fields = {"model": model, "input": request.texts, "truncate": False}
    if request.dimensions is not None:
        fields["dimensions"] = request.dimensions
    if local is not None and local.keep_alive is not None:
        fields["keep_alive"] = local.keep_alive
    if local is not None and local.windows:
        fields["options"] = {"num_ctx": local.windows[-1]}
    for name in _said(user=request.user, **request.extras):
        # The form of the numbers is the answer's business, not the model's.
        if name != "encoding_format":
            parameters.drop(name)
    return _encode(fields)


def _put_tools(fields: Fields, conversation: Conversation, parameters: Parameters) -> None:
    for provider_tool in conversation.provider_tools:
        parameters.drop(f"tools.{provider_tool.type}")
    tools, choice = conversation.tools, conversation.tool_choice
    if choice is not None and tools:
        if choice.mode == "none":
            parameters.note("tool_choice", "none -> no tools")
            tools = []
        elif choice.mode == "named":
            parameters.map("tool_choice", "named -> that tool alone")
            tools = [tool for tool in tools if tool.name == choice.name]
        elif choice.mode == "required":
            parameters.drop("tool_choice")
    if tools:
        if any(tool.strict for tool in tools):
            parameters.drop("tools.strict")
        fields["tools"] = [_tool(tool) for tool in tools]
    if conversation.parallel_tool_calls is False and tools:
        parameters.drop("parallel_tool_calls")


def _tool(tool: Tool) -> Fields:
    function: Fields = {"name": tool.name, "parameters": tool.schema or _EMPTY_SCHEMA}
    if tool.description is not None:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _put_format(fields: Fields, output: OutputFormat | None) -> None:
    if output is not None:
        fields["format"] = output.schema or "json"


def _put_think(
    fields: Fields, conversation: Conversation, model: str, parameters: Parameters
) -> None:
    wish = conversation.reasoning
    if wish is None:
        return
    if wish.summary is not None:
        parameters.drop("reasoning.summary")
    if wish.effort == "none":
        fields["think"] = False
        return
    takes_levels = model.rpartition("/")[2].startswith(_LEVEL_MODELS)
    if takes_levels and wish.effort in _LEVELS:
        fields["think"] = wish.effort
        return
    said = f"effort {wish.effort}" if wish.effort else f"budget {wish.budget_tokens}"
    fields["think"] = True
    if not wish.is_adaptive:
        parameters.map("reasoning", f"{said} -> thinks")


def _options(conversation: Conversation) -> Fields:
    return _said(
        num_predict=conversation.max_output_tokens,
        temperature=conversation.temperature,
        top_p=conversation.top_p,
        top_k=conversation.top_k,
        frequency_penalty=conversation.frequency_penalty,
        presence_penalty=conversation.presence_penalty,
        seed=conversation.seed,
        stop=conversation.stop or None,
    )


def _drop_the_rest(conversation: Conversation, parameters: Parameters) -> None:
    lacking = _said(
        n=conversation.choice_count,
        verbosity=conversation.verbosity,
        service_tier=conversation.service_tier,
        user=conversation.user,
        **conversation.extras,
    )
    for name in lacking:
        parameters.drop(name)


def _said(**fields: object) -> Fields:
    return {name: value for name, value in fields.items() if value is not None}
