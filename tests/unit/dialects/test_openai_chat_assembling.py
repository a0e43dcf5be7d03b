"""Streamed chunks put together again, for what is kept of an answer."""

import msgspec

from pointsman.dialects.openai_chat.assemble import assemble


def chunk(delta: object) -> bytes:
    return msgspec.json.encode({"choices": [{"index": 0, "delta": delta}]})


def test_text_and_tool_calls_are_joined():
    """A detector must see a value that two chunks split."""
    answer = msgspec.json.decode(
        assemble(
            [
                chunk({"content": "mail me at a@"}),
                chunk({"content": "example.org"}),
                chunk({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{"}}]}),
                chunk({"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}),
            ]
        )
    )

    assert answer["content"] == "mail me at a@example.org"
    assert answer["tool_calls"] == [{"name": "f", "arguments": "{}"}]


def test_a_tool_call_of_a_surprising_form_costs_nothing_else():
    """Some servers write arguments as an object; the record must not be lost over it."""
    odd = {"tool_calls": [{"index": "0", "function": {"name": "f", "arguments": {"a": 1}}}, 7]}

    answer = msgspec.json.decode(assemble([chunk({"content": "hi"}), chunk(odd), b"[1]"]))

    assert answer["content"] == "hi"


def test_nothing_is_made_of_nothing():
    """A stream that is not captured leaves no empty answer behind."""
    assert assemble([]) == b""
