"""Where the texts of a body stand: everything a provider would read, nothing that is a name."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.errors import InvalidRequestError
from pointsman.gateway.guard_texts import BodyTexts

CHAT = {
    "model": "gpt-4o",
    "temperature": 0.70,
    "user": "user-text",
    "messages": [
        {"role": "system", "content": "system-text"},
        {"role": "user", "name": "a-name", "content": [{"type": "text", "text": "part-text"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "send", "arguments": '{"to": "argument-text"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": '{"ok": "result-text"}'},
    ],
    "tools": [{"type": "function", "function": {"name": "send", "description": "tool-text"}}],
}
MESSAGES = {
    "model": "claude",
    "system": "system-text",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "part-text"}]},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"name": "free"}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "result-text"}],
        },
    ],
}
RESPONSES = {
    "model": "gpt-4o",
    "instructions": "system-text",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "part-text"}]},
        {"type": "function_call_output", "call_id": "c1", "output": "result-text"},
    ],
}


def found(body: object) -> set[tuple[str, str]]:
    texts = BodyTexts.of_request(msgspec.json.encode(body))
    return {(place.role, place.text) for place in texts.places}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            CHAT,
            {
                ("system", "system-text"),
                ("user", "part-text"),
                ("assistant", '{"to": "argument-text"}'),
                ("tool", '{"ok": "result-text"}'),
                ("other", "tool-text"),
                ("other", "user-text"),
            },
        ),
        (
            MESSAGES,
            {
                ("system", "system-text"),
                ("user", "part-text"),
                ("assistant", "free"),
                ("tool", "result-text"),
            },
        ),
        (
            RESPONSES,
            {("system", "system-text"), ("user", "part-text"), ("tool", "result-text")},
        ),
        ({"model": "e", "input": ["one", "two"]}, {("user", "one"), ("user", "two")}),
    ],
    ids=["openai.chat", "anthropic.messages", "openai.responses", "openai.embeddings"],
)
def test_every_text_of_a_dialect_is_found_with_who_said_it(body, expected):
    """PO-04: what a provider reads, a rule reads; names, ids and types are left alone."""
    assert found(body) == expected


def test_a_field_that_nobody_knows_is_looked_at():
    """A new kind of content is not a way around the rules."""
    body = {"messages": [{"role": "user", "content": [{"type": "hologram", "beam": "hidden"}]}]}

    assert ("user", "hidden") in found(body)


def test_pictures_and_sounds_are_not_searched():
    """Base64 is long and holds nothing that a rule could mean; a marker in it would break it."""
    data = "QUJD" * 200
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    sound = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}

    assert found({"messages": [{"role": "user", "content": [part, sound]}]}) == set()


def test_an_address_with_a_secret_in_it_is_searched():
    """Only what is base64 is passed over."""
    part = {"type": "image_url", "image_url": {"url": "https://user:pass@example.org/a.png"}}

    assert len(found({"messages": [{"role": "user", "content": [part]}]})) == 1


def test_a_replaced_text_is_in_the_body_and_the_rest_stays_as_it_was():
    """What holds no text stays byte for byte: a number keeps its zeros."""
    raw = b'{"temperature":0.70,"messages":[{"role":"user","content":"old"}],"seed":1}'
    texts = BodyTexts.of_request(raw)
    texts.places[0].put("new")

    assert texts.body() == (
        b'{"temperature":0.70,"messages":[{"role":"user","content":"new"}],"seed":1}'
    )


def test_a_repeated_key_does_not_hide_a_text():
    """The provider must not read another value than the rules did."""
    raw = (
        b'{"messages":[{"role":"user","content":"hidden"}],'
        b'"messages":[{"role":"user","content":"hidden too","content":"shown"}]}'
    )

    texts = BodyTexts.of_request(raw)

    assert [place.text for place in texts.places] == ["shown"]
    assert b"hidden" not in texts.body()


def test_a_body_that_cannot_be_read_is_refused_not_passed_on():
    """What a rule cannot see is not sent."""
    with pytest.raises(InvalidRequestError, match="cannot be checked"):
        BodyTexts.of_request(b'{"messages":[{"role":"user","content":"x","n":1e999}]}')


def test_tokens_that_spell_out_a_text_go_with_it():
    """`logprobs` repeats every token of an answer."""
    answer = {
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "secret"},
                "logprobs": {"content": [{"token": "secret", "logprob": -0.1}]},
            }
        ]
    }
    texts = BodyTexts.of_answer(msgspec.json.encode(answer))
    assert [place.text for place in texts.places] == ["secret"]
    texts.places[0].put("[redacted: api_key]")
    texts.without_logprobs()

    assert b"secret" not in texts.body()


@pytest.mark.parametrize(
    "answer",
    [
        {"id": "a", "choices": [{"message": {"content": "secret"}}], "usage": {"total_tokens": 3}},
        {"id": "a", "content": [{"type": "text", "text": "secret"}], "stop_reason": "end_turn"},
        {"id": "a", "output": [{"type": "message", "content": [{"text": "secret"}]}]},
    ],
    ids=["openai.chat", "anthropic.messages", "openai.responses"],
)
def test_a_refusal_is_said_in_the_words_of_the_dialect(answer: dict):
    """The rest of the answer, its usage among it, stays."""
    texts = BodyTexts.of_answer(msgspec.json.encode(answer))

    refused = msgspec.json.decode(texts.refused("I may not say."))

    told = [place.text for place in BodyTexts.of_answer(msgspec.json.encode(refused)).places]
    assert "I may not say." in told
    assert "secret" not in msgspec.json.encode(refused).decode()
    assert refused["id"] == "a"
    assert refused.get("usage") == answer.get("usage")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.text(max_size=8) | st.sampled_from(["type", "role"]), inner, max_size=4
            )
        ),
        max_leaves=20,
    )
)
def test_any_body_comes_back_as_it_was_when_nothing_is_replaced(content):
    """A property: taking apart and putting together loses nothing."""
    body = {"model": "m", "messages": [{"role": "user", "content": content}]}
    raw = msgspec.json.encode(body)

    assert msgspec.json.decode(BodyTexts.of_request(raw).body()) == msgspec.json.decode(raw)


def test_a_document_that_is_called_text_is_read_however_it_looks():
    """Without a space it could be base64; the provider reads it as text all the same."""
    long = "a" * 256 + "-4111-1111-1111-1111-" + "a" * 256
    source = {"type": "text", "media_type": "text/plain", "data": long}
    message = {"role": "user", "content": [{"type": "document", "source": source}]}

    places = BodyTexts.of_request(msgspec.json.encode({"messages": [message]})).places

    assert long in [place.text for place in places]
