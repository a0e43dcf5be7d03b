"""What Ollama is told: options, formats, thinking, tools, and nothing that it has no word for."""

import msgspec
import pytest
from msgspec import Raw

from pointsman.core.canonical.conversation import (
    Conversation,
    OutputFormat,
    ReasoningWish,
    Tool,
    ToolChoice,
    Turn,
)
from pointsman.core.canonical.embedding import EmbeddingRequest
from pointsman.core.canonical.parts import (
    FilePart,
    ImagePart,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from pointsman.core.errors import UpstreamError
from pointsman.core.target import LocalRun
from pointsman.providers.ollama.encode import encode_conversation, encode_embedding
from pointsman.providers.ollama.window import Window
from pointsman.providers.parameters import Parameters

TOOLS = [Tool("f", "does f", Raw(b'{"type":"object"}')), Tool("g")]


def told(*turns: Turn, model: str = "llama3.1", mode="drop", local=None, **fields):
    """Return the body and the lines of what was changed."""
    changed: list[str] = []
    said = Conversation(
        dialect="openai.chat", turns=list(turns) or [Turn("user", [TextPart("hi")])], **fields
    )
    parameters = Parameters(mode, "p", changed)
    body = encode_conversation(said, model, Window(10, 4096), local, parameters)
    return msgspec.json.decode(body), changed


def test_the_window_is_asked_for_and_cuts_are_forbidden():
    """LO-02, LO-03, LO-05: num_ctx, keep_alive, and an error instead of a cut."""
    body, changed = told(local=LocalRun(windows=(4096,), keep_alive="24h"))

    assert body["options"]["num_ctx"] == 4096
    assert (body["truncate"], body["shift"], body["keep_alive"]) == (False, False, "24h")
    assert changed == ["num_ctx: 4096, for about 10 tokens"]


def test_parameters_are_options_under_their_own_names():
    """And what has none is dropped, with a line each."""
    body, changed = told(
        max_output_tokens=7,
        temperature=0.5,
        top_k=3,
        seed=1,
        stop=["END"],
        presence_penalty=0.1,
        choice_count=2,
        user="u",
        extras={"logit_bias": Raw(b"{}")},
    )
    options = body["options"]

    assert (options["num_predict"], options["top_k"], options["stop"]) == (7, 3, ["END"])
    assert changed[1:] == ["n: dropped", "user: dropped", "logit_bias: dropped"]


def test_strict_refuses_what_drop_drops():
    """Configured, never silent."""
    with pytest.raises(UpstreamError, match="user"):
        told(user="u", mode="strict")


@pytest.mark.parametrize(
    ("output", "form"),
    [
        (OutputFormat("json"), "json"),
        (OutputFormat("json_schema", schema=Raw(b'{"type":"object"}')), {"type": "object"}),
    ],
)
def test_a_form_of_output_is_json_or_a_schema(output, form):
    """LO: `format`."""
    assert told(output=output)[0]["format"] == form


@pytest.mark.parametrize(
    ("model", "wish", "think"),
    [
        ("qwen3", ReasoningWish(effort="none"), False),
        ("qwen3", ReasoningWish(effort="high"), True),
        ("qwen3", ReasoningWish(budget_tokens=2000), True),
        ("gpt-oss:20b", ReasoningWish(effort="high"), "high"),
    ],
)
def test_thinking_is_a_switch_or_a_level(model, wish, think):
    """Only some models know levels."""
    assert told(model=model, reasoning=wish)[0]["think"] == think


def test_calls_carry_objects_and_results_their_names():
    """Arguments are text elsewhere; a result names its function here."""
    body, _ = told(
        Turn("assistant", [ReasoningPart("hm"), ToolCallPart("c1", "f", '{"a": 1}')]),
        Turn("user", [TextPart("and?"), ToolResultPart("c1", [TextPart("42")])]),
    )
    assistant, result, user = body["messages"]

    assert assistant["thinking"] == "hm"
    assert assistant["tool_calls"] == [
        {"id": "c1", "function": {"name": "f", "arguments": {"a": 1}}}
    ]
    assert result == {"role": "tool", "tool_call_id": "c1", "tool_name": "f", "content": "42"}
    assert user["content"] == "and?"


def test_arguments_that_are_no_object_are_carried_as_text():
    """A model once wrote them; the conversation must go on."""
    body, changed = told(Turn("assistant", [ToolCallPart("c1", "f", '{"a')]))

    arguments = body["messages"][0]["tool_calls"][0]["function"]["arguments"]
    assert arguments == {"malformed": '{"a'}
    assert "tool_calls.arguments: malformed JSON -> text in an object" in changed


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (ToolChoice("auto"), ["f", "g"]),
        (ToolChoice("none"), None),
        (ToolChoice("named", "g"), ["g"]),
        (ToolChoice("required"), ["f", "g"]),
    ],
)
def test_a_choice_among_tools_is_made_by_what_is_offered(choice, names):
    """The API has no word for it."""
    body, _ = told(tools=TOOLS, tool_choice=choice)

    tools = body.get("tools")
    assert (tools and [tool["function"]["name"] for tool in tools]) == names


def test_pictures_are_data_and_addresses_are_refused():
    """The server fetches nothing."""
    body, _ = told(Turn("user", [TextPart("see"), ImagePart(data="AAAA", media_type="image/png")]))

    assert body["messages"][0]["images"] == ["AAAA"]
    with pytest.raises(UpstreamError, match="image_url"):
        told(Turn("user", [ImagePart(url="https://x.test/a.png")]))
    with pytest.raises(UpstreamError, match="content"):
        told(Turn("user", [FilePart(data="AA", media_type="application/pdf")]))


def test_texts_to_embed_are_never_cut_either():
    """`truncate: false` there as well; token ids mean nothing to another model."""
    parameters = Parameters("drop", "p", [])
    texts = EmbeddingRequest(
        dialect="openai.embeddings",
        texts=["a"],
        dimensions=8,
        extras={"encoding_format": Raw(b'"base64"')},
    )
    body = msgspec.json.decode(encode_embedding(texts, "m", None, parameters))

    assert body == {"model": "m", "input": ["a"], "truncate": False, "dimensions": 8}
    tokens = EmbeddingRequest(dialect="openai.embeddings", tokens=[[1]])
    with pytest.raises(UpstreamError, match="token ids"):
        encode_embedding(tokens, "m", None, parameters)
