"""The API families as the contract of providers sees them: each over its scripted vendor.

A family is added here, and every scenario of `tests/contract/providers/test_families.py` runs for
it. What a vendor has no word for is said in the nearest way it has, and named here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from pointsman.config.provider import ProviderConfig
from pointsman.config.section import Secret
from pointsman.core.canonical.answer import Answer, AnswerChoice
from pointsman.core.canonical.conversation import (
    Conversation,
    OutputFormat,
    ReasoningWish,
    Tool,
    Turn,
)
from pointsman.core.canonical.events import (
    Event,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from pointsman.core.canonical.parts import (
    ImagePart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
)
from pointsman.core.clock import SystemClock
from pointsman.core.provider import DialectProvider
from pointsman.core.usage import Usage
from pointsman.providers.registry import build
from pointsman.resilience.classify import classify
from vendors.anthropic_api import AnthropicApi
from vendors.gemini_api import GeminiApi
from vendors.ollama_api import OllamaApi
from vendors.openai_api import OpenaiApi
from vendors.openai_flavors import AZURE, DEEPSEEK, OPENROUTER
from vendors.said import DOCUMENT_SCHEMA, WEATHER_SCHEMA
from vendors.scenarios import RED_DOT_PNG, Scenario
from vendors.vendor_server import VendorServer

CLOCK = SystemClock()

_HIDDEN_THOUGHTS = "chat completions there do not show thoughts"
_ABOUT_A_MODEL = "a 403 is about a model, not about the key"
_NO_RETURN = "a spent quota does not say when it returns"
_NO_WAIT = "it does not say how long to wait"


@dataclass(frozen=True)
class Family:
    """One API family, and the vendor that is scripted for it."""

    name: str
    vendor: Callable[[], VendorServer]
    model: str
    kind: str
    base_path: str = ""
    native: str = ""
    """The client dialect that it passes through."""
    finish_reasons: Mapping[str, str] = field(default_factory=dict)
    """Finish of a scenario -> canonical reason, where the vendor says it in another way."""
    refusal_is_text: bool = False
    """A refusal is text with a finish reason of its own."""
    without: Mapping[str, str] = field(default_factory=dict)
    """Scenarios that the vendor cannot play, each with its reason; they are left out."""

    def provider(self, server: VendorServer, **config: object) -> DialectProvider:
        """Build the provider that calls `server`."""
        section = ProviderConfig(
            kind=self.kind,
            base_url=server.url + self.base_path,
            api_key=Secret(server.key, "...test"),
            **config,
        )
        return build("p", section, CLOCK, classify)


FAMILIES = (
    Family(
        name="anthropic",
        vendor=AnthropicApi,
        model="claude-haiku-4-5",
        kind="anthropic",
        native="anthropic.messages",
        finish_reasons={"blocked_answer": "refusal"},
        refusal_is_text=True,
    ),
    Family(
        name="openai",
        vendor=OpenaiApi,
        model="gpt-4o-mini",
        kind="openai",
        base_path="/v1",
        native="openai.chat",
        # It does not tell at which end a text stopped.
        finish_reasons={"stop_sequence": "stop"},
        without={
            "reasoning": _HIDDEN_THOUGHTS,
            "reasoning_tools": _HIDDEN_THOUGHTS,
            "error_403": _ABOUT_A_MODEL,
            "error_429_quota": _NO_RETURN,
        },
    ),
    Family(
        name="openrouter",
        vendor=lambda: OpenaiApi(OPENROUTER),
        model="gpt-4o-mini",
        kind="openrouter",
        base_path="/api/v1",
        native="openai.chat",
        finish_reasons={"stop_sequence": "stop"},
        without={"error_403": _ABOUT_A_MODEL, "error_429_quota": _NO_RETURN},
    ),
    Family(
        name="deepseek",
        vendor=lambda: OpenaiApi(DEEPSEEK),
        model="gpt-4o-mini",
        kind="deepseek",
        base_path="/v1",
        native="openai.chat",
        finish_reasons={"stop_sequence": "stop"},
        without={
            "json_schema": "it has JSON, and no schemas",
            "several_system": "they are joined to one",
            "error_403": _ABOUT_A_MODEL,
            "error_429_quota": _NO_RETURN,
        },
    ),
    Family(
        name="gemini",
        vendor=GeminiApi,
        model="gemini-2.5-flash",
        kind="gemini",
        # It does not tell at which end a text stopped, and declines in ordinary words.
        finish_reasons={"stop_sequence": "stop", "refusal": "stop"},
        refusal_is_text=True,
    ),
    Family(
        name="gemini-3",
        vendor=GeminiApi,
        model="gemini-3-flash-preview",
        kind="gemini",
        finish_reasons={"stop_sequence": "stop", "refusal": "stop"},
        refusal_is_text=True,
    ),
    Family(
        name="ollama",
        vendor=lambda: OllamaApi(key="sk-test"),
        model="llama3.1:8b",
        kind="ollama",
        # It says `stop` for every end but the length, and has neither refusals nor filters.
        finish_reasons={"stop_sequence": "stop", "refusal": "stop", "blocked_answer": "stop"},
        refusal_is_text=True,
        without={
            "cached": "caches are not told",
            "wrong_key": "it has no keys, only a proxy before it may",
            "error_429": _NO_WAIT,
            "error_429_quota": _NO_WAIT,
        },
    ),
    Family(
        name="azure",
        vendor=lambda: OpenaiApi(AZURE),
        model="gpt-4o-mini",
        kind="azure",
        base_path="/openai/v1",
        native="openai.chat",
        finish_reasons={"stop_sequence": "stop"},
        without={
            "reasoning": _HIDDEN_THOUGHTS,
            "reasoning_tools": _HIDDEN_THOUGHTS,
            "error_403": _ABOUT_A_MODEL,
            "error_429_quota": _NO_RETURN,
        },
    ),
)

_FINISH_REASONS = {
    "stop": "stop",
    "length": "length",
    "stop_sequence": "stop_sequence",
    "tools": "tool_calls",
    "refusal": "refusal",
    "blocked_answer": "content_filter",
}


def conversation_for(scenario: Scenario, *, stream: bool = False) -> Conversation:
    """Return a conversation that has what the scenario expects of a request."""
    parts: list[Part] = [TextPart("hello there")]
    if "image" in scenario.expects:
        parts.append(ImagePart(data=RED_DOT_PNG, media_type="image/png"))
    said = Conversation(
        dialect="openai.chat",
        system=[TextPart("Be brief.")],
        turns=[Turn("user", parts)],
        max_output_tokens=4096,
        stream=stream,
    )
    if "several_system" in scenario.expects:
        said.system.append(TextPart("Be kind."))
    if "tools" in scenario.expects:
        schema = msgspec.Raw(msgspec.json.encode(WEATHER_SCHEMA))
        said.tools = [Tool("get_weather", "The weather of a city", schema)]
    if "json_schema" in scenario.expects:
        schema = msgspec.Raw(msgspec.json.encode(DOCUMENT_SCHEMA))
        said.output = OutputFormat("json_schema", "weather", schema=schema, strict=True)
    if "stop" in scenario.expects:
        said.stop = ["three"]
    if scenario.usage.reasoning_tokens:
        said.reasoning = ReasoningWish(effort="low")
    return said


def expected_finish(family: Family, scenario: Scenario) -> str:
    """Return the canonical reason for which the scenario's answer ends."""
    return family.finish_reasons.get(scenario.finish, _FINISH_REASONS[scenario.finish])


def expected_usage(scenario: Scenario) -> Usage:
    """Return the tokens of the scenario's answer; unknown parts are left to the vendor."""
    usage = scenario.usage
    return Usage(usage.all_input_tokens, usage.all_output_tokens, usage.cache_read_tokens)


def assembled(events: list[Event]) -> Answer:
    """Put the events of a complete stream together to the answer they stand for."""
    start = next(event for event in events if isinstance(event, Started))
    answer = Answer(id=start.id, model=start.model, created_unix_s=start.created_unix_s, choices=[])
    choice = AnswerChoice([], None)
    answer.choices.append(choice)
    for event in events:
        match event:
            case UsageReported():
                answer.usage = event.usage
            case Finished():
                choice.finish_reason = event.reason
                choice.stop_sequence = event.stop_sequence
            case Started():
                pass
            case _:
                _add(choice.parts, event)
    return answer


def _add(parts: list[Part], event: Event) -> None:
    last = parts[-1] if parts else None
    match event:
        case TextDelta():
            if isinstance(last, TextPart):
                last.text += event.text
            else:
                parts.append(TextPart(event.text))
        case RefusalDelta():
            if isinstance(last, RefusalPart):
                last.text += event.text
            else:
                parts.append(RefusalPart(event.text))
        case ReasoningDelta():
            is_over = isinstance(last, ReasoningPart) and (last.signature or last.encrypted)
            if not isinstance(last, ReasoningPart) or is_over or event.encrypted:
                last = ReasoningPart()
                parts.append(last)
            last.text += event.text
            last.signature = event.signature or last.signature
            last.encrypted = event.encrypted or last.encrypted
        case ToolCallStarted():
            parts.append(ToolCallPart(event.id, event.name, "", event.signature))
        case ToolCallDelta():
            calls = [part for part in parts if isinstance(part, ToolCallPart)]
            calls[event.index].arguments += event.arguments
