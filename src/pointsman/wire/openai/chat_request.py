"""Chat completion requests in full, as far as they are translated to another provider's words.

`chat` holds the few fields that every request is read for; this is read only where a body cannot be
passed through. What is not named here is either one of the top level's further parameters, kept by
name, or was never documented.

Sources: https://platform.openai.com/docs/api-reference/chat/create (read 2026-11); the extensions
`reasoning_details` and `cache_control` are OpenRouter's
(https://openrouter.ai/docs/use-cases/reasoning-tokens and
https://openrouter.ai/docs/features/prompt-caching), `extra_content` is Google's
(https://ai.google.dev/gemini-api/docs/openai), `reasoning_content` is DeepSeek's and vLLM's.
"""

import msgspec
from msgspec import Raw, Struct, field


class ImageUrl(Struct):
    """Where a picture is."""

    url: str
    """An address, or `data:<media type>;base64,<data>`."""
    detail: str | None = None


class InputAudio(Struct):
    """Sound."""

    data: str
    """Base64."""
    format: str
    """`wav` or `mp3`."""


class FileReference(Struct):
    """A document."""

    file_data: str | None = None
    """A `data:` URL or base64."""
    file_id: str | None = None
    filename: str | None = None


class CacheMark(Struct):
    """Where what is to be cached ends: `cache_control` or `prompt_cache_breakpoint`."""

    ttl: str | None = None


class Part(Struct):
    """One part of a message's content."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageUrl | str | None = None
    input_audio: InputAudio | None = None
    file: FileReference | None = None
    cache_control: CacheMark | None = None
    prompt_cache_breakpoint: CacheMark | None = None


class Function(Struct):
    """A call that the model made."""

    name: str
    arguments: str
    """JSON as text."""


class GoogleContent(Struct):
    """What Gemini must get back."""

    thought_signature: str | None = None


class ExtraContent(Struct):
    """Google's extension of a tool call."""

    google: GoogleContent | None = None


class CalledTool(Struct):
    """A tool call of an earlier answer."""

    id: str
    type: str = "function"
    function: Function | None = None
    extra_content: ExtraContent | None = None


class ReasoningDetail(Struct, omit_defaults=True):
    """One block of reasoning, with what proves or hides it. Read and written."""

    type: str
    """`reasoning.text`, `reasoning.summary` or `reasoning.encrypted`."""
    text: str | None = None
    summary: str | None = None
    data: str | None = None
    """Of `reasoning.encrypted`."""
    signature: str | None = None
    id: str | None = None
    index: int | None = None
    """Position among the blocks of the answer."""


class Message(Struct):
    """One message, of any role."""

    role: str
    content: str | list[Part] | None = None
    name: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    """The same at OpenRouter and Groq."""
    reasoning_details: list[ReasoningDetail] | None = None
    tool_calls: list[CalledTool] | None = None
    tool_call_id: str | None = None
    function_call: Function | None = None
    """A call of the time before tools."""
    audio: Raw = field(default_factory=Raw)
    """An earlier answer in sound, by its id at the provider."""


class FunctionSpec(Struct):
    """A declared function."""

    name: str
    description: str | None = None
    parameters: Raw = field(default_factory=Raw)
    """JSON Schema."""
    strict: bool | None = None


class FunctionTool(Struct):
    """A declared tool of type `function`."""

    function: FunctionSpec


class Named(Struct):
    """The name of a function."""

    name: str


class AllowedTools(Struct):
    """Of the declared tools, those that may be called now."""

    mode: str
    tools: list["NamedTool"]


class NamedTool(Struct):
    """A tool by its name."""

    type: str
    function: Named | None = None


class ToolChoice(Struct):
    """`tool_choice` where it is an object."""

    type: str
    function: Named | None = None
    allowed_tools: AllowedTools | None = None


class JsonSchema(Struct):
    """The schema that the answer must follow."""

    name: str
    description: str | None = None
    schema: Raw = field(default_factory=Raw)
    strict: bool | None = None


class ResponseFormat(Struct):
    """Which form the output must have."""

    type: str
    json_schema: JsonSchema | None = None


class Kind(Struct):
    """What tells the tools apart."""

    type: str = "function"


class FullRequest(Struct):
    """A whole request.

    The names of its fields are the parameters that have a place of their own in the canonical form.
    """

    messages: list[Message]
    model: str | None = None
    tools: list[Raw] | None = None
    functions: list[FunctionSpec] | None = None
    tool_choice: str | ToolChoice | None = None
    function_call: str | Named | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    """Not OpenAI's, but vLLM's, OpenRouter's and others'."""
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    service_tier: str | None = None
    user: str | None = None
    stream: bool | None = None


decode_full_request = msgspec.json.Decoder(FullRequest).decode
decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
decode_kind = msgspec.json.Decoder(Kind).decode
decode_function_tool = msgspec.json.Decoder(FunctionTool).decode
