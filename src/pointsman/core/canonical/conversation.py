"""A request for an answer to a conversation, in no vendor's words."""

from typing import Literal

from msgspec import Raw, Struct, field

from pointsman.core.canonical.parts import CacheHint, Part, TextPart


class Turn(Struct, omit_defaults=True):
    """What one side said. Tool results are parts of a user turn.

    Consecutive messages of one role stay apart; providers that want them joined join them.
    """

    role: Literal["user", "assistant", "system"]
    """`system` only for instructions in the middle; those at the head are `Conversation.system`."""
    parts: list[Part]
    name: str | None = None
    """Who spoke, where the dialect has a name for that."""


class Tool(Struct, omit_defaults=True):
    """A function that the client can call."""

    name: str
    description: str | None = None
    schema: Raw | None = None
    """JSON Schema of the arguments, as the client wrote it; None takes no arguments."""
    strict: bool | None = None
    """Whether the arguments must follow the schema exactly."""
    cache: CacheHint | None = None


class ProviderTool(Struct, omit_defaults=True):
    """A tool that the provider runs itself, such as a web search."""

    type: str
    """In the words of the client's dialect, as in `web_search_20250305`."""
    definition: Raw
    """As the client wrote it, in its dialect."""


class ToolChoice(Struct, frozen=True, omit_defaults=True):
    """Whether tools may, must or must not be called."""

    mode: Literal["auto", "none", "required", "named"]
    name: str | None = None
    """The one function, for `named`."""


class OutputFormat(Struct, omit_defaults=True):
    """Which form the text of the answer must have."""

    kind: Literal["json", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: Raw | None = None
    strict: bool | None = None


class ReasoningWish(Struct, frozen=True, omit_defaults=True):
    """How much the model is to think before it answers."""

    effort: str | None = None
    """`none`, `minimal`, `low`, `medium`, `high`, `xhigh`; None leaves it to the model."""
    budget_tokens: int | None = None
    """The same as a number of tokens, where the dialect counts."""
    summary: str | None = None
    """Whether and how the thoughts are shown: OpenAI's `auto`, `concise`, `detailed`."""
    is_adaptive: bool = False
    """Anthropic's `thinking: {"type": "adaptive"}`: the model decides."""


class Conversation(Struct, kw_only=True, omit_defaults=True):
    """Everything that a chat request says. None is not said."""

    dialect: str
    """Whose words `extras` and provider tools are in."""
    model: str | None = None
    system: list[TextPart] = field(default_factory=list)
    """Instructions before the first turn."""
    turns: list[Turn]
    tools: list[Tool] = field(default_factory=list)
    provider_tools: list[ProviderTool] = field(default_factory=list)
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output: OutputFormat | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: list[str] = field(default_factory=list)
    seed: int | None = None
    choice_count: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    reasoning: ReasoningWish | None = None
    verbosity: str | None = None
    service_tier: str | None = None
    user: str | None = None
    """The caller's name for its end user."""
    stream: bool = False
    calls_are_functions: bool = False
    """The client uses OpenAI's `functions` of the time before tools, and wants calls as such."""
    extras: dict[str, Raw] = field(default_factory=dict)
    """Further parameters of the top level, by their name in `dialect`, as the client wrote them.
    Keys meant for the gateway and `metadata` are not among them."""
