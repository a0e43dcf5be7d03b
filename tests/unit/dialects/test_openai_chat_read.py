"""What is read of a request: the facts that decisions rest on."""

import msgspec
import pytest

from pointsman.core.facts import Facts
from pointsman.dialects.openai_chat.read import read_chat
from pointsman.dialects.reading import MAX_CHOICES, MAX_OUTPUT_TOKENS


def facts(**fields: object) -> Facts:
    body = {"messages": [{"role": "user", "content": "hi"}], **fields}
    return read_chat(msgspec.json.encode(body)).facts


@pytest.mark.parametrize("number", [0, -1, -(2**63) - 1])
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "n"])
def test_a_number_that_cannot_be_meant_plans_nothing(name: str, number: int):
    """A negative bound must neither lower a reservation nor fail in the gateway."""
    read = facts(**{name: number})

    assert read.max_output_tokens is None
    assert read.choice_count == 1


def test_a_number_beyond_every_model_is_bounded():
    """Money is counted in 64 bits, here and in the stores."""
    read = facts(max_tokens=10**30, n=10**30)

    assert read.max_output_tokens == MAX_OUTPUT_TOKENS
    assert read.choice_count == MAX_CHOICES


def test_the_newer_bound_of_the_output_wins():
    """`max_completion_tokens` replaced `max_tokens`; a useless one leaves the other."""
    assert facts(max_tokens=7, max_completion_tokens=9).max_output_tokens == 9
    assert facts(max_tokens=7, max_completion_tokens=-9).max_output_tokens == 7


def test_characters_tokens_and_messages_are_counted():
    """GW-08: code points over all messages; tokens are a quarter of them, rounded up."""
    body = {
        "messages": [
            {"role": "system", "content": "brief"},
            {"role": "user", "content": [{"type": "text", "text": "ωέλ😀"}]},
        ]
    }
    read = read_chat(msgspec.json.encode(body)).facts

    assert (read.characters, read.estimated_input_tokens, read.message_count) == (9, 3, 2)
