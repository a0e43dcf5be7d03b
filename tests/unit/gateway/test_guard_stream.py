"""Streams of every dialect under a rule: the same texts, no values, well-formed to the end."""

from functools import partial

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.errors import GuardrailBlockedError
from pointsman.core.facts import Facts
from pointsman.core.provider import StreamChunk
from pointsman.core.records import SCHEMA, CallRecord, Rule
from pointsman.core.redaction.detectors import select
from pointsman.core.redaction.engine import Redactor
from pointsman.gateway.guard_stream import StreamGuard
from pointsman.policy.prompt.examination import Examination
from pointsman.policy.prompt.rule import ANSWER, PromptRule

TEXT = "Write to jane.doe@mail.example.org soon. " + "And then go on with your day. " * 10
CLEAN = TEXT.replace("jane.doe@mail.example.org", "[redacted: email]")
PIECES = [TEXT[start : start + 7] for start in range(0, len(TEXT), 7)]
ARGUMENTS = ['{"to": "jane.d', "oe@mail.exam", 'ple.org"}']


KEYS = st.sampled_from(
    [
        "choices",
        "delta",
        "index",
        "finish_reason",
        "content",
        "tool_calls",
        "function",
        "type",
        "arguments",
        "message",
        "content_block",
        "text",
        "item_id",
        "response",
        "output",
        "part",
        "sequence_number",
        "usage",
        "logprobs",
        "content_index",
        "item",
        "role",
    ]
)


def guard(dialect: str, action: str = "redact") -> tuple[StreamGuard, CallRecord]:
    record = CallRecord(
        schema=SCHEMA,
        request_id="req_1",
        trace_id="0" * 32,
        span_id="0" * 16,
        started_unix_ns=1,
        dialect=dialect,
    )
    rule = PromptRule(
        rule=Rule("policy.rules.out"), action=action, redactor=Redactor(select(["email"]))
    )
    return StreamGuard(record, Examination((rule,), ANSWER, Facts()), 64), record


def run(one: StreamGuard, events: list[dict]) -> list[dict]:
    """Pass events one by one; return what the client would get."""
    sent: list[StreamChunk] = []
    for event in events:
        name = event.get("type")
        sent += one.pass_on([StreamChunk(msgspec.json.encode(event), event=name)])
        one.stop_if_blocked()
    sent += one.rest()
    one.stop_if_blocked()
    one.note()
    shown = [chunk for chunk in sent if not chunk.for_gateway_only]
    decoded = [msgspec.json.decode(chunk.data) for chunk in shown]
    assert all(
        chunk.event == event.get("type") for chunk, event in zip(shown, decoded, strict=True)
    )
    return decoded


def chat_chunk(delta: dict, index: int = 0, finish: str | None = None, **more) -> dict:
    choice = {"index": index, "delta": delta, "finish_reason": finish, **more}
    return {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}


def chat_text(events: list[dict], index: int, *path: str) -> str:
    told = ""
    for event in events:
        for choice in event["choices"]:
            value = choice["delta"] if choice["index"] == index else {}
            for step in path:
                value = value.get(step, {}) if isinstance(value, dict) else {}
            told += value if isinstance(value, str) else ""
    return told


def test_two_choices_and_reasoning_have_windows_of_their_own():
    """Texts that come in turns are not one text."""
    one, record = guard("openai.chat")
    events = [chat_chunk({"role": "assistant", "content": ""})]
    for piece in PIECES:
        events.append(chat_chunk({"content": piece}, 0))
        events.append(chat_chunk({"reasoning_content": piece}, 1))
    events += [chat_chunk({}, 0, "stop"), chat_chunk({}, 1, "stop")]

    sent = run(one, events)

    assert chat_text(sent, 0, "content") == CLEAN
    assert chat_text(sent, 1, "reasoning_content") == CLEAN
    assert record.policy[0].counts == {"email": 2}
    finishes = [choice["finish_reason"] for event in sent for choice in event["choices"]]
    assert finishes[-1] == "stop"


def test_the_rest_comes_before_the_finish_reason():
    """A client stops reading a choice there."""
    one, _ = guard("openai.chat")

    sent = run(one, [chat_chunk({"content": "short"}), chat_chunk({}, 0, "stop")])

    assert [event["choices"][0]["delta"] for event in sent] == [{"content": "short"}, {}]


def test_tool_arguments_come_whole_under_their_index():
    """Two calls at once stay two calls."""
    one, _ = guard("openai.chat")
    first = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
    second = {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": ""}}
    events = [chat_chunk({"tool_calls": [first]}), chat_chunk({"tool_calls": [second]})]
    for piece in ARGUMENTS:
        for index in (0, 1):
            call = {"index": index, "function": {"arguments": piece}}
            events.append(chat_chunk({"tool_calls": [call]}))
    events.append(chat_chunk({}, 0, "tool_calls"))

    sent = run(one, events)

    told = {0: "", 1: ""}
    for event in sent:
        for call in event["choices"][0]["delta"].get("tool_calls", ()):
            told[call["index"]] += call["function"]["arguments"]
    assert {index: msgspec.json.decode(text) for index, text in told.items()} == {
        0: {"to": "[redacted: email]"},
        1: {"to": "[redacted: email]"},
    }
    assert sent[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_chunks_that_say_nothing_any_more_are_kept_back():
    """Empty deltas are noise to a client; what has a role, an id or usage is not."""
    one, _ = guard("openai.chat")
    kept = {**chat_chunk({}), "usage": {"total_tokens": 3}}

    sent = run(one, [chat_chunk({"role": "assistant"}), chat_chunk({"content": "ab"}), kept])

    assert [event["choices"][0]["delta"] for event in sent[:2]] == [{"role": "assistant"}, {}]
    assert sent[1]["usage"] == {"total_tokens": 3}


def test_tokens_of_a_chunk_are_taken_away():
    """They would spell out what is held back."""
    one, _ = guard("openai.chat")
    chunk = chat_chunk({"content": "jane"}, logprobs={"content": [{"token": "jane"}]})

    sent = run(one, [chunk, chat_chunk({}, 0, "stop")])

    assert all(not choice.get("logprobs") for event in sent for choice in event["choices"])


def block(index: int, delta: dict) -> dict:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def test_messages_are_guarded_block_by_block():
    """Anthropic's events: text, thinking and tool input, each flushed before its block stops."""
    one, record = guard("anthropic.messages")
    events = [
        {"type": "message_start", "message": {"id": "m", "role": "assistant", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(block(0, {"type": "text_delta", "text": piece}) for piece in PIECES),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}},
        },
        *(block(1, {"type": "input_json_delta", "partial_json": piece}) for piece in ARGUMENTS),
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {}},
        {"type": "message_stop"},
    ]

    sent = run(one, events)

    text = "".join(e["delta"].get("text", "") for e in sent if e["type"] == "content_block_delta")
    data = "".join(
        e["delta"].get("partial_json", "") for e in sent if e["type"] == "content_block_delta"
    )
    stops = [place for place, event in enumerate(sent) if event["type"] == "content_block_stop"]
    assert text == CLEAN
    assert msgspec.json.decode(data) == {"to": "[redacted: email]"}
    assert all(event.get("index") != 0 for event in sent[stops[0] + 1 :])
    assert record.policy[0].counts == {"email": 2}


def test_responses_are_guarded_in_pieces_and_where_they_are_repeated_whole():
    """OpenAI's responses tell a text three times; none of them shows the value."""
    one, _ = guard("openai.responses")
    place = {"item_id": "i", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": TEXT}
    events = [
        *({"type": "response.output_text.delta", "delta": piece, **place} for piece in PIECES),
        {"type": "response.output_text.done", "text": TEXT, **place},
        {"type": "response.content_part.done", "part": part, **place},
        {
            "type": "response.completed",
            "response": {"id": "r", "output": [{"type": "message", "content": [part]}]},
        },
    ]

    numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    sent = run(one, msgspec.json.decode(msgspec.json.encode(numbered)))

    deltas = "".join(e["delta"] for e in sent if e["type"].endswith(".delta"))
    assert [event["sequence_number"] for event in sent] == list(range(len(sent)))
    assert deltas == CLEAN
    assert "jane" not in msgspec.json.encode(sent).decode()
    assert sent[-1]["response"]["output"][0]["content"][0]["text"] == CLEAN


def test_a_whole_text_in_a_chunk_is_judged_too():
    """Some servers send the message again, or only, with the finish reason."""
    one, record = guard("openai.chat")
    last = chat_chunk({}, 0, "stop", message={"role": "assistant", "content": TEXT})

    sent = run(one, [last])

    assert sent[0]["choices"][0]["message"]["content"] == CLEAN
    assert record.policy[0].counts == {"email": 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from([*PIECES[:6], "stop"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(
    dialect=st.sampled_from(["openai.chat", "anthropic.messages", "openai.responses"]),
    events=st.lists(st.dictionaries(KEYS, JSON, max_size=5), max_size=6),
)
def test_no_event_of_whatever_form_breaks_a_guarded_stream(dialect: str, events: list[dict]):
    """A property: a strange server costs its reader nothing but what it sent."""
    one, record = guard(dialect)

    for event in events:
        one.pass_on([StreamChunk(msgspec.json.encode(event))])
    one.rest()
    one.note()

    assert len(record.policy) == 1


@pytest.mark.parametrize(("action", "is_shown"), [("flag", True), ("redact", False)])
def test_what_cannot_be_read_passes_only_where_nothing_may_be_changed(action, is_shown):
    """Fail closed: a number beyond all bounds does not carry a text past a rule."""
    one, _ = guard("openai.chat", action)
    odd = b'{"choices":[{"index":0,"delta":{"content":"jane@example.org"},"n":1e999}]}'

    assert [not chunk.for_gateway_only for chunk in one.pass_on([StreamChunk(odd)])] == [is_shown]


@pytest.mark.parametrize("dialect", ["openai.chat", "anthropic.messages", "openai.responses"])
def test_a_block_stops_every_dialect_before_the_value(dialect: str):
    """PO-04: nothing of it is in what was sent."""
    one, record = guard(dialect, action="block")
    make = {
        "openai.chat": lambda piece: chat_chunk({"content": piece}),
        "anthropic.messages": lambda piece: block(0, {"type": "text_delta", "text": piece}),
        "openai.responses": lambda piece: {
            "type": "response.output_text.delta",
            "item_id": "i",
            "delta": piece,
        },
    }[dialect]
    sent: list[bytes] = []
    feed = partial(pass_all, one, sent)

    with pytest.raises(GuardrailBlockedError):
        feed([make(piece) for piece in PIECES])

    one.note()
    assert b"jane" not in b"".join(sent)
    assert record.policy[0].outcome == "blocked"


def pass_all(one: StreamGuard, sent: list[bytes], events: list[dict]) -> None:
    for event in events:
        sent += [chunk.data for chunk in one.pass_on([StreamChunk(msgspec.json.encode(event))])]
        one.stop_if_blocked()
