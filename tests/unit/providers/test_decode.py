"""Reading whole answers: tolerant of surprising types, strict about what cannot be missing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.config.section import Secret
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.providers.judge import Judge
from pointsman.providers.openai.decode import decode_answer
from pointsman.resilience.classify import classify

JUDGE = Judge("p", "openai", classify)


def answer(**changes) -> bytes:
    body = {
        "id": "c1",
        "model": "m",
        "choices": [{"message": {"content": "hé"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        **changes,
    }
    return json.dumps(body).encode()


def test_the_body_is_handed_on_as_it_came():
    """What the gateway does not read is not lost."""
    body = answer(unknown={"deep": [1]})

    assert decode_answer(body, 200, JUDGE).body is body


@pytest.mark.parametrize(
    ("message", "characters"),
    [
        ({"content": "hé🚂"}, 3),
        ({"content": None, "reasoning_content": "abc"}, 3),
        ({"content": "a", "reasoning": "bc"}, 3),
        ({"content": "a", "reasoning": "bc", "reasoning_content": "bc"}, 3),
        ({"refusal": "no!"}, 3),
        ({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}, 2),
        ({"tool_calls": [{"function": None}, {}]}, 0),
    ],
)
def test_output_characters_are_all_that_the_model_wrote(message, characters: int):
    """AP-17: the base of an estimate counts text, reasoning, refusals and tool arguments once."""
    body = answer(choices=[{"message": message, "finish_reason": "stop"}])

    assert decode_answer(body, 200, JUDGE).output_characters == characters


def test_each_choice_has_its_finish_reason():
    """`n` greater than one."""
    choices = [{"message": {}, "finish_reason": reason} for reason in ("stop", "length")]

    assert decode_answer(answer(choices=choices), 200, JUDGE).finish_reasons == ["stop", "length"]


def test_a_choice_that_does_not_say_how_it_ended_adds_no_word():
    """Unknown is absent, never an empty word."""
    choices = [{"index": 0, "message": {"role": "assistant", "content": "x"}}]

    assert decode_answer(answer(choices=choices), 200, JUDGE).finish_reasons == []


def test_missing_usage_is_unknown_not_zero():
    """Unknown is unknown."""
    assert decode_answer(answer(usage=None), 200, JUDGE).usage is None


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 17},
        {"usage": {"prompt_tokens": "many"}},
        {"usage": [1]},
        {"model": {"name": "m"}},
        {
            "choices": [
                {"message": {"content": [{"type": "text", "text": "x"}]}, "finish_reason": "stop"}
            ]
        },
        {"choices": [{"message": {"content": "x", "tool_calls": "none"}, "finish_reason": "stop"}]},
    ],
)
def test_a_field_of_a_surprising_type_does_not_lose_the_answer(changes):
    """The client gets what the provider sent; what cannot be read is unknown."""
    read = decode_answer(answer(**changes), 200, JUDGE)

    assert read.finish_reasons == ["stop"]


def test_a_null_error_is_none():
    """Some servers write the key always."""
    assert decode_answer(answer(error=None), 200, JUDGE).response_id == "c1"


def test_the_message_holds_codes_and_no_sentence_of_the_provider():
    """Invariant 12: an error message may quote the prompt, so ours never does."""
    body = b'{"error":{"message":"cannot say: my secret prompt","code":"bad","type":"t"}}'

    with pytest.raises(UpstreamError) as caught:
        decode_answer(body, 200, JUDGE)

    assert "secret prompt" not in caught.value.message
    assert "bad" in caught.value.message


def test_the_credential_does_not_come_back_in_an_error_body():
    """Invariant 13: a provider that quotes the key does not give it to the client."""
    judge = Judge("p", "openai", classify, Secret("sk-planted-1", "...ed-1"))

    error = judge.error(400, b'{"error":{"message":"key sk-planted-1 is bad"}}')

    assert b"sk-planted-1" not in error.upstream_body
    assert "sk-planted-1" not in repr(judge)


@given(
    st.binary(max_size=60)
    | st.sampled_from(
        [b"{}", b"null", b'{"choices":7}', b"\xff", b"[" * 99_999, b'{"error":' * 9999]
    )
)
def test_rubbish_is_a_failure_and_never_a_crash(body: bytes):
    """MM-05: any body that is no answer is an UpstreamError."""
    with pytest.raises(UpstreamError) as caught:
        decode_answer(body, 200, JUDGE)

    assert caught.value.failure_class is FailureClass.PROTOCOL
