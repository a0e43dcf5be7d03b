"""The clients that applications use, asked alike and read alike: the rows of the matrix.

Each speaks to the gateway as its users write it, with nothing changed but the base URL. None
retries by itself, so that a test sees the gateway's own answer.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anthropic
import openai
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_openai import ChatOpenAI

from vendors.said import DOCUMENT_SCHEMA, WEATHER_SCHEMA
from vendors.scenarios import RED_DOT_PNG

KEY = "any"
QUESTION = "hello there"
MAX_TOKENS = 4096
IMAGE_URL = f"data:image/png;base64,{RED_DOT_PNG}"
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": WEATHER_SCHEMA,
    },
}


@dataclass(frozen=True)
class Wish:
    """What a request is to have."""

    stream: bool = False
    tools: bool = False
    schema: bool = False
    image: bool = False
    reasoning: bool = False


@dataclass
class Seen:
    """What an application sees of an answer."""

    text: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    reasoning: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None


class StatusSeenError(Exception):
    """The client raised for an answer with this status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


Ask = Callable[[str, str, Wish], Seen]
"""Base URL without a path, model and wish to what is seen; raises StatusSeenError."""


def openai_chat(url: str, model: str, wish: Wish) -> Seen:
    """Ask with the official `openai` client, chat completions."""
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0)
    content: Any = QUESTION
    if wish.image:
        content = [
            {"type": "text", "text": QUESTION},
            {"type": "image_url", "image_url": {"url": IMAGE_URL}},
        ]
    options: dict[str, Any] = {}
    if wish.tools:
        options["tools"] = [TOOL]
    if wish.schema:
        form = {"name": "weather", "schema": DOCUMENT_SCHEMA, "strict": True}
        options["response_format"] = {"type": "json_schema", "json_schema": form}
    if wish.reasoning:
        options["reasoning_effort"] = "low"
    messages: Any = [{"role": "user", "content": content}]
    try:
        with client:
            if wish.stream:
                return _chat_stream(
                    client.chat.completions.create(
                        model=model,
                        messages=messages,
                        stream=True,
                        stream_options={"include_usage": True},
                        **options,
                    )
                )
            return _chat_whole(
                client.chat.completions.create(model=model, messages=messages, **options)
            )
    except openai.APIStatusError as error:
        raise StatusSeenError(error.status_code, str(error)) from error


def _chat_whole(answer: Any) -> Seen:
    message = answer.choices[0].message
    return Seen(
        message.content or "",
        [
            (call.function.name, json.loads(call.function.arguments))
            for call in message.tool_calls or []
        ],
        _thoughts(message),
        answer.usage.prompt_tokens,
        answer.usage.completion_tokens,
    )


def _thoughts(message: Any) -> str:
    """Return the reasoning beside an answer, under either of the names that servers give it."""
    found = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
    return found or ""


def _chat_stream(chunks: Any) -> Seen:
    seen = Seen()
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for chunk in chunks:
        if chunk.usage is not None:
            seen.input_tokens = chunk.usage.prompt_tokens
            seen.output_tokens = chunk.usage.completion_tokens
        for choice in chunk.choices:
            seen.text += choice.delta.content or ""
            seen.reasoning += _thoughts(choice.delta)
            for call in choice.delta.tool_calls or []:
                names[call.index] = names.get(call.index, "") + (call.function.name or "")
                arguments[call.index] = arguments.get(call.index, "") + (
                    call.function.arguments or ""
                )
    seen.calls = [(names[at], json.loads(arguments[at])) for at in sorted(names)]
    return seen


def openai_responses(url: str, model: str, wish: Wish) -> Seen:
    """Ask with the official `openai` client, the Responses API."""
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0)
    content: list[Any] = [{"type": "input_text", "text": QUESTION}]
    if wish.image:
        content.append({"type": "input_image", "image_url": IMAGE_URL, "detail": "auto"})
    options: dict[str, Any] = {}
    if wish.tools:
        options["tools"] = [{"type": "function", "strict": True, **TOOL["function"]}]
    if wish.schema:
        form = {"name": "weather", "schema": DOCUMENT_SCHEMA, "strict": True}
        options["text"] = {"format": {"type": "json_schema", **form}}
    if wish.reasoning:
        options["reasoning"] = {"effort": "low", "summary": "auto"}
    given: Any = [{"role": "user", "content": content}]
    try:
        with client:
            if not wish.stream:
                return _response(client.responses.create(model=model, input=given, **options))
            last = None
            for event in client.responses.create(model=model, input=given, stream=True, **options):
                last = event
            return _response(last.response if last is not None else None)
    except openai.APIStatusError as error:
        raise StatusSeenError(error.status_code, str(error)) from error


def _response(response: Any) -> Seen:
    items = response.output
    return Seen(
        response.output_text,
        [(item.name, json.loads(item.arguments)) for item in items if item.type == "function_call"],
        "".join(part.text for item in items if item.type == "reasoning" for part in item.summary),
        response.usage.input_tokens,
        response.usage.output_tokens,
    )


def anthropic_messages(url: str, model: str, wish: Wish) -> Seen:
    """Ask with the official `anthropic` client."""
    client = anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=0)
    content: list[Any] = [{"type": "text", "text": QUESTION}]
    if wish.image:
        source = {"type": "base64", "media_type": "image/png", "data": RED_DOT_PNG}
        content.append({"type": "image", "source": source})
    options: dict[str, Any] = {}
    if wish.tools:
        options["tools"] = [{"name": "get_weather", "input_schema": WEATHER_SCHEMA}]
    if wish.schema:
        form = {"type": "json_schema", "schema": DOCUMENT_SCHEMA}
        options["output_config"] = {"format": form}
    if wish.reasoning:
        options["thinking"] = {"type": "enabled", "budget_tokens": 1024}
    messages: Any = [{"role": "user", "content": content}]
    try:
        with client:
            if not wish.stream:
                return _message(
                    client.messages.create(
                        model=model, max_tokens=MAX_TOKENS, messages=messages, **options
                    )
                )
            with client.messages.stream(
                model=model, max_tokens=MAX_TOKENS, messages=messages, **options
            ) as stream:
                return _message(stream.get_final_message())
    except anthropic.APIStatusError as error:
        raise StatusSeenError(error.status_code, str(error)) from error


def _message(message: Any) -> Seen:
    blocks = message.content
    return Seen(
        "".join(block.text for block in blocks if block.type == "text"),
        [(block.name, block.input) for block in blocks if block.type == "tool_use"],
        "".join(block.thinking for block in blocks if block.type == "thinking"),
        message.usage.input_tokens,
        message.usage.output_tokens,
    )


def langchain_openai(url: str, model: str, wish: Wish) -> Seen:
    """Ask with LangChain's `ChatOpenAI`."""
    options: dict[str, Any] = {"reasoning_effort": "low"} if wish.reasoning else {}
    chat = ChatOpenAI(
        base_url=f"{url}/v1", api_key=KEY, model=model, max_retries=0, stream_usage=True, **options
    )
    try:
        return _langchain(chat, wish)
    except openai.APIStatusError as error:
        raise StatusSeenError(error.status_code, str(error)) from error


def langchain_anthropic(url: str, model: str, wish: Wish) -> Seen:
    """Ask with LangChain's `ChatAnthropic`."""
    options: dict[str, Any] = {}
    if wish.reasoning:
        options["thinking"] = {"type": "enabled", "budget_tokens": 1024}
    chat = ChatAnthropic(
        base_url=url, api_key=KEY, model=model, max_retries=0, max_tokens=MAX_TOKENS, **options
    )
    try:
        return _langchain(chat, wish)
    except anthropic.APIStatusError as error:
        raise StatusSeenError(error.status_code, str(error)) from error


def _langchain(chat: Any, wish: Wish) -> Seen:
    content: Any = QUESTION
    if wish.image:
        content = [
            {"type": "text", "text": QUESTION},
            {"type": "image_url", "image_url": {"url": IMAGE_URL}},
        ]
    bound = chat
    if wish.tools:
        bound = chat.bind_tools([TOOL])
    if wish.schema:
        schema = {"title": "weather", **DOCUMENT_SCHEMA}
        bound = chat.with_structured_output(schema, method="json_schema", include_raw=True)
    question = [{"role": "user", "content": content}]
    if wish.schema:
        return _langchain_message(bound.invoke(question)["raw"])
    if not wish.stream:
        return _langchain_message(bound.invoke(question))
    whole: AIMessageChunk | None = None
    for chunk in bound.stream(question):
        whole = chunk if whole is None else whole + chunk
    if whole is None:
        raise AssertionError("nothing was streamed")
    return _langchain_message(whole)


def _langchain_message(message: BaseMessage) -> Seen:
    if not isinstance(message, AIMessage):
        raise TypeError(type(message))
    usage = message.usage_metadata
    thoughts = [
        block["reasoning"]
        for block in message.content_blocks
        if block["type"] == "reasoning" and "reasoning" in block
    ]
    return Seen(
        message.text,
        [(call["name"], call["args"]) for call in message.tool_calls],
        "".join(thoughts),
        usage["input_tokens"] if usage is not None else None,
        usage["output_tokens"] if usage is not None else None,
    )
