"""Stored content reads as a conversation, whatever shape it has."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pointsman.console.conversation import conversation, pieces_of
from pointsman.store.rows import ContentRow
from sample_records import Traffic

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["messages", "role", "content", "tool_calls", "function", "choices",
                         "message", "text", "type", "arguments", "name", "reasoning", "x"]),
        inner, max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


def row(prompt, response=None, system=None):
    """Return a stored content."""
    return ContentRow(request_id="r", prompt=prompt, response=response, system=system)


def test_messages_tools_images_and_the_answer_are_told_in_order():
    """As the caller and the model said them."""
    traffic = Traffic(10**18)

    turns = conversation(traffic.content(traffic.call(None, "tools")))

    assert [turn.role for turn in turns] == [
        "system", "user", "assistant", "tool", "user", "assistant",
    ]  # fmt: skip
    assert [said.label for said in turns[1].said] == ["", "image url"]
    assert turns[2].said[0].label == "calls order_status"
    assert turns[-1].is_answer


def test_redaction_marks_are_told_apart():
    """So that a reader sees what was taken out."""
    pieces = pieces_of("write to [redacted: email] or [redacted: phone number]")

    assert [(piece.text, piece.is_redacted) for piece in pieces] == [
        ("write to ", False), ("[redacted: email]", True),
        (" or ", False), ("[redacted: phone number]", True),
    ]  # fmt: skip


def test_a_system_prompt_is_told_once():
    """It is kept apart, and may stand in the messages too."""
    body = json.dumps({"messages": [{"role": "system", "content": "Be brief."}]})

    assert len(conversation(row(body, system="Be brief."))) == 1
    assert [turn.role for turn in conversation(row("hello", system="Be brief."))] == [
        "system",
        "user",
    ]


@given(ANY_JSON, ANY_JSON)
def test_any_body_can_be_read(prompt, response):
    """Bodies are what callers and providers wrote."""
    conversation(row(json.dumps(prompt), json.dumps(response)))


@given(st.text(), st.text())
def test_text_that_is_no_json_is_told_as_it_is(prompt, response):
    """A body that was cut to its bound is no JSON any more."""
    turns = conversation(row(prompt + "{", response))

    assert turns[0].said[0].pieces[0].text


def test_deep_nesting_is_no_failure():
    """A body may be nested deeper than the stack."""
    deep = "[" * 100_000

    assert conversation(row(deep))[0].role == "user"
