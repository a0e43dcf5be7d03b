"""What the client says, in the words of the Gemini API; the vendor's types are the oracle."""

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
from pointsman.providers.gemini.encode import encode_conversation, encode_count
from pointsman.providers.gemini.signatures import UNCHECKED, marked
from pointsman.providers.parameters import Parameters
from vendors.gemini_requests import CountTokensRequest, GenerateContentRequest, refusal_of

OLD, FLASH, LITE, PRO = (
    "gemini-2.0-flash",
    "gemini-2.5-flash",
    "gemini-2.5-flash-lite",
    "gemini-2.5-pro",
)
THIRD, THIRD_PRO, NEWEST = "gemini-3-flash-preview", "gemini-3.1-pro-preview", "gemini-3.8-flash"
HELLO = [Turn("user", [TextPart("hello")])]
SCHEMA = Raw(b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}')
TOOLS = [Tool("weather", "The weather", SCHEMA)]


def encoded(model: str = FLASH, *, mode="drop", dialect="openai.chat", **said):
    """Return the body and the lines of the record; the body is what the vendor takes."""
    changed: list[str] = []
    conversation = Conversation(dialect=dialect, **{"turns": HELLO, **said})
    body = json.loads(encode_conversation(conversation, model, Parameters(mode, "g", changed)))
    assert refusal_of(body, GenerateContentRequest, model) is None
    return body, changed


def settings(model: str = FLASH, **said):
    body, changed = encoded(model, **said)
    return body.get("generationConfig", {}), changed


def refused(**said) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        encoded(**said)
    assert caught.value.upstream_code == "unsupported_parameter"
    return caught.value


def test_the_system_prompt_stands_apart_and_roles_alternate():
    """GB-01: instructions in the middle join those at the head, and that is told."""
    body, changed = encoded(
        system=[TextPart("one"), TextPart("two")],
        turns=[
            Turn("user", [TextPart("a")]),
            Turn("user", [TextPart("b")]),
            Turn("system", [TextPart("three")]),
            Turn("assistant", [TextPart("c")]),
            Turn("user", [TextPart("d")]),
        ],
    )

    assert body["systemInstruction"] == {"parts": [{"text": t} for t in ("one", "two", "three")]}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
        {"role": "model", "parts": [{"text": "c"}]},
        {"role": "user", "parts": [{"text": "d"}]},
    ]
    assert changed == ["messages.role: system -> the system prompt"]


def test_a_conversation_without_a_users_turn_gets_one():
    """The API wants a content, and a user before the first call."""
    alone, said = encoded(system=[TextPart("write a poem")], turns=[])
    call = ToolCallPart("c", "weather", "{}")
    result = ToolResultPart("c", [TextPart("1")])
    opened, _ = encoded(turns=[Turn("assistant", [call]), Turn("user", [result])])

    assert alone["contents"] == [{"role": "user", "parts": [{"text": "write a poem"}]}]
    assert "systemInstruction" not in alone
    assert said == ["messages: the system prompt is sent as the user's"]
    assert [content["role"] for content in opened["contents"]] == ["user", "model", "user"]


def test_a_model_without_a_system_prompt_gets_it_from_the_user():
    """Gemma 3 refuses `systemInstruction`, and has no JSON mode."""
    body, changed = encoded(
        "gemma-3-27b-it", system=[TextPart("Be brief.")], output=OutputFormat("json")
    )

    texts = [part["text"] for part in body["contents"][0]["parts"]]
    assert texts[1:] == ["Be brief.", "hello"]
    assert "JSON" in texts[0]
    assert "generationConfig" not in body
    assert len(changed) == 2


def test_results_of_parallel_calls_stand_together_in_the_order_of_the_calls():
    """As many responses as calls, with the function's name, before everything else."""
    calls = [ToolCallPart("1", "a", '{"x": 1}'), ToolCallPart("2", "b", "")]
    turns = [
        *HELLO,
        Turn("assistant", [TextPart("wait"), *calls]),
        Turn("user", [TextPart("and?"), ToolResultPart("2", [TextPart("boom")], is_error=True)]),
        Turn("user", [ToolResultPart("1", [TextPart('{"t": 21}')])]),
    ]
    body, _ = encoded(turns=turns)
    with_ids, _ = encoded(THIRD, turns=turns)

    uses, answers = body["contents"][1]["parts"], body["contents"][2]["parts"]
    assert [part["functionCall"] for part in uses[1:]] == [
        {"name": "a", "args": {"x": 1}},
        {"name": "b", "args": {}},
    ]
    assert answers == [
        {"functionResponse": {"name": "a", "response": {"t": 21}}},
        {"functionResponse": {"name": "b", "response": {"error": "boom"}}},
        {"text": "and?"},
    ]
    responses = [part["functionResponse"]["id"] for part in with_ids["contents"][2]["parts"][:2]]
    assert responses == ["1", "2"]


@pytest.mark.parametrize(
    ("said", "response"),
    [
        ("21 degrees", {"output": "21 degrees"}),
        ("[1, 2]", {"output": "[1, 2]"}),
        ("", {"output": ""}),
        ('{"t": 21}', {"t": 21}),
        ('{"output": 1}', {"output": '{"output": 1}'}),
        ('{"error": null}', {"output": '{"error": null}'}),
    ],
)
def test_a_result_becomes_the_object_that_the_api_wants(said: str, response: dict):
    """`output` and `error` have a meaning there, so a result that uses them is wrapped."""
    turns = [
        *HELLO,
        Turn("assistant", [ToolCallPart("c", "f", "{}")]),
        Turn("user", [ToolResultPart("c", [TextPart(said)])]),
    ]

    body, _ = encoded(turns=turns)

    assert body["contents"][2]["parts"][0]["functionResponse"]["response"] == response


def test_a_result_without_its_call_is_refused():
    """The API wants the function's name, and nobody has said it."""
    error = refused(turns=[Turn("user", [ToolResultPart("c", [TextPart("1")])])])

    assert "tool_call_id" in str(error)


def test_pictures_in_results_go_inside_or_beside_by_model():
    """Gemini 3 has a place for them."""
    picture = ImagePart(data="aGk=", media_type="image/png")
    turns = [
        *HELLO,
        Turn("assistant", [ToolCallPart("c", "f", "{}")]),
        Turn("user", [ToolResultPart("c", [TextPart("look"), picture])]),
    ]
    beside, told = encoded(turns=turns)
    inside, _ = encoded(THIRD, turns=turns)

    blob = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
    assert beside["contents"][2]["parts"][1] == blob
    assert told == ["messages.tool_results: pictures and documents put beside the result"]
    assert inside["contents"][2]["parts"][0]["functionResponse"]["parts"] == [blob]


def test_arguments_that_are_no_object_are_sent_within_one():
    """The API takes objects only; what the model wrote is not lost."""
    turns = [
        *HELLO,
        Turn("assistant", [ToolCallPart("c", "f", '{"x": ')]),
        Turn("user", [ToolResultPart("c", [])]),
    ]
    body, changed = encoded(turns=turns)

    call = body["contents"][1]["parts"][0]["functionCall"]
    assert call["args"] == {"INVALID_JSON": '{"x": '}
    assert changed == ["messages.tool_calls.arguments: no JSON object, sent within one"]


def test_signatures_of_calls_go_back_unchanged():
    """Gemini 3 refuses a conversation without them; 2.5 thinks worse without."""
    turns = [
        *HELLO,
        Turn("assistant", [ToolCallPart("1", "f", "{}", "c2ln"), ToolCallPart("2", "f", "{}")]),
        Turn("user", [ToolResultPart("1", []), ToolResultPart("2", [])]),
    ]

    for model in (FLASH, THIRD):
        body, changed = encoded(model, turns=turns)
        signatures = [part.get("thoughtSignature") for part in body["contents"][1]["parts"]]
        assert signatures == ["c2ln", None]
        assert changed == []


def test_a_call_of_another_model_is_marked_as_one_without_a_signature():
    """The vendor's own word for it; only the first call of a turn is checked."""
    turns = [
        *HELLO,
        Turn("assistant", [ToolCallPart("1", "f", "{}"), ToolCallPart("2", "f", "{}")]),
        Turn("user", [ToolResultPart("1", []), ToolResultPart("2", [])]),
    ]
    body, changed = encoded(THIRD, turns=turns, mode="strict")
    latest, _ = encoded("gemini-flash-latest", turns=turns)

    for said in (body, latest):
        signatures = [part.get("thoughtSignature") for part in said["contents"][1]["parts"]]
        assert signatures == [UNCHECKED, None]
    assert changed == ["messages.tool_calls.signature: absent -> not checked"]


def test_the_signature_of_a_text_finds_its_text_again():
    """Dialects have reasoning before the text; what only a signature says stays behind it."""
    before = [ReasoningPart("hm", marked("c2ln")), TextPart("a")]
    behind = [ReasoningPart("hm"), TextPart("a"), ReasoningPart("", marked("c2ln"))]
    for parts in (before, behind):
        body, changed = encoded(turns=[*HELLO, Turn("assistant", list(parts)), *HELLO])
        assert body["contents"][1]["parts"] == [
            {"text": "hm", "thought": True},
            {"text": "a", "thoughtSignature": "c2ln"},
        ]
        assert changed == []

    alone, _ = encoded(
        turns=[*HELLO, Turn("assistant", [ReasoningPart("", marked("c2ln"))]), *HELLO]
    )
    assert alone["contents"][1]["parts"] == [{"text": "", "thoughtSignature": "c2ln"}]


@pytest.mark.parametrize(
    "part", [ReasoningPart("hm", "Q2xhdWRl"), ReasoningPart(encrypted="T3BlbkFJ")]
)
def test_reasoning_that_another_provider_proved_is_left_out(part: ReasoningPart):
    """It would be refused here; a conversation may change providers."""
    body, changed = encoded(turns=[*HELLO, Turn("assistant", [part, TextPart("a")]), *HELLO])

    assert body["contents"][1]["parts"] == [{"text": "a"}]
    assert changed == ["messages.reasoning: dropped"]


def test_media_are_sent_as_data_or_by_address():
    """The API reads addresses itself, from Gemini 2.5 on."""
    body, changed = encoded(
        turns=[
            Turn(
                "user",
                [
                    ImagePart(data="aGk=", media_type="image/jpeg"),
                    ImagePart(url="https://a.example/b.png?c=d"),
                    AudioPart("aGk=", "audio/wav"),
                    FilePart(data="aGk=", media_type="application/pdf"),
                    FilePart(url="https://a.example/x.pdf"),
                    FilePart(file_id="files/abc", media_type="video/mp4"),
                    FilePart(text="words"),
                    ImagePart(data="aGk=", media_type="image/png", detail="low"),
                ],
            )
        ]
    )

    parts = body["contents"][0]["parts"]
    assert [part.get("inlineData", {}).get("mimeType") for part in parts] == [
        "image/jpeg",
        None,
        "audio/wav",
        "application/pdf",
        None,
        None,
        None,
        "image/png",
    ]
    files = [part["fileData"] for part in parts if "fileData" in part]
    assert files[0] == {"fileUri": "https://a.example/b.png?c=d", "mimeType": "image/png"}
    assert files[1]["mimeType"] == "application/pdf"
    assert files[2]["fileUri"].endswith("/v1beta/files/abc")
    assert parts[6] == {"text": "words"}
    assert changed == ["messages.image_url.detail: dropped"]


@pytest.mark.parametrize(
    ("model", "part"),
    [
        (OLD, ImagePart(url="https://a.example/b.png")),
        (FLASH, ImagePart(url="ftp://a.example/b.png")),
        (FLASH, FilePart(file_id="file-abc")),
    ],
)
def test_media_that_cannot_be_reached_are_refused_by_name(model: str, part):
    """A part of the conversation is never left out."""
    error = refused(model=model, turns=[Turn("user", [part])])

    assert "provider g" in str(error)


def test_functions_are_declared_with_json_schema():
    """References stand in place, constants are lists of one, an empty object is nothing."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"Place": {"type": "object", "properties": {"city": {"type": "string"}}}},
        "properties": {
            "at": {"$ref": "#/$defs/Place", "description": "Where"},
            "unit": {"const": "celsius"},
            "name": {"type": ["string", "null"]},
            "id": {"type": ["string", "integer"]},
            "n": {"type": "integer", "exclusiveMinimum": 0},
        },
        "additionalProperties": False,
    }
    tools = [
        Tool("a", "A", Raw(json.dumps(schema).encode())),
        Tool("b", None, Raw(b'{"type":"object","properties":{}}')),
        Tool("c"),
    ]
    body, changed = encoded(tools=tools)

    declared = body["tools"][0]["functionDeclarations"]
    assert declared[0]["parametersJsonSchema"] == {
        "properties": {
            "at": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "description": "Where",
            },
            "unit": {"enum": ["celsius"]},
            "name": {"type": ["string", "null"]},
            "id": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "n": {"type": "integer", "exclusiveMinimum": 0},
        },
        "additionalProperties": False,
        "type": "object",
    }
    assert declared[1:] == [{"name": "b"}, {"name": "c"}]
    assert changed == []


def test_references_in_a_circle_keep_their_definitions():
    """They cannot be put in place; nor can so many that they would never end."""
    tree = {
        "type": "object",
        "properties": {"root": {"$ref": "#/$defs/Node"}},
        "$defs": {
            "Node": {
                "type": "object",
                "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
            }
        },
    }
    doubling = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/n0"}},
        "$defs": {
            f"n{i}": {
                "type": "object",
                "properties": {
                    "l": {"$ref": f"#/$defs/n{i + 1}"},
                    "r": {"$ref": f"#/$defs/n{i + 1}"},
                },
            }
            for i in range(40)
        },
    }
    for schema in (tree, doubling):
        body, _ = encoded(tools=[Tool("a", "A", Raw(json.dumps(schema).encode()))])
        written = body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]
        assert written["$defs"].keys() == schema["$defs"].keys()
        assert len(json.dumps(written)) < 3_000_000


@pytest.mark.parametrize(
    ("choice", "strict", "config"),
    [
        (None, None, None),
        (ToolChoice("auto"), None, {"mode": "AUTO"}),
        (ToolChoice("none"), None, {"mode": "NONE"}),
        (ToolChoice("required"), None, {"mode": "ANY"}),
        (
            ToolChoice("named", "weather"),
            None,
            {"mode": "ANY", "allowedFunctionNames": ["weather"]},
        ),
        (None, True, {"mode": "VALIDATED"}),
        (ToolChoice("auto"), True, {"mode": "VALIDATED"}),
        (ToolChoice("required"), True, {"mode": "ANY"}),
    ],
)
def test_whether_functions_are_called_is_a_mode(choice, strict, config):
    """AG-02: may, must, must not, one of them, or held to the schema."""
    body, changed = encoded(tools=[Tool("weather", None, SCHEMA, strict)], tool_choice=choice)

    said = body.get("toolConfig", {}).get("functionCallingConfig")
    assert said == config
    assert changed == []


def test_what_tools_cannot_be_told_is_named():
    """No way to forbid parallel calls, to hold old models to schemas, or to lend other's tools."""
    _, changed = encoded(
        OLD,
        tools=[Tool("weather", None, SCHEMA, True)],
        parallel_tool_calls=False,
        provider_tools=[ProviderTool("web_search", Raw(b"{}"))],
    )

    assert changed == [
        "tools.web_search: dropped",
        "tools.strict: dropped",
        "parallel_tool_calls: dropped",
    ]


def test_an_answer_by_schema_is_a_setting():
    """What the API does not hold the model to is told in the schema's descriptions."""
    schema = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "exclusiveMinimum": 0, "description": "In years."},
            "name": {"type": "string", "maxLength": 9},
        },
        "required": ["age"],
        "additionalProperties": False,
    }
    config, changed = settings(
        output=OutputFormat("json_schema", "person", schema=Raw(json.dumps(schema).encode()))
    )

    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"]["properties"] == {
        "age": {"type": "integer", "description": "In years. (exclusiveMinimum: 0)"},
        "name": {"type": "string", "description": "(maxLength: 9)"},
    }
    assert config["responseJsonSchema"]["additionalProperties"] is False
    assert changed == ["response_format.schema: exclusiveMinimum, maxLength told in words"]


def test_json_beside_tools_is_asked_for_in_words_where_the_api_takes_only_one():
    """Before Gemini 3 it answers 400 to both."""
    output = OutputFormat("json_schema", schema=SCHEMA)
    words, told = encoded(FLASH, tools=TOOLS, output=output)
    both, _ = encoded(THIRD, tools=TOOLS, output=output)

    assert "city" in words["systemInstruction"]["parts"][-1]["text"]
    assert "generationConfig" not in words
    assert told == ["response_format: json_schema asked for in the system prompt"]
    assert both["generationConfig"]["responseJsonSchema"] == json.loads(bytes(SCHEMA))
    refused(model=FLASH, tools=TOOLS, output=output, mode="strict")


def test_any_json_is_a_setting():
    """JSON mode without a schema."""
    config, changed = settings(output=OutputFormat("json"))

    assert config == {"responseMimeType": "application/json"}
    assert changed == []


@pytest.mark.parametrize(
    ("model", "wish", "thinking", "changes"),
    [
        (FLASH, {"effort": "low"}, {"thinkingBudget": 1024}, 1),
        (FLASH, {"effort": "xhigh"}, {"thinkingBudget": 24_576}, 1),
        (FLASH, {"budget_tokens": 5000}, {"thinkingBudget": 5000}, 0),
        (FLASH, {"budget_tokens": 50_000}, {"thinkingBudget": 24_576}, 1),
        (FLASH, {"is_adaptive": True}, {"thinkingBudget": -1}, 0),
        (FLASH, {"summary": "auto"}, {}, 0),
        (LITE, {"budget_tokens": 100}, {"thinkingBudget": 512}, 1),
        (PRO, {"effort": "xhigh"}, {"thinkingBudget": 32_768}, 1),
        (THIRD, {"effort": "minimal"}, {"thinkingLevel": "MINIMAL"}, 0),
        (THIRD, {"effort": "medium"}, {"thinkingLevel": "MEDIUM"}, 0),
        (THIRD, {"budget_tokens": 9000}, {"thinkingLevel": "MEDIUM"}, 1),
        (THIRD, {"is_adaptive": True}, {}, 0),
        (THIRD_PRO, {"effort": "minimal"}, {"thinkingLevel": "LOW"}, 1),
        (THIRD_PRO, {"effort": "max"}, {"thinkingLevel": "HIGH"}, 1),
        ("gemini-3-pro-preview", {"effort": "medium"}, {"thinkingLevel": "HIGH"}, 1),
        (NEWEST, {"effort": "minimal"}, {"thinkingLevel": "LOW"}, 1),
    ],
)
def test_how_much_to_think_is_said_in_each_models_way(model, wish, thinking, changes):
    """Budgets until 2.5, levels from 3 on; what is not exact is told, thoughts are shown."""
    config, changed = settings(model, reasoning=ReasoningWish(**wish))

    assert config["thinkingConfig"] == {"includeThoughts": True, **thinking}
    assert len(changed) == changes


@pytest.mark.parametrize(
    ("model", "thinking", "changed"),
    [
        (FLASH, {"thinkingBudget": 0}, []),
        (PRO, {"thinkingBudget": 128}, ["none -> 128 tokens: this model always thinks"]),
        (THIRD, {"thinkingLevel": "MINIMAL"}, ["none -> minimal: this model always thinks"]),
        (THIRD_PRO, {"thinkingLevel": "LOW"}, ["none -> low: this model always thinks"]),
        (OLD, None, []),
    ],
)
def test_thinking_is_switched_off_where_it_can_be(model, thinking, changed):
    """Elsewhere the model thinks as little as it can."""
    config, lines = settings(model, reasoning=ReasoningWish("none"))

    assert config.get("thinkingConfig") == thinking
    assert lines == [f"reasoning_effort: {line}" for line in changed]


def test_a_model_that_does_not_think_is_not_asked_to():
    """The API answers 400 to it."""
    config, changed = settings(OLD, reasoning=ReasoningWish("high"))

    assert config == {}
    assert changed == ["reasoning_effort: dropped"]


@pytest.mark.parametrize(
    ("model", "said", "sent", "changed"),
    [
        (
            FLASH,
            {"temperature": 1.4, "top_p": 0.5, "top_k": 5},
            {"temperature": 1.4, "topP": 0.5, "topK": 5},
            [],
        ),
        (NEWEST, {"temperature": 0.2}, {}, ["temperature: dropped"]),
        (NEWEST, {"temperature": 1.0}, {}, ["temperature: 1 -> absent, which is the same"]),
        (FLASH, {"presence_penalty": 0.5}, {}, ["presence_penalty: dropped"]),
        (OLD, {"presence_penalty": 0.5}, {"presencePenalty": 0.5}, []),
        (FLASH, {"frequency_penalty": 0.0}, {}, []),
        (FLASH, {"seed": 7, "stop": ["x"]}, {"seed": 7, "stopSequences": ["x"]}, []),
        (FLASH, {"seed": -1}, {"seed": 2_147_483_647}, ["seed: -1 -> 2147483647"]),
        (
            FLASH,
            {"stop": list("abcdef")},
            {"stopSequences": list("abcde")},
            ["stop: 6 sequences -> the first 5"],
        ),
        (FLASH, {"max_output_tokens": 100}, {"maxOutputTokens": 100}, []),
        (
            FLASH,
            {"max_output_tokens": 100_000},
            {"maxOutputTokens": 65_536},
            ["max_tokens: 100000 -> 65536"],
        ),
        (FLASH, {"choice_count": 1}, {}, []),
        (FLASH, {"choice_count": 3}, {"candidateCount": 3}, []),
        (FLASH, {"choice_count": 9}, {"candidateCount": 8}, ["n: 9 -> 8"]),
        (OLD, {"logprobs": True, "top_logprobs": 3}, {"responseLogprobs": True, "logprobs": 3}, []),
        (FLASH, {"logprobs": True}, {}, ["logprobs: dropped"]),
    ],
)
def test_settings_are_sent_to_the_models_that_take_them(model, said, sent, changed):
    """What a model would refuse or ignore is named instead."""
    config, lines = settings(model, **said)

    assert config == sent
    assert lines == changed


def test_everything_without_a_word_is_dropped_and_named():
    """Field notes 8.14: nothing is dropped silently."""
    body, changed = encoded(
        verbosity="low",
        service_tier="scale",
        user="u-1",
        extras={"logit_bias": Raw(b"{}"), "safety_settings": Raw(b"[]")},
        turns=[
            Turn("user", [TextPart("hello", CacheHint("1h"))], name="Ann"),
            Turn("assistant", [RefusalPart("No.")]),
            Turn("user", [TextPart("why?")]),
        ],
    )

    assert body["safetySettings"] == []
    assert body["contents"][1]["parts"] == [{"text": "No."}]
    assert changed == [
        "messages.name: dropped",
        "cache_control: absent: this API caches by itself",
        "messages.refusal: sent as text",
        "service_tier: dropped",
        "user: dropped",
        "verbosity: dropped",
        "logit_bias: dropped",
    ]


def test_defaults_of_openai_change_nothing():
    """Clients send them all the time; a refusal of these would help nobody."""
    body, changed = encoded(
        mode="strict",
        frequency_penalty=0.0,
        presence_penalty=0.0,
        choice_count=1,
        logprobs=False,
        verbosity="medium",
        service_tier="auto",
        parallel_tool_calls=True,
    )

    assert body == {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    assert changed == []


@pytest.mark.parametrize(("tier", "sent"), [("default", "standard"), ("flex", "flex")])
def test_the_tier_is_said_in_googles_words(tier: str, sent: str):
    """OpenAI's default is Google's standard."""
    body, changed = encoded(service_tier=tier)

    assert body["serviceTier"] == sent
    assert changed == []


def test_counting_asks_about_the_whole_request():
    """System prompt and tools count, too."""
    conversation = Conversation(
        dialect="anthropic.messages", turns=HELLO, system=[TextPart("s")], tools=TOOLS
    )
    body = json.loads(encode_count(conversation, FLASH, Parameters("drop", "g", [])))

    assert refusal_of(body, CountTokensRequest, FLASH) is None
    assert body["generateContentRequest"]["model"] == "models/gemini-2.5-flash"
    assert {"systemInstruction", "tools", "contents"} <= body["generateContentRequest"].keys()


names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
texts = st.text(max_size=20)
calls = st.lists(
    st.tuples(names, names, st.dictionaries(names, st.integers(-9, 9) | texts, max_size=2)),
    max_size=3,
)


@given(
    st.lists(st.tuples(texts, calls, texts), max_size=4),
    texts,
    st.sampled_from([OLD, FLASH, THIRD, NEWEST, "gemini-flash-latest"]),
)
def test_any_conversation_becomes_one_that_the_vendor_takes(rounds, question, model):
    """Round trip: every text, call and result is in the body, in order."""
    turns = [*HELLO]
    for number, (said, made, answered) in enumerate(rounds):
        turns.append(Turn("user", [TextPart(said)]))
        uses = [
            ToolCallPart(f"{number}-{place}-{each[0]}", each[1], json.dumps(each[2]))
            for place, each in enumerate(made)
        ]
        turns.append(Turn("assistant", [TextPart("go"), *uses]))
        turns.extend(Turn("user", [ToolResultPart(use.id, [TextPart(answered)])]) for use in uses)
    turns.append(Turn("user", [TextPart(question), TextPart("?")]))

    body, _ = encoded(model, turns=turns)

    parts = [part for content in body["contents"] for part in content["parts"]]
    wanted = ["hello"] + [text for said, _, _ in rounds for text in (said, "go")] + [question, "?"]
    assert [part["text"] for part in parts if "text" in part] == [text for text in wanted if text]
    sent = [part["functionCall"] for part in parts if "functionCall" in part]
    assert [(call["name"], call["args"]) for call in sent] == [
        (each[1], each[2]) for _, made, _ in rounds for each in made
    ]
    results = [part["functionResponse"] for part in parts if "functionResponse" in part]
    assert [result["name"] for result in results] == [call["name"] for call in sent]
    assert [result["response"] for result in results] == [
        {"output": answered} for _, made, answered in rounds for _ in made
    ]
    has_ids = model.startswith(("gemini-3", "gemini-flash"))
    assert [result.get("id") for result in results] == [
        call["id"] if has_ids else None for call in sent
    ]
