"""Answers that should be JSON, in every dialect: judged, and cut out where that was asked for."""

import msgspec
import pytest

from answered_calls import answered_call, chat_answer, message_answer, response_answer
from pointsman.core.dialect import ChatDialect
from pointsman.dialects.anthropic_messages.dialect import AnthropicMessages
from pointsman.dialects.openai_chat.dialect import OpenAiChat
from pointsman.dialects.openai_responses.dialect import OpenAiResponses
from pointsman.gateway.structured import StructuredAnswers
from pointsman.gateway.tool_check import ToolChecker

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
CHAT = {
    "messages": [{"role": "user", "content": "hi"}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
}
MESSAGES = {
    "model": "m",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "hi"}],
    "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
}
RESPONSES = {
    "input": "hi",
    "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}},
}
DIALECTS = [
    pytest.param(OpenAiChat(), CHAT, chat_answer, id="openai.chat"),
    pytest.param(AnthropicMessages(), MESSAGES, message_answer, id="anthropic.messages"),
    pytest.param(OpenAiResponses(), RESPONSES, response_answer, id="openai.responses"),
]
FRAMED = 'Sure:\n```json\n{"a": 1}\n```'


def judged(
    dialect: ChatDialect, asked: dict[str, object], answer: bytes, *, clean: str = "never"
) -> tuple[str | None, str | None]:
    """Return the outcome and the text that the client gets."""
    call, served = answered_call(dialect, msgspec.json.encode(asked), {"x-pointsman-json": clean})
    assert call.asked.wants_json
    rules = StructuredAnswers("on_request", "x-pointsman-json", ToolChecker())
    body = rules.judge(call, served, answer)
    return served.attempt.json_answer, dialect.answer_text(body)


@pytest.mark.parametrize(("dialect", "asked", "answer"), DIALECTS)
@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ('{"a": 1}', "valid"),
        ('{"a": "x"}', "schema_violation"),
        (FRAMED, "framed"),
        ("I cannot.", "invalid"),
    ],
)
def test_an_answer_is_judged_and_left_alone(dialect, asked, answer, text: str, outcome: str):
    """MM-15, MM-21: what it was is recorded; the client gets what the model wrote."""
    assert judged(dialect, asked, answer(text)) == (outcome, text)


@pytest.mark.parametrize(("dialect", "asked", "answer"), DIALECTS)
def test_json_is_cut_out_where_the_request_asks_for_it(dialect, asked, answer):
    """MG-12: fences and politeness go, the JSON stays as it was written."""
    assert judged(dialect, asked, answer(FRAMED), clean="clean") == ("cleaned", '{"a": 1}')


def test_an_answer_without_text_is_no_broken_json():
    """A model that calls a tool was not to write JSON."""
    answer = msgspec.json.encode({"choices": [{"message": {"content": None, "tool_calls": []}}]})

    assert judged(OpenAiChat(), CHAT, answer) == (None, None)
