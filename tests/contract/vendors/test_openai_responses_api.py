"""The scripted responses and embeddings say nothing that the official SDK does not know."""

import base64
import struct

import openai
import pytest
from openai.types import CreateEmbeddingResponse
from openai.types.responses import Response, ResponseStreamEvent

from vendors import scenarios
from vendors.openai_api import OpenaiApi
from vendors.said import DOCUMENT_SCHEMA, WEATHER_SCHEMA, documents_of, name_of, sse_documents
from vendors.scenarios import RED_DOT_PNG, Scenario
from vendors.schema_check import check
from vendors.vectors import vector_of

TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "Weather now",
    "parameters": WEATHER_SCHEMA,
    "strict": True,
}
IMAGE = {
    "type": "input_image",
    "detail": "auto",
    "image_url": f"data:image/png;base64,{RED_DOT_PNG}",
}
FORMAT = {"type": "json_schema", "name": "weather", "schema": DOCUMENT_SCHEMA, "strict": True}


@pytest.fixture
def server():
    """A scripted OpenAI."""
    with OpenaiApi() as running:
        yield running


@pytest.fixture
async def client(server):
    """The official client, without retries."""
    async with openai.AsyncOpenAI(
        api_key=server.key, base_url=server.base_url, max_retries=0
    ) as made:
        yield made


def request_for(scenario: Scenario) -> dict:
    """Return a request that has what the scenario expects, and asks for all it can show."""
    request = {
        "model": "gpt-5-mini",
        "input": "hello there",
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    }
    if "tools" in scenario.expects:
        request["tools"] = [TOOL]
    if "json_schema" in scenario.expects:
        request["text"] = {"format": FORMAT}
    if "image" in scenario.expects:
        question = {"type": "input_text", "text": "What is this?"}
        request["input"] = [{"role": "user", "content": [question, IMAGE]}]
    if "several_system" in scenario.expects:
        request["instructions"] = "Be brief."
        said = [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": "hi"}]
        request["input"] = said
    if "max_tokens" in scenario.expects:
        request["max_output_tokens"] = 16
    return request


@pytest.mark.parametrize("scenario", scenarios.CONVERSATIONS, ids=name_of)
async def test_whole_answers_are_responses_of_the_sdk(server, client, scenario):
    """Every field is one that the SDK's Response has, and every needed one is there."""
    server.next(scenario)

    decoded = await client.responses.create(**request_for(scenario))

    (sent,) = documents_of(server.last)
    check(sent, Response)
    assert decoded.to_dict() == sent


@pytest.mark.parametrize("scenario", scenarios.CONVERSATIONS, ids=name_of)
async def test_streams_end_with_the_whole_answer(server, client, scenario):
    """The events are the SDK's, numbered, and the last one holds what a whole body says."""
    server.next(scenario, scenario)
    whole = await client.responses.create(**request_for(scenario))

    stream = await client.responses.create(**request_for(scenario), stream=True)
    events = [event async for event in stream]

    for index, (name, data) in enumerate(sse_documents(server.last)):
        check(data, ResponseStreamEvent)
        assert (name, data["sequence_number"]) == (data["type"], index)
    assert events[-1].type == f"response.{whole.status}"
    assert without_ids(events[-1].response) == without_ids(whole)
    assert without_ids(accumulated(events)) == without_ids(whole)


def accumulated(events) -> Response:
    """Put the answer together from the finished items and the deltas."""
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    response = events[-1].response
    assert text == response.output_text
    items = [event.item for event in events if event.type == "response.output_item.done"]
    return response.model_copy(update={"output": items})


def without_ids(response: Response) -> dict:
    """Return the answer without the ids, which are new with each."""
    found = response.to_dict()
    found.pop("id")
    for item in found["output"]:
        for name in ("id", "call_id", "encrypted_content"):
            item.pop(name, None)
    return found


async def test_thoughts_are_summed_up_when_asked_for(server, client):
    """The reasoning item has a summary and sealed thoughts."""
    server.next(scenarios.REASONING_TOOLS)

    response = await client.responses.create(**request_for(scenarios.REASONING_TOOLS))

    reasoning, call = response.output
    assert reasoning.summary[0].text == "The weather has to be looked up."
    assert reasoning.encrypted_content
    assert (call.type, call.name) == ("function_call", "get_weather")
    assert response.usage.output_tokens_details.reasoning_tokens == 30


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("scenario", scenarios.ERRORS.values(), ids=name_of)
async def test_errors_are_the_sdks_errors(server, client, scenario, is_stream):
    """Errors before the stream are those of chat."""
    server.next(scenario)

    with pytest.raises(openai.APIStatusError) as caught:
        await client.responses.create(**request_for(scenario), stream=is_stream)

    check(caught.value.body, openai.types.ErrorObject)


@pytest.mark.parametrize(
    ("scenario", "last"),
    [(scenarios.MID_STREAM_ERROR, "response.failed"), (scenarios.ERROR_EVENT, "error")],
    ids=["failed", "error"],
)
async def test_a_stream_can_fail_in_its_middle(server, client, scenario, last):
    """Either the answer fails, or the stream does."""
    server.next(scenario)
    stream = await client.responses.create(**request_for(scenario), stream=True)

    events = [event async for event in stream]

    assert events[-1].type == last
    check(sse_documents(server.last)[-1][1], ResponseStreamEvent)


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"max_tokens": 5}, "max_tokens", "unknown_parameter"),
        ({"messages": []}, "messages", "unknown_parameter"),
        ({"input": 7}, "input", "invalid_type"),
        ({"model": None}, "model", "missing_required_parameter"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function", None),
        ({"text": {"format": {"type": "yaml"}}}, "text.format.type", None),
        (
            {"input": [{"type": "function_call_output", "call_id": "call_1", "output": "x"}]},
            "input",
            None,
        ),
    ],
)
async def test_what_the_schema_does_not_allow_is_refused_by_name(client, changes, param, code):
    """The vendor's 400 names the field."""
    body = {"model": "gpt-5-mini", "input": "hi", **changes}
    body = {key: value for key, value in body.items() if value is not None}

    with pytest.raises(openai.BadRequestError) as caught:
        await client.post("/responses", body=body, cast_to=object)

    assert caught.value.param == param
    assert code is None or caught.value.code == code


async def test_a_turn_with_tool_results_is_accepted(server, client):
    """What the service sent can be sent back to it."""
    server.next(scenarios.REASONING_TOOLS, scenarios.TEXT)
    request = request_for(scenarios.REASONING_TOOLS)
    first = await client.responses.create(**request)
    asked = [item.to_dict() for item in first.output]
    result = {
        "type": "function_call_output",
        "call_id": asked[-1]["call_id"],
        "output": "21 degrees",
    }

    second = await client.responses.create(
        **{**request, "input": [{"role": "user", "content": "hi"}, *asked, result]}
    )

    assert second.output_text == scenarios.TEXT.parts[0].text


@pytest.mark.parametrize("given", ["one", ["one", "two"], [1, 2, 3], [[1, 2], [3]]])
@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_embeddings_come_as_numbers_and_packed(server, client, given, encoding):
    """Both forms hold the same single-precision numbers."""
    made = await client.embeddings.create(
        model="text-embedding-3-small", input=given, dimensions=4, encoding_format=encoding
    )

    (sent,) = documents_of(server.last)
    if encoding == "float":
        check(sent, CreateEmbeddingResponse)
    vectors = [
        list(struct.unpack("<4f", base64.b64decode(each.embedding)))
        if encoding == "base64"
        else each.embedding
        for each in made.data
    ]
    assert [each.index for each in made.data] == list(range(len(vectors)))
    assert vectors[0] == vector_of("one" if given in ("one", ["one", "two"]) else _first(given), 4)
    assert made.usage.prompt_tokens == made.usage.total_tokens > 0


def _first(given: list) -> str:
    return str(given[0] if isinstance(given[0], list) else given)


@pytest.mark.parametrize("given", ["", [], ["a", ""], ["x"] * 2049, 7])
async def test_embeddings_refuse_inputs_that_the_service_refuses(client, given):
    """Empty texts and too many of them are a 400."""
    with pytest.raises(openai.BadRequestError):
        await client.post(
            "/embeddings",
            body={"model": "text-embedding-3-small", "input": given},
            cast_to=object,
        )
