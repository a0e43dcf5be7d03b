"""The scripted Gemini API says nothing that the official SDK's types do not know."""

import base64
import json

import httpx2
import pytest
from google import genai
from google.genai import errors, types

from vendors import scenarios
from vendors.gemini_api import GeminiApi
from vendors.said import DOCUMENT_SCHEMA, WEATHER_SCHEMA, documents_of, name_of, sse_documents
from vendors.scenarios import RED_DOT_PNG, Scenario
from vendors.schema_check import check

# The SDK derives from aiohttp's session, which aiohttp discourages.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")
MODEL = "gemini-2.5-flash"
HELLO = {"role": "user", "parts": [{"text": "hello there"}]}
TOOL = {
    "function_declarations": [
        {
            "name": "get_weather",
            "description": "Weather now",
            "parameters_json_schema": WEATHER_SCHEMA,
        }
    ]
}
PLAYED = (
    *scenarios.CONVERSATIONS,
    scenarios.BLOCKED_PROMPT,
    scenarios.PICTURE,
    scenarios.MALFORMED_TOOLS,
)


@pytest.fixture
def server():
    """A scripted Gemini API."""
    with GeminiApi() as running:
        yield running


@pytest.fixture
async def client(server):
    """The asynchronous half of the official client, without retries."""
    made = genai.Client(api_key=server.key, http_options={"base_url": server.url})
    yield made.aio
    await made.aio.aclose()
    made.close()


def request_for(scenario: Scenario) -> dict:
    """Return a request that has what the scenario expects, and asks for all it can show."""
    config: dict = {"thinking_config": {"include_thoughts": True}}
    contents = [HELLO]
    if "tools" in scenario.expects:
        config["tools"] = [TOOL]
    if "json_schema" in scenario.expects:
        config["response_mime_type"] = "application/json"
        config["response_json_schema"] = DOCUMENT_SCHEMA
    if "image" in scenario.expects:
        image = {"inline_data": {"mime_type": "image/png", "data": base64.b64decode(RED_DOT_PNG)}}
        contents = [{"role": "user", "parts": [image, {"text": "What is this?"}]}]
    if "several_system" in scenario.expects:
        config["system_instruction"] = {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]}
    if "stop" in scenario.expects:
        config["stop_sequences"] = ["three"]
    if "max_tokens" in scenario.expects:
        config["max_output_tokens"] = 5
    return {"model": MODEL, "contents": contents, "config": config}


def without_transport(response: types.GenerateContentResponse) -> dict:
    """Return what the SDK decoded, without what it knows of the transport."""
    return response.model_dump(
        by_alias=True,
        mode="json",
        exclude_none=True,
        exclude={"sdk_http_response", "automatic_function_calling_history", "parsed"},
    )


def as_the_sdk_writes(sent: dict) -> dict:
    """The SDK writes bytes in the other base64 alphabet, and passes over `finishMessage`."""
    for candidate in sent.get("candidates", ()):
        candidate.pop("finishMessage", None)
        for part in candidate["content"].get("parts", ()):
            if "inlineData" in part:
                text = part["inlineData"]["data"]
                part["inlineData"]["data"] = text.replace("+", "-").replace("/", "_")
    return sent


@pytest.mark.parametrize("scenario", PLAYED, ids=name_of)
async def test_whole_answers_are_responses_of_the_sdk(server, client, scenario):
    """Every field is one that the SDK knows, and none is lost on its way through the SDK."""
    server.next(scenario)

    decoded = await client.models.generate_content(**request_for(scenario))

    (sent,) = documents_of(server.last)
    check(sent, types.GenerateContentResponse)
    assert without_transport(decoded) == as_the_sdk_writes(sent)


@pytest.mark.parametrize("scenario", PLAYED, ids=name_of)
async def test_streams_add_up_to_the_whole_answer(server, client, scenario):
    """The chunks have the parts, the reason and the usage of the whole body."""
    server.next(scenario, scenario)
    whole = await client.models.generate_content(**request_for(scenario))

    chunks = [
        chunk
        async for chunk in await client.models.generate_content_stream(**request_for(scenario))
    ]

    for _, data in sse_documents(server.last):
        check(data, types.GenerateContentResponse)
    assert joined(chunks) == joined([whole])
    assert chunks[-1].usage_metadata == whole.usage_metadata
    assert chunks[-1].prompt_feedback == whole.prompt_feedback
    if whole.candidates:
        assert chunks[-1].candidates[0].finish_reason == whole.candidates[0].finish_reason


def joined(responses) -> list:
    """Return the parts, with words that follow each other put together."""
    found: list[list] = []
    parts = [
        part
        for response in responses
        for candidate in response.candidates or ()
        for part in candidate.content.parts or ()
    ]
    for part in parts:
        kind = "thought" if part.thought else "text"
        if part.text is None:
            found.append(["other", part.model_dump(exclude={"thought_signature"})])
        elif found and found[-1][0] == kind:
            found[-1][1] += part.text
        else:
            found.append([kind, part.text])
    return found


async def test_thoughts_are_shown_only_when_asked_for(server, client):
    """They are counted in any case."""
    server.next(scenarios.REASONING, scenarios.REASONING)
    shown = await client.models.generate_content(**request_for(scenarios.REASONING))
    hidden = await client.models.generate_content(model=MODEL, contents=[HELLO])

    assert [part.thought for part in shown.candidates[0].content.parts] == [True, None]
    assert [part.thought for part in hidden.candidates[0].content.parts] == [None]
    assert hidden.usage_metadata.thoughts_token_count == 30
    assert hidden.usage_metadata.total_token_count == 21 + 12 + 30


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("scenario", scenarios.ERRORS.values(), ids=name_of)
async def test_errors_are_the_sdks_errors(server, client, scenario, is_stream):
    """Each error is a google.rpc.Status with its documented details."""
    server.next(scenario)

    with pytest.raises(errors.APIError) as caught:
        await spoken(client, request_for(scenario), is_stream=is_stream)

    (sent,) = documents_of(server.last)
    assert caught.value.details == sent
    assert (caught.value.code, caught.value.status) == (
        server.last.status,
        sent["error"]["status"],
    )
    if scenario.error.startswith("429"):
        named = {each["@type"].rpartition(".")[2]: each for each in sent["error"]["details"]}
        assert named["RetryInfo"]["retryDelay"] == "7s"
        quota = named["QuotaFailure"]["violations"][0]["quotaId"]
        assert ("PerDay" in quota) == (scenario.error == "429_quota")


async def spoken(client, request: dict, *, is_stream: bool) -> None:
    """Ask, and read the answer to its end."""
    if is_stream:
        [each async for each in await client.models.generate_content_stream(**request)]
    else:
        await client.models.generate_content(**request)


async def test_an_error_in_the_middle_of_a_stream_is_a_chunk(server, client):
    """The service says 200 first and the error later."""
    server.next(scenarios.MID_STREAM_ERROR)
    stream = await client.models.generate_content_stream(**request_for(scenarios.TEXT))

    with pytest.raises(errors.ServerError, match="overloaded"):
        [chunk async for chunk in stream]

    assert server.last.status == 200


async def test_a_stream_without_sse_is_one_array(server, client):
    """Without `alt=sse` the same chunks are the entries of a JSON array."""
    path = f"/v1beta/models/{MODEL}:streamGenerateContent?key={server.key}"
    body = b'{"contents": [{"parts": [{"text": "hi"}]}]}'

    answer = await ask(server, path, body)

    check(answer, list[types.GenerateContentResponse])
    text = "".join(each["candidates"][0]["content"]["parts"][0]["text"] for each in answer)
    assert text == scenarios.TEXT.parts[0].text


async def ask(server: GeminiApi, path: str, body: bytes):
    """Post without the SDK."""
    async with httpx2.AsyncClient() as plain:
        return (await plain.post(f"{server.url}{path}", content=body)).json()


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-pro-preview"])
async def test_a_turn_with_function_results_is_accepted(server, client, model):
    """What the service sent can be sent back; Gemini 3 has ids and wants its signature."""
    server.next(scenarios.PARALLEL_TOOLS, scenarios.TEXT)
    request = request_for(scenarios.PARALLEL_TOOLS) | {"model": model}
    first = await client.models.generate_content(**request)
    asked = first.candidates[0].content
    results = [
        types.Part(
            function_response=types.FunctionResponse(
                id=part.function_call.id,
                name=part.function_call.name,
                response={"temperature": 21},
            )
        )
        for part in asked.parts
    ]

    request["contents"] = [HELLO, asked, types.Content(role="user", parts=results)]
    await client.models.generate_content(**request)

    has_ids = model.startswith("gemini-3")
    assert all(bool(part.function_call.id) == has_ids for part in asked.parts)
    assert bool(asked.parts[0].thought_signature) == has_ids
    if has_ids:
        asked.parts[0].thought_signature = None
        with pytest.raises(errors.ClientError, match="missing a thought_signature"):
            await client.models.generate_content(**request)


CALLED = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
ANSWERED = {
    "role": "user",
    "parts": [{"functionResponse": {"name": "f", "response": {}}}] * 2,
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"contents": None}, "contents is not specified"),
        ({"contents": []}, "contents is not specified"),
        ({"messages": []}, 'Unknown name "messages": Cannot find field.'),
        (
            {"generationConfig": {"max_tokens": 5}},
            "Unknown name \"max_tokens\" at 'generation_config': Cannot find field.",
        ),
        ({"generationConfig": {"temperature": "hot"}}, "at 'generation_config.temperature'"),
        ({"generationConfig": {"temperature": 3}}, "temperature must be in the range"),
        ({"generationConfig": {"responseMimeType": "text/html"}}, "allowed mimetypes"),
        ({"generationConfig": {"responseSchema": {"type": "object"}}}, "response_schema"),
        ({"generationConfig": {"audioTimestamp": True}}, 'Unknown name "audioTimestamp"'),
        ({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, "valid role"),
        ({"contents": [{"role": "user", "parts": []}]}, "must not be empty"),
        ({"contents": [{"role": "user", "parts": [{"txt": "x"}]}]}, "at 'contents[0].parts[0]'"),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"$ref": "x"}}]}]},
            "Unknown name \"$ref\" at 'tools[0].function_declarations[0].parameters'",
        ),
        ({"contents": [HELLO, CALLED, ANSWERED]}, "number of function response parts"),
        ({"contents": [HELLO, CALLED, HELLO]}, "followed by a function response"),
        ({"contents": [ANSWERED]}, "immediately after a function call"),
        ({"safetySettings": [{"category": "RUDENESS"}]}, "safety_settings[0].category"),
    ],
)
async def test_what_the_schema_does_not_allow_is_refused_by_name(server, client, changes, said):
    """The vendor's 400 names the field."""
    body = {"contents": [HELLO], **changes}
    body = {key: value for key, value in body.items() if value is not None}
    path = f"/v1beta/models/{MODEL}:generateContent?key={server.key}"

    answer = await ask(server, path, json.dumps(body).encode())

    assert answer["error"]["status"] == "INVALID_ARGUMENT"
    assert said in answer["error"]["message"]


async def test_tokens_embeddings_and_models_are_the_sdks(server, client):
    """The small endpoints answer in the SDK's types."""
    counted = await client.models.count_tokens(model=MODEL, contents=[HELLO])
    embedded = await client.models.embed_content(
        model="gemini-embedding-001",
        contents=["one", "two"],
        config={"output_dimensionality": 4},
    )
    listed = [model.name async for model in await client.models.list()]
    one = await client.models.get(model=MODEL)

    assert counted.total_tokens == 3
    assert [len(each.values) for each in embedded.embeddings] == [4, 4]
    assert f"models/{MODEL}" in listed
    assert one.input_token_limit == 1048576
    assert "batchEmbedContents" in server.received[1].path


async def test_keys_and_models_are_checked():
    """A bad key is a 400 with a reason, a missing one a 403, an unknown model a 404."""
    with GeminiApi(models=[MODEL]) as server:
        missing = await ask(server, "/v1beta/models", b"")
        for key, model, code in (("bad", MODEL, 400), (server.key, "gemini-9", 404)):
            with genai.Client(api_key=key, http_options={"base_url": server.url}) as made:
                with pytest.raises(errors.ClientError) as caught:
                    made.models.generate_content(model=model, contents="hi")
                assert caught.value.code == code

    assert missing["error"]["status"] == "PERMISSION_DENIED"
