"""The scripted chat completions say nothing that the official SDK's types do not know."""

import openai
import pytest
from openai.types import ErrorObject
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from vendors import scenarios
from vendors.openai_api import OpenaiApi
from vendors.openai_flavors import AZURE, DEEPSEEK, OPENROUTER
from vendors.said import DOCUMENT_SCHEMA, WEATHER_SCHEMA, documents_of, name_of, sse_documents
from vendors.scenarios import RED_DOT_PNG, Scenario
from vendors.schema_check import check

HELLO = {"role": "user", "content": "hello there"}
FUNCTION = {"name": "get_weather", "description": "Weather now", "parameters": WEATHER_SCHEMA}
TOOL = {"type": "function", "function": FUNCTION}
IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{RED_DOT_PNG}"}}
FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "weather", "strict": True, "schema": DOCUMENT_SCHEMA},
}
PLAYED = (*scenarios.CONVERSATIONS, scenarios.MALFORMED_TOOLS)


@pytest.fixture
def server():
    """A scripted OpenAI."""
    with OpenaiApi() as running:
        yield running


def client_of(server: OpenaiApi) -> openai.AsyncOpenAI:
    """Return the official client, without retries."""
    return openai.AsyncOpenAI(api_key=server.key, base_url=server.base_url, max_retries=0)


@pytest.fixture
async def client(server):
    """The official client."""
    async with client_of(server) as made:
        yield made


def request_for(scenario: Scenario) -> dict:
    """Return a request that has what the scenario expects."""
    request = {"model": "gpt-4o-mini", "messages": [HELLO]}
    if "tools" in scenario.expects:
        request["tools"] = [TOOL]
    if "json_schema" in scenario.expects:
        request["response_format"] = FORMAT
    if "image" in scenario.expects:
        question = {"type": "text", "text": "What is this?"}
        request["messages"] = [{"role": "user", "content": [question, IMAGE]}]
    if "several_system" in scenario.expects:
        said = [{"role": "system", "content": each} for each in ("Be brief.", "Be kind.")]
        request["messages"] = [*said, HELLO]
    if "stop" in scenario.expects:
        request["stop"] = ["three"]
    if "max_tokens" in scenario.expects:
        request["max_completion_tokens"] = 5
    return request


@pytest.mark.parametrize("scenario", PLAYED, ids=name_of)
async def test_whole_answers_are_completions_of_the_sdk(server, client, scenario):
    """Every field is one that the SDK's ChatCompletion has, and every needed one is there."""
    server.next(scenario)

    decoded = await client.chat.completions.create(**request_for(scenario))

    (sent,) = documents_of(server.last)
    check(sent, ChatCompletion)
    assert decoded.to_dict() == sent


@pytest.mark.parametrize("scenario", PLAYED, ids=name_of)
async def test_streams_add_up_to_the_whole_answer(server, client, scenario):
    """The SDK puts the same message together from the chunks as it reads from a whole body."""
    server.next(scenario, scenario)
    whole = await client.chat.completions.create(**request_for(scenario))

    stream = await client.chat.completions.create(
        **request_for(scenario), stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]

    sent = [data for _, data in sse_documents(server.last)]
    assert sent.pop() == "[DONE]"
    for document in sent:
        check(document, ChatCompletionChunk)
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])
    deltas = [chunk.choices[0].delta for chunk in chunks[:-1]]
    message = whole.choices[0].message
    assert "".join(each.content or "" for each in deltas) == (message.content or "")
    assert "".join(each.refusal or "" for each in deltas) == (message.refusal or "")
    assert calls_in(deltas) == [
        (call.function.name, call.function.arguments) for call in message.tool_calls or ()
    ]
    assert chunks[-2].choices[0].finish_reason == whole.choices[0].finish_reason


def calls_in(deltas) -> list[tuple[str, str]]:
    """Put the tool calls of a stream together."""
    found: list[list[str]] = []
    for call in [call for each in deltas for call in each.tool_calls or ()]:
        if call.id is not None:
            assert call.index == len(found)
            found.append([call.function.name, ""])
        found[call.index][1] += call.function.arguments
    return [(name, arguments) for name, arguments in found]


async def test_a_stream_without_the_option_has_no_usage(server, client):
    """Usage comes only to those who asked."""
    stream = await client.chat.completions.create(**request_for(scenarios.TEXT), stream=True)

    assert [chunk.usage async for chunk in stream if chunk.usage] == []
    assert all("usage" not in data for _, data in sse_documents(server.last)[:-1])


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
async def test_several_choices_and_log_probabilities(server, client, is_stream):
    """`n` and `logprobs` are answered in the SDK's types."""
    request = request_for(scenarios.TEXT) | {"n": 2, "logprobs": True, "top_logprobs": 2}

    answer = await client.chat.completions.create(**request, stream=is_stream)

    if is_stream:
        chunks = [chunk async for chunk in answer]
        assert {chunk.choices[0].index for chunk in chunks} == {0, 1}
        for _, data in sse_documents(server.last)[:-1]:
            check(data, ChatCompletionChunk)
    else:
        check(documents_of(server.last)[0], ChatCompletion)
        tokens = answer.choices[1].logprobs.content
        assert "".join(each.token for each in tokens) == answer.choices[1].message.content


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("scenario", scenarios.ERRORS.values(), ids=name_of)
async def test_errors_are_the_sdks_errors(server, client, scenario, is_stream):
    """Each error has the documented status and body."""
    server.next(scenario)

    with pytest.raises(openai.APIStatusError) as caught:
        await client.chat.completions.create(**request_for(scenario), stream=is_stream)

    check(caught.value.body, ErrorObject)
    assert documents_of(server.last) == [{"error": caught.value.body}]
    assert caught.value.request_id.startswith("req_")
    if scenario.error == "429":
        assert isinstance(caught.value, openai.RateLimitError)
        assert caught.value.response.headers["retry-after"] == "7"
        assert caught.value.response.headers["x-ratelimit-remaining-tokens"] == "0"
    if scenario.error == "429_quota":
        assert caught.value.code == "insufficient_quota"


async def test_an_error_in_the_middle_of_a_stream_is_raised(server, client):
    """The chunks before it arrive, then the SDK raises, and there is no `[DONE]`."""
    server.next(scenarios.MID_STREAM_ERROR)
    stream = await client.chat.completions.create(**request_for(scenarios.TEXT), stream=True)

    with pytest.raises(openai.APIError, match="The server had an error"):
        [chunk async for chunk in stream]

    check(sse_documents(server.last)[-1][1]["error"], ErrorObject)


async def test_a_cut_stream_ends_without_a_farewell(server, client):
    """The connection closes in the middle of the chunked body."""
    server.next(scenarios.CUT)
    stream = await client.chat.completions.create(**request_for(scenarios.TEXT), stream=True)

    with pytest.raises(openai.APIConnectionError):
        [chunk async for chunk in stream]


async def test_a_held_stream_waits_for_leave_and_sees_a_client_go(server, client):
    """A test can stop a stream in its middle, and can see that it was abandoned."""
    server.next(scenarios.HELD, scenarios.HELD)
    stream = await client.chat.completions.create(**request_for(scenarios.TEXT), stream=True)
    first = [await anext(stream) for _ in range(3)]
    assert server.held.wait(5)

    await stream.close()

    assert server.left.wait(5)
    assert len(first) == 3
    server.release()
    whole = await client.chat.completions.create(**request_for(scenarios.TEXT))
    assert whole.choices[0].message.content == scenarios.TEXT.parts[0].text


@pytest.mark.parametrize(
    ("flavor", "field"), [(DEEPSEEK, "reasoning_content"), (OPENROUTER, "reasoning")]
)
async def test_compatible_vendors_show_their_thoughts(flavor, field):
    """DeepSeek and OpenRouter carry thoughts in fields of their own, whole and streamed."""
    with OpenaiApi(flavor, default=scenarios.REASONING) as server:
        async with client_of(server) as client:
            request = request_for(scenarios.TEXT)
            whole = await client.chat.completions.create(**request)
            stream = await client.chat.completions.create(**request, stream=True)
            deltas = [chunk.choices[0].delta async for chunk in stream]

    thoughts = scenarios.REASONING.parts[0].text
    assert getattr(whole.choices[0].message, field) == thoughts
    assert "".join(getattr(each, field, None) or "" for each in deltas) == thoughts
    assert whole.usage.completion_tokens_details.reasoning_tokens == 30


async def test_a_compatible_vendor_takes_its_own_parameters():
    """OpenAI refuses what OpenRouter takes."""
    extra = {"reasoning": {"effort": "low"}, "top_k": 3}
    with OpenaiApi(OPENROUTER) as server:
        async with client_of(server) as client:
            request = request_for(scenarios.TEXT)
            await client.chat.completions.create(**request, extra_body=extra)
            with pytest.raises(openai.BadRequestError, match="Invalid type for 'top_k'"):
                await client.chat.completions.create(**request, extra_body={"top_k": "3"})


async def test_azure_begins_with_a_chunk_without_choices():
    """The first chunk has only the filter's opinion of the prompt."""
    with OpenaiApi(AZURE) as server:
        async with client_of(server) as client:
            stream = await client.chat.completions.create(
                **request_for(scenarios.TEXT), stream=True
            )
            chunks = [chunk async for chunk in stream]

    assert chunks[0].choices == []
    assert chunks[1].choices[0].delta.role == "assistant"


def wrong(**changes) -> dict:
    """Return a request with some fields changed; None takes a field away."""
    request = {"model": "gpt-4o-mini", "messages": [HELLO], **changes}
    return {key: value for key, value in request.items() if value is not None}


CALL = {
    "role": "assistant",
    "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    ],
}
ANSWER = {"role": "tool", "tool_call_id": "call_1", "content": "sun"}
LOOSE = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": {}}}


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (wrong(messages=None), "messages", "missing_required_parameter"),
        (wrong(top_k=3), "top_k", "unknown_parameter"),
        (wrong(temperature="hot"), "temperature", "invalid_type"),
        (wrong(temperature=3), "temperature", "decimal_above_max_value"),
        (wrong(messages=[{"role": "robot", "content": "x"}]), "messages[0].role", "invalid_value"),
        (wrong(messages=[{"role": "user"}]), "messages[0].content", "missing_required_parameter"),
        (wrong(messages=[]), "messages", "empty_array"),
        (wrong(messages=[HELLO, CALL, HELLO]), "messages", None),
        (wrong(messages=[HELLO, ANSWER]), "messages.[1].role", None),
        (wrong(tools=[FUNCTION]), "tools[0].name", "unknown_parameter"),
        (wrong(tools=[]), "tools", "empty_array"),
        (wrong(tool_choice="auto"), "tool_choice", None),
        (wrong(stream_options={"include_usage": True}), "stream_options", None),
        (wrong(response_format=LOOSE), "response_format", None),
        (wrong(response_format={"type": "json_object"}), "messages", None),
        (wrong(stop=list("abcde")), "stop", "array_above_max_length"),
        (wrong(model="o3", max_tokens=5), "max_tokens", "unsupported_parameter"),
        (wrong(model="gpt-5-mini", temperature=0.5), "temperature", "unsupported_value"),
        (wrong(reasoning_effort="extreme"), "reasoning_effort", "invalid_value"),
    ],
)
async def test_what_the_schema_does_not_allow_is_refused_by_name(client, body, param, code):
    """The vendor's 400 names the field."""
    with pytest.raises(openai.BadRequestError) as caught:
        await client.post("/chat/completions", body=body, cast_to=object)

    check(caught.value.body, ErrorObject)
    assert (caught.value.param, caught.value.code) == (param, code)


async def test_keys_and_models_are_checked():
    """A wrong key is 401, an unknown model 404, both in OpenAI's shape."""
    with OpenaiApi(models=["gpt-4o-mini"]) as server:
        async with client_of(server) as client:
            with pytest.raises(openai.NotFoundError) as lost:
                await client.chat.completions.create(model="gpt-9", messages=[HELLO])
            listed = await client.models.list()
            check(documents_of(server.last)[0]["data"][0], openai.types.Model)
            stranger = client.with_options(api_key="sk-wrong")
            with pytest.raises(openai.AuthenticationError) as refused:
                await stranger.models.retrieve("gpt-4o-mini")

    assert lost.value.code == "model_not_found"
    assert refused.value.code == "invalid_api_key"
    assert [model.id for model in listed.data] == ["gpt-4o-mini"]


async def test_a_turn_with_tool_results_is_accepted(server, client):
    """What the service sent can be sent back to it."""
    server.next(scenarios.PARALLEL_TOOLS, scenarios.TEXT)
    request = request_for(scenarios.PARALLEL_TOOLS)
    first = await client.chat.completions.create(**request)
    asked = first.choices[0].message
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": "21"} for call in asked.tool_calls
    ]

    request["messages"] = [HELLO, asked.to_dict(exclude_unset=False, exclude_none=True), *results]
    request["messages"][1].pop("annotations")
    await client.chat.completions.create(**request)

    assert len({call.id for call in asked.tool_calls}) == 2
    assert server.last.status == 200
