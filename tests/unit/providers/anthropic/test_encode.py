"""What the client says, in the words of the Messages API; the vendor's types are the oracle."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from pointsman.core.canonical.conversation import (
    Conversation,
    OutputFormat,
    ProviderTool,
    ReasoningWish,
    Tool,
    ToolChoice,
    Turn,
)
from pointsman.core.canonical.parts import (
    AudioPart,
    CacheHint,
    FilePart,
    ImagePart,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from pointsman.core.errors import UpstreamError
from pointsman.providers.anthropic.encode import (
    EncodeSettings,
    encode_conversation,
    encode_native,
)
from pointsman.providers.anthropic.schema import constrained_schema
from pointsman.providers.parameters import Parameters
from provider_requests import request_in
from vendors.anthropic_requests import VERSIONS, refusal_of_message

HAIKU, SONNET, OPUS, FABLE = (
    "claude-haiku-4-5",
    "claude-sonnet-4-6",
    "claude-opus-5",
    "claude-fable-5-1",
)
HELLO = [Turn("user", [TextPart("hello")])]
SCHEMA = Raw(b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}')


def encoded(model: str = HAIKU, *, mode="drop", dialect="openai.chat", is_valid=True, **said):
    """Return the body and the lines of the record; the body is what the vendor takes."""
    changed: list[str] = []
    conversation = Conversation(dialect=dialect, **{"turns": HELLO, **said})
    body = encode_conversation(
        conversation, model, EncodeSettings(), Parameters(mode, "claude", changed)
    )
    decoded = json.loads(body)
    if is_valid:
        assert refusal_of_message(decoded, VERSIONS[0]) is None
    return decoded, [line for line in changed if not line.startswith("max_tokens: absent")]


def refused(**said) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        encoded(**said)
    assert caught.value.upstream_code == "unsupported_parameter"
    return caught.value


def test_the_system_prompt_stands_apart_and_roles_alternate():
    """GB-01: instructions in the middle join those at the head, and that is told."""
    body, changed = encoded(
        system=[TextPart("one"), TextPart("two", CacheHint("1h"))],
        turns=[
            Turn("user", [TextPart("a")]),
            Turn("user", [TextPart("b")]),
            Turn("system", [TextPart("three")]),
            Turn("assistant", [TextPart("c")]),
            Turn("user", [TextPart("d")]),
        ],
    )

    assert [block["text"] for block in body["system"]] == ["one", "two", "three"]
    assert body["system"][1]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert [block["text"] for block in body["messages"][0]["content"]] == ["a", "b"]
    assert changed == ["messages.role: system -> the system prompt"]


def test_a_conversation_without_a_users_turn_gets_one():
    """The API wants a first message, and it to be the user's."""
    alone, said = encoded(system=[TextPart("write a poem")], turns=[])
    opened, _ = encoded(turns=[Turn("assistant", [TextPart("hi")])])

    assert alone["messages"][0]["content"] == [{"type": "text", "text": "write a poem"}]
    assert "system" not in alone
    assert said == ["messages: the system prompt is sent as the user's"]
    assert [message["role"] for message in opened["messages"]] == ["user", "assistant"]


def test_results_of_parallel_calls_stand_together_before_the_text():
    """A `tool_use` is answered at the start of the next message, whatever order they came in."""
    calls = [ToolCallPart("call_1", "a", '{"x": 1}'), ToolCallPart("functions.b:0", "b", "")]
    body, changed = encoded(
        turns=[
            *HELLO,
            Turn("assistant", [TextPart(" "), *calls]),
            Turn("user", [ToolResultPart("call_1", [TextPart("one")])]),
            Turn("user", [TextPart("and?"), ToolResultPart("functions.b:0", [], is_error=True)]),
        ]
    )

    uses, answers = body["messages"][1]["content"], body["messages"][2]["content"]
    assert [use["input"] for use in uses] == [{"x": 1}, {}]
    assert [block["type"] for block in answers] == ["tool_result", "tool_result", "text"]
    assert answers[0]["content"] == "one"
    assert answers[1]["is_error"] is True
    assert answers[1]["tool_use_id"] == uses[1]["id"] == "functions_b_0"
    assert changed == ["messages.tool_calls.id: other characters written as _"]


def test_arguments_that_are_no_object_are_sent_within_one():
    """A model's own mistake must not make the conversation unsendable."""
    body, changed = encoded(
        turns=[
            *HELLO,
            Turn("assistant", [ToolCallPart("c", "a", '{"city": "Os')]),
            Turn("user", [ToolResultPart("c", [TextPart("no")])]),
        ]
    )

    assert body["messages"][1]["content"][0]["input"] == {"INVALID_JSON": '{"city": "Os'}
    assert changed == ["messages.tool_calls.arguments: no JSON object, sent within one"]


def test_pictures_and_documents_come_by_address_and_as_data():
    """Text, PDF and pictures; a result may hold them too."""
    body, changed = encoded(
        turns=[
            Turn(
                "user",
                [
                    ImagePart(url="https://example.org/a.png", detail="low"),
                    ImagePart(data="AA==", media_type="image/png"),
                    FilePart(data="AA==", media_type="application/pdf", filename="a.pdf"),
                    FilePart(data="aGk=", media_type="text/plain"),
                    FilePart(url="https://example.org/b.pdf"),
                ],
            )
        ]
    )

    sources = [block["source"] for block in body["messages"][0]["content"]]
    assert [source["type"] for source in sources] == ["url", "base64", "base64", "text", "url"]
    assert sources[3]["data"] == "hi"
    assert body["messages"][0]["content"][2]["title"] == "a.pdf"
    assert changed == ["messages.image_url.detail: dropped"]


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (AudioPart("AA==", "audio/wav"), "messages.input_audio"),
        (FilePart(file_id="file-abc"), "messages.file_id"),
        (FilePart(data="AA==", media_type="application/msword"), "messages.file"),
        (FilePart(data="/w==", media_type="text/plain"), "messages.file"),
    ],
)
def test_what_the_model_would_miss_is_refused_in_every_mode(part, param: str):
    """A part of the question must not be dropped: another question would be answered."""
    error = refused(turns=[Turn("user", [part])])

    assert json.loads(error.upstream_body)["error"]["param"] == param


def test_thoughts_come_back_only_with_their_proof():
    """Signed and sealed reasoning is kept as it was; anybody else's would be refused."""
    body, changed = encoded(
        turns=[
            *HELLO,
            Turn(
                "assistant",
                [
                    ReasoningPart("hm", signature="EqQBCgIYAhIMxyz"),
                    ReasoningPart(encrypted="EmwK"),
                    ReasoningPart("another vendor's"),
                    ReasoningPart("Google's", signature="gemini:c2ln"),
                    ReasoningPart(encrypted="gAAA", id="rs_1"),
                    RefusalPart("I won't."),
                ],
            ),
            *HELLO,
        ]
    )

    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "EqQBCgIYAhIMxyz"},
        {"type": "redacted_thinking", "data": "EmwK"},
        {"type": "text", "text": "I won't."},
    ]
    assert changed == ["messages.reasoning: dropped", "messages.refusal: sent as text"]


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        (ToolChoice("auto"), None, {"type": "auto"}),
        (ToolChoice("none"), False, {"type": "none"}),
        (ToolChoice("required"), None, {"type": "any"}),
        (ToolChoice("named", "a"), False, {"type": "tool", "name": "a"}),
        (None, False, {"type": "auto"}),
    ],
)
def test_whether_tools_may_be_called(choice, parallel, expected):
    """Every way of OpenAI's has one here; parallel calls are a part of it."""
    body, changed = encoded(
        tools=[Tool("a", "does", SCHEMA)], tool_choice=choice, parallel_tool_calls=parallel
    )

    disables = {"disable_parallel_tool_use": True}
    if expected is not None and parallel is False and expected["type"] != "none":
        expected = expected | disables
    assert body.get("tool_choice") == expected
    assert changed == []


def test_wishes_for_caching_are_breakpoints():
    """On tools as on texts; a lifetime that the API does not have is its default."""
    tools = [Tool("a", None, SCHEMA, cache=CacheHint("1h")), Tool("b", cache=CacheHint("7d"))]

    body, changed = encoded(tools=tools)

    assert [tool["cache_control"] for tool in body["tools"]] == [
        {"type": "ephemeral", "ttl": "1h"},
        {"type": "ephemeral"},
    ]
    assert changed == []


def test_a_choice_without_tools_is_not_sent():
    """The API refuses it, and it means nothing."""
    body, _ = encoded(tool_choice=ToolChoice("auto"), parallel_tool_calls=True)

    assert "tool_choice" not in body


def test_newest_models_cannot_be_made_to_call_a_tool():
    """Forced calls are an error there; the nearest is to leave it to the model."""
    body, changed = encoded(
        FABLE, tools=[Tool("a", None, SCHEMA)], tool_choice=ToolChoice("required")
    )

    assert body["tool_choice"] == {"type": "auto"}
    assert changed == ["tool_choice: required -> auto: this model cannot be made to call a tool"]


def test_schemas_of_tools_become_objects():
    """No parameters, no type, alternatives at the top: what the API demands of `input_schema`."""
    either = Raw(
        b'{"anyOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},'
        b'{"properties":{"b":{"type":"string"}},"required":["b"]}]}'
    )
    body, changed = encoded(
        tools=[Tool("a"), Tool("b", schema=Raw(b'{"properties":{}}')), Tool("c", schema=either)]
    )

    schemas = [tool["input_schema"] for tool in body["tools"]]
    assert all(schema["type"] == "object" for schema in schemas)
    assert set(schemas[2]["properties"]) == {"a", "b"}
    assert changed == ["tools.2.parameters: alternatives at the top merged"]


def test_an_answer_by_schema_uses_the_apis_own_structured_output():
    """What it cannot hold the model to is told in the schema's descriptions."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0, "description": "In years."},
            "name": {"type": ["string", "null"], "maxLength": 9},
        },
        "required": ["age"],
    }
    body, changed = encoded(
        output=OutputFormat("json_schema", "person", schema=Raw(json.dumps(schema).encode()))
    )

    form = body["output_config"]["format"]
    assert form["type"] == "json_schema"
    assert form["schema"]["additionalProperties"] is False
    assert form["schema"]["properties"]["age"] == {
        "type": "integer",
        "description": "In years. (minimum: 0)",
    }
    assert form["schema"]["properties"]["name"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    assert changed == ["response_format.schema: maxLength, minimum told in words"]


@pytest.mark.parametrize(
    ("model", "output"),
    [
        (HAIKU, OutputFormat("json")),
        ("claude-3-haiku-20240307", OutputFormat("json_schema", schema=SCHEMA)),
    ],
)
def test_json_without_an_api_for_it_is_asked_for_in_words(model: str, output: OutputFormat):
    """There is no mode for any JSON, and old models hold no schema; `strict` refuses both."""
    body, changed = encoded(model, output=output)

    assert "JSON" in body["system"][-1]["text"]
    assert "output_config" not in body
    assert changed == [f"response_format: {output.kind} asked for in the system prompt"]
    refused(model=model, output=output, mode="strict")


@pytest.mark.parametrize(
    ("model", "wish", "thinking", "effort", "changed"),
    [
        (HAIKU, {"effort": "low"}, {"type": "enabled", "budget_tokens": 2048}, None, 1),
        (HAIKU, {"budget_tokens": 5000}, {"type": "enabled", "budget_tokens": 5000}, None, 0),
        (HAIKU, {"budget_tokens": 10}, {"type": "enabled", "budget_tokens": 1024}, None, 1),
        (HAIKU, {"effort": "none"}, None, None, 0),
        (SONNET, {"effort": "high"}, {"type": "adaptive"}, "high", 0),
        (SONNET, {"effort": "xhigh"}, {"type": "adaptive"}, "high", 1),
        (SONNET, {"budget_tokens": 2000}, {"type": "enabled", "budget_tokens": 2000}, None, 0),
        (OPUS, {"effort": "minimal"}, {"type": "adaptive"}, "low", 1),
        (OPUS, {"budget_tokens": 9000}, {"type": "adaptive"}, "medium", 1),
        (OPUS, {"effort": "none"}, {"type": "disabled"}, None, 0),
        ("claude-sonnet-5-5", {"effort": "none"}, {"type": "between_tools"}, None, 0),
        (FABLE, {"effort": "none"}, None, "low", 1),
        (FABLE, {"is_adaptive": True}, {"type": "adaptive"}, None, 0),
        ("claude-3-haiku-20240307", {"effort": "high"}, None, None, 1),
        (HAIKU, {}, None, None, 0),
    ],
)
def test_how_much_to_think_is_said_in_each_models_way(model, wish, thinking, effort, changed):
    """Budgets, adaptive thinking and efforts differ by model; what is not exact is told."""
    body, lines = encoded(model, reasoning=ReasoningWish(**wish))

    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort
    assert len(lines) == changed


def test_thoughts_are_shown_where_the_client_asks_for_them():
    """Newer models leave the text out unless told otherwise."""
    body, _ = encoded(OPUS, reasoning=ReasoningWish("high", summary="auto"))

    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}


def test_thinking_gives_way_to_a_tool_that_must_be_called():
    """The API takes only one of the two."""
    tools, choice = [Tool("a", None, SCHEMA)], ToolChoice("required")
    wish = ReasoningWish("high")

    budget, told = encoded(HAIKU, tools=tools, tool_choice=choice, reasoning=wish)
    unasked, _ = encoded(OPUS, tools=tools, tool_choice=choice)

    assert "thinking" not in budget
    assert "reasoning_effort: none: a tool must be called" in told
    assert unasked["thinking"] == {"type": "disabled"}


def test_thinking_waits_until_tool_use_that_began_without_it_is_over():
    """The API answers 400 to it; clients of other dialects cannot know."""
    body, changed = encoded(
        HAIKU,
        reasoning=ReasoningWish(budget_tokens=2000),
        turns=[
            *HELLO,
            Turn("assistant", [ToolCallPart("c", "a", "{}")]),
            Turn("user", [ToolResultPart("c", [TextPart("1")])]),
        ],
        tools=[Tool("a", None, SCHEMA)],
    )

    assert "thinking" not in body
    assert len(changed) == 1


def test_a_budget_stays_below_the_tokens_there_are():
    """`max_tokens` holds the thoughts too."""
    some, _ = encoded(max_output_tokens=2000, reasoning=ReasoningWish(budget_tokens=4000))
    none, changed = encoded(max_output_tokens=500, reasoning=ReasoningWish(budget_tokens=4000))

    assert some["thinking"]["budget_tokens"] == 1999
    assert "thinking" not in none
    assert changed == ["reasoning_effort: dropped"]


@pytest.mark.parametrize(
    ("model", "said", "sent", "changed"),
    [
        (HAIKU, {"temperature": 1.4}, {"temperature": 1.0}, ["temperature: 1.4 -> 1"]),
        (HAIKU, {"temperature": 0.2, "top_k": 5}, {"temperature": 0.2, "top_k": 5}, []),
        (
            HAIKU,
            {"temperature": 0.2, "top_p": 0.5},
            {"temperature": 0.2},
            ["top_p: dropped"],
        ),
        (
            HAIKU,
            {"temperature": 0.2, "top_p": 1.0},
            {"temperature": 0.2},
            ["top_p: 1 -> absent, which is the same"],
        ),
        (OPUS, {"temperature": 0.2}, {}, ["temperature: dropped"]),
        (OPUS, {"temperature": 1.0}, {}, ["temperature: 1 -> absent, which is the same"]),
    ],
)
def test_sampling_is_sent_to_the_models_that_take_it(model, said, sent, changed):
    """From 4.7 on models refuse it; 4.5 and 4.6 take one of two."""
    body, lines = encoded(model, **said)

    assert {key: body[key] for key in ("temperature", "top_p", "top_k") if key in body} == sent
    assert lines == changed


def test_sampling_gives_way_to_thinking():
    """With a budget only the defaults are taken."""
    body, changed = encoded(
        HAIKU, temperature=0.2, top_k=3, reasoning=ReasoningWish(budget_tokens=2000)
    )

    assert not {"temperature", "top_k"} & set(body)
    assert changed == ["temperature: dropped", "top_k: dropped"]


def test_every_model_gets_the_tokens_it_can_answer_with():
    """The API requires `max_tokens`; OpenAI's clients mostly send none."""
    assert encoded(HAIKU)[0]["max_tokens"] == 64_000
    assert encoded(OPUS)[0]["max_tokens"] == 128_000
    body, changed = encoded(HAIKU, max_output_tokens=100_000)
    assert body["max_tokens"] == 64_000
    assert changed == ["max_tokens: 100000 -> 64000"]


def test_everything_without_a_word_is_dropped_and_named():
    """Field notes 8.14: nothing is dropped silently."""
    body, changed = encoded(
        frequency_penalty=0.5,
        presence_penalty=0.5,
        seed=7,
        choice_count=3,
        logprobs=True,
        verbosity="low",
        service_tier="flex",
        stop=["\n", "END"],
        user="u-1",
        provider_tools=[ProviderTool("web_search", Raw(b"{}"))],
        extras={"logit_bias": Raw(b"{}")},
    )

    assert body["stop_sequences"] == ["END"]
    assert body["metadata"] == {"user_id": "u-1"}
    assert changed == [
        "tools.web_search: dropped",
        "stop: dropped",
        "service_tier: dropped",
        "frequency_penalty: dropped",
        "presence_penalty: dropped",
        "seed: dropped",
        "n: 3 -> 1",
        "logprobs: dropped",
        "verbosity: dropped",
        "logit_bias: dropped",
    ]


def test_defaults_of_openai_change_nothing():
    """Clients send them all the time; a refusal of these would help nobody."""
    _, changed = encoded(
        mode="strict",
        frequency_penalty=0.0,
        presence_penalty=0.0,
        choice_count=1,
        logprobs=False,
        verbosity="medium",
        service_tier="auto",
        parallel_tool_calls=True,
    )

    assert changed == []


@pytest.mark.parametrize("mode", ["strict", "map"])
def test_what_has_no_word_is_refused_where_configured(mode: str):
    """The parameter and the provider are named, the prompt is not."""
    error = refused(mode=mode, seed=7)

    said = json.loads(error.upstream_body)["error"]
    assert said["param"] == "seed"
    assert "claude" in said["message"]


names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
texts = st.text(min_size=0, max_size=20)
calls = st.lists(
    st.tuples(names, names, st.dictionaries(names, st.integers() | texts, max_size=2)),
    max_size=3,
    unique_by=lambda call: call[0],
)


@given(st.lists(st.tuples(texts, calls, texts), max_size=4), texts, st.sampled_from([HAIKU, FABLE]))
def test_any_conversation_becomes_one_that_the_vendor_takes(rounds, question, model):
    """Round trip: every non-blank text, call and result is in the body, in order."""
    turns = []
    for said, made, answered in rounds:
        turns.append(Turn("user", [TextPart(said)]))
        uses = [ToolCallPart(each[0], each[1], json.dumps(each[2])) for each in made]
        turns.append(Turn("assistant", [TextPart("go"), *uses]))
        turns.extend(Turn("user", [ToolResultPart(use.id, [TextPart(answered)])]) for use in uses)
    turns.append(Turn("user", [TextPart(question), TextPart("?")]))

    body, _ = encoded(model, turns=turns)

    blocks = [block for message in body["messages"] for block in message["content"]]
    blocks = [block for block in blocks if block != "."]
    wanted = [said for said, _, _ in rounds] + [question]
    found = [block["text"] for block in blocks if block["type"] == "text"]
    assert [text for text in found if text not in ("go", "?")] == [
        text for text in wanted if text.strip() and text not in ("go", "?")
    ]
    uses = [(b["id"], b["name"], b["input"]) for b in blocks if b["type"] == "tool_use"]
    assert uses == [tuple(each) for _, made, _ in rounds for each in made]
    results = [b.get("content") for b in blocks if b["type"] == "tool_result"]
    assert results == [answered or None for _, made, answered in rounds for _ in made]


def native(body: dict, **changes) -> tuple[dict, list[str], bytes]:
    raw = json.dumps(body).encode()
    request = request_in("anthropic.messages", raw, model="claude-x")
    request.requested_model = body.get("model")
    for name, value in changes.items():
        setattr(request, name, value)
    sent, lines = encode_native(request)
    return json.loads(sent), lines, raw


def test_a_native_body_stays_the_bytes_it_is():
    """Nothing is decoded where nothing has to change."""
    raw = b'{ "model": "claude-x",  "messages": [] }'
    request = request_in("anthropic.messages", raw, model="claude-x")

    assert encode_native(request) == (raw, [])


def test_a_native_body_gets_the_models_name_and_loses_the_gateways_keys():
    """The rest of it stays byte for byte."""
    sent, lines, _ = native(
        {"model": "auto", "tenant_id": "t", "metadata": {"user_id": "u", "team": "x"}, "a": 1},
        drop_keys=("tenant_id", "metadata"),
    )

    assert sent == {"model": "claude-x", "metadata": {"user_id": "u"}, "a": 1}
    assert lines == [
        "model: auto -> claude-x",
        "tenant_id: dropped",
        "metadata: only user_id kept",
    ]


def test_native_metadata_without_a_user_is_left_out():
    """The API refuses other keys."""
    sent, lines, _ = native({"model": "claude-x", "metadata": {"team": "x"}})

    assert sent == {"model": "claude-x"}
    assert lines == ["metadata: dropped"]


@pytest.mark.parametrize("odd", [{}, ["date"], None, 5])
def test_a_format_that_is_no_word_is_told_instead_of_breaking_the_request(odd: object):
    """A client may write anything into a schema; what no API can hold goes to the description."""
    schema = {"type": "object", "properties": {"when": {"type": "string", "format": odd}}}

    constrained, removed = constrained_schema(Raw(json.dumps(schema).encode()))

    when = json.loads(bytes(constrained))["properties"]["when"]
    assert "format" not in when
    assert removed == ["format"]
