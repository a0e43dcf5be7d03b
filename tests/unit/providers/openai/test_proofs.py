"""Proofs of another vendor do not reach a server that would refuse them."""

import json

import pytest

from pointsman.providers.openai.encode import EncodeSettings, encode_body
from provider_scenarios import call

STRICT = EncodeSettings(takes_proofs=False, metadata="always")
CALL = {
    "id": "c",
    "type": "function",
    "function": {"name": "f", "arguments": '{"extra_content":1}'},
}


def sent(*messages: dict, settings: EncodeSettings = STRICT):
    body = json.dumps({"model": "m", "messages": list(messages)}).encode()
    encoded, changes = encode_body(call(body, model="m"), settings)
    return body, encoded, changes


def test_reasoning_and_signatures_of_earlier_answers_are_taken_out():
    """Each kind with a line; everything else stays."""
    signed = {**CALL, "extra_content": {"google": {"thought_signature": "s"}}}
    answer = {
        "role": "assistant",
        "content": "x",
        "reasoning_content": "hm",
        "tool_calls": [signed],
    }
    _, encoded, changes = sent({"role": "user", "content": "q"}, answer)

    messages = json.loads(encoded)["messages"]
    assert messages[0] == {"role": "user", "content": "q"}
    assert messages[1] == {"role": "assistant", "content": "x", "tool_calls": [CALL]}
    assert changes == [
        "messages.reasoning_content: dropped",
        "messages.tool_calls.extra_content: dropped",
    ]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": 'what is "reasoning_content"?'},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "assistant", "tool_calls": "extra_content"},
        "extra_content",
    ],
)
def test_the_words_alone_change_nothing(message):
    """Bytes stay as they are where there is nothing to take out."""
    body, encoded, changes = sent(message)

    assert (encoded, changes) == (body, [])


def test_servers_that_take_them_get_them():
    """vLLM and others read the reasoning of earlier answers."""
    body, encoded, _ = sent(
        {"role": "assistant", "reasoning_content": "hm"}, settings=EncodeSettings(metadata="always")
    )

    assert encoded is body
