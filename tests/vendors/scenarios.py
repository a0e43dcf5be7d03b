"""What a scripted vendor is to answer, in no vendor's words.

Owns the named scenarios that every vendor's server can play. How a scenario looks on the wire is
the business of the servers; what a vendor has no word for is said there in the nearest way it has.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

RED_DOT_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4"
    "nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
)
"""A picture of one red point, in base64."""


@dataclass(frozen=True)
class Text:
    """Words of the answer."""

    text: str


@dataclass(frozen=True)
class Reasoning:
    """Thoughts before the answer; `is_redacted` ones are sealed."""

    text: str
    is_redacted: bool = False


@dataclass(frozen=True)
class ToolCall:
    """A call of a declared tool."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    raw_arguments: str | None = None
    """Arguments as the model wrote them, where the wire has them as text; may be malformed."""

    @property
    def arguments_text(self) -> str:
        """The arguments as the model wrote them."""
        return self.raw_arguments if self.raw_arguments is not None else json.dumps(self.arguments)


@dataclass(frozen=True)
class Refusal:
    """The model's own words for not answering."""

    text: str


@dataclass(frozen=True)
class Picture:
    """An image in the answer, in base64."""

    data: str = RED_DOT_PNG
    mime_type: str = "image/png"


Part = Text | Reasoning | ToolCall | Refusal | Picture


@dataclass(frozen=True)
class Usage:
    """Tokens, each counted once: no count contains another."""

    input_tokens: int = 21
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 12
    """Visible output, without reasoning."""
    reasoning_tokens: int = 0
    cache_write_1h_tokens: int = 0
    """The one that another holds: those of `cache_write_tokens` that are to stay for an hour."""

    @property
    def all_input_tokens(self) -> int:
        """Fresh input and what was read from or written to the cache."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def all_output_tokens(self) -> int:
        """Visible output and reasoning."""
        return self.output_tokens + self.reasoning_tokens


@dataclass(frozen=True)
class Scenario:
    """One answer."""

    name: str
    parts: tuple[Part, ...] = (Text("Hello! How can I help you today?"),)
    finish: str = "stop"
    """`stop`, `length`, `stop_sequence`, `tools`, `refusal`, `blocked_prompt`, `blocked_answer`."""
    usage: Usage = Usage()
    expects: tuple[str, ...] = ()
    """What must be in the request: `image`, `tools`, `json_schema`, `several_system`, `stop`,
    `max_tokens`, `reasoning`. The server fails the test where it is not."""
    error: str | None = None
    """The name of the error that is the whole answer, as `429` or `429_quota`."""
    retry_after_s: int | None = None
    cut_after: int | None = None
    """Events of the stream before the connection ends without a farewell; a whole answer is cut
    in its middle."""
    error_after: int | None = None
    """Events of the stream before the vendor's error event; a whole answer is an error 500."""
    hold_after: int | None = None
    """Events of the stream before the server waits for `release()`; 0 holds a whole answer."""

    def but(self, **changes: Any) -> "Scenario":
        """Return a scenario with some fields changed."""
        return dataclasses.replace(self, **changes)


def pieces_of(text: str) -> list[str]:
    """Cut a text into tokens, about as a model streams it; joined they are the text."""
    found = [""]
    for character in text:
        if character.isspace() and found[-1]:
            found.append("")
        found[-1] += character
    return [each for each in found if each]


def halves_of(text: str) -> list[str]:
    """Cut a text into three parts, at places that a JSON document would not choose."""
    third = max(1, len(text) // 3)
    return [each for each in (text[:third], text[third : 2 * third], text[2 * third :]) if each]


WEATHER = ToolCall("get_weather", {"city": "Oslo", "unit": "celsius"})
WEATHER_ELSEWHERE = ToolCall("get_weather", {"city": "São Paulo", "unit": "celsius"})
DOCUMENT = {"city": "Oslo", "temperature_c": 21, "is_raining": False}


def json_document(document: Any) -> Scenario:
    """Answer with this JSON document; the request must have asked for a schema."""
    return JSON_SCHEMA.but(parts=(Text(json.dumps(document)),))


TEXT = Scenario("text")
CACHED = Scenario("cached", usage=Usage(9, 1024, 128, 12))
TOOLS = Scenario("tools", (WEATHER,), "tools", expects=("tools",))
TEXT_AND_TOOLS = Scenario(
    "text_and_tools", (Text("Let me look that up."), WEATHER), "tools", expects=("tools",)
)
PARALLEL_TOOLS = Scenario(
    "parallel_tools", (WEATHER, WEATHER_ELSEWHERE), "tools", expects=("tools",)
)
MALFORMED_TOOLS = Scenario(
    "malformed_tools",
    (ToolCall("get_weather", {"city": 7}, raw_arguments='{"city": "Os'),),
    "tools",
    expects=("tools",),
)
UNKNOWN_TOOL = Scenario(
    "unknown_tool", (ToolCall("get_tides", {"port": "Bergen"}),), "tools", expects=("tools",)
)
JSON_SCHEMA = Scenario("json_schema", (Text(json.dumps(DOCUMENT)),), expects=("json_schema",))
IMAGE = Scenario("image", (Text("A single red dot."),), expects=("image",))
PICTURE = Scenario("picture", (Text("Here it is."), Picture()))
REASONING = Scenario(
    "reasoning",
    (Reasoning("The user greets me, so a greeting is due."), Text("Hello there!")),
    usage=Usage(21, reasoning_tokens=30),
)
REDACTED_REASONING = REASONING.but(
    name="redacted_reasoning",
    parts=(Reasoning("sealed", is_redacted=True), Text("Hello there!")),
)
REASONING_TOOLS = Scenario(
    "reasoning_tools",
    (Reasoning("The weather has to be looked up."), WEATHER),
    "tools",
    Usage(21, reasoning_tokens=30),
    expects=("tools",),
)
SEVERAL_SYSTEM = Scenario("several_system", expects=("several_system",))
STOP_SEQUENCE = Scenario("stop_sequence", (Text("One, two, "),), "stop_sequence", expects=("stop",))
MAX_TOKENS = Scenario("max_tokens", (Text("It was a dark and"),), "length", expects=("max_tokens",))
REFUSAL = Scenario("refusal", (Refusal("I'm sorry, but I can't help with that."),), "refusal")
BLOCKED_PROMPT = Scenario("blocked_prompt", (), "blocked_prompt", Usage(output_tokens=0))
BLOCKED_ANSWER = Scenario("blocked_answer", (Text("First you take"),), "blocked_answer")
EMPTY = Scenario("empty", (), usage=Usage(output_tokens=0))
CUT = Scenario("cut", cut_after=3)
MID_STREAM_ERROR = Scenario("mid_stream_error", error_after=3)
ERROR_EVENT = Scenario("error_event", error_after=3)
"""As `mid_stream_error`, in the vendor's second way of saying it where there is one."""
HELD = Scenario("held", hold_after=3)

ERROR_NAMES = (
    "400",
    "401",
    "403",
    "404",
    "413",
    "429",
    "429_quota",
    "500",
    "503",
    "529",
    "context",
)
ERRORS = {
    name: Scenario(f"error_{name}", error=name, retry_after_s=7 if name.startswith("429") else None)
    for name in ERROR_NAMES
}
(ERROR_400, ERROR_401, ERROR_403, ERROR_404, ERROR_413, ERROR_429) = (
    ERRORS[name] for name in ERROR_NAMES[:6]
)
(ERROR_429_QUOTA, ERROR_500, ERROR_503, ERROR_529, ERROR_CONTEXT) = (
    ERRORS[name] for name in ERROR_NAMES[6:]
)

CONVERSATIONS = (
    TEXT,
    CACHED,
    TOOLS,
    TEXT_AND_TOOLS,
    PARALLEL_TOOLS,
    JSON_SCHEMA,
    IMAGE,
    REASONING,
    REASONING_TOOLS,
    SEVERAL_SYSTEM,
    STOP_SEQUENCE,
    MAX_TOKENS,
    REFUSAL,
    BLOCKED_ANSWER,
    EMPTY,
)
"""The scenarios that end well with every vendor, plain and streamed."""

SCENARIOS = {
    each.name: each
    for each in (
        *CONVERSATIONS,
        MALFORMED_TOOLS,
        UNKNOWN_TOOL,
        PICTURE,
        REDACTED_REASONING,
        BLOCKED_PROMPT,
        CUT,
        MID_STREAM_ERROR,
        ERROR_EVENT,
        HELD,
        *ERRORS.values(),
    )
}
"""Every scenario by name; a model called `<anything>--<name>` is answered with it."""
