"""The scripted Anthropic says nothing that the official SDK's types do not know."""

import anthropic
import httpx2
import pytest
from anthropic.types import (
    Message,
    MessageTokensCount,
    ModelInfo,
    RawMessageStreamEvent,
)
from anthropic.types.shared import ErrorResponse

from vendors import scenarios
from vendors.anthropic_api import AnthropicApi
from vendors.said import DOCUMENT_SCHEMA, WEATHER_SCHEMA, documents_of, name_of, sse_documents
from vendors.scenarios import RED_DOT_PNG, Reasoning, Scenario, Text, ToolCall
from vendors.schema_check import check

HELLO = {"role": "user", "content": "hello there"}
TOOL = {"name": "get_weather", "description": "Weather now", "input_schema": WEATHER_SCHEMA}
IMAGE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": RED_DOT_PNG},
}
PLAYED = (*scenarios.CONVERSATIONS, scenarios.REDACTED_REASONING, scenarios.BLOCKED_PROMPT)
OFFICIAL_ERRORS = [each for each in scenarios.ERRORS.values() if each.error != "413"]


@pytest.fixture
def server():
    """A scripted Anthropic."""
    with AnthropicApi() as running:
        yield running


@pytest.fixture
async def client(server):
    """The official client, without retries."""
    async with anthropic.AsyncAnthropic(
        api_key=server.key, base_url=server.url, max_retries=0
    ) as made:
        yield made


def request_for(scenario: Scenario) -> dict:
    """Return a request that has what the scenario expects, and asks for all it can show."""
    request = {"model": "claude-opus-4-8", "max_tokens": 4096, "messages": [HELLO]}
    if any(isinstance(part, Reasoning) for part in scenario.parts):
        request["thinking"] = {"type": "enabled", "budget_tokens": 2048}
    if "tools" in scenario.expects:
        request["tools"] = [TOOL]
    if "json_schema" in scenario.expects:
        request["output_config"] = {"format": {"type": "json_schema", "schema": DOCUMENT_SCHEMA}}
    if "image" in scenario.expects:
        question = {"type": "text", "text": "What is this?"}
        request["messages"] = [{"role": "user", "content": [IMAGE, question]}]
    if "several_system" in scenario.expects:
        request["system"] = [{"type": "text", "text": each} for each in ("Be brief.", "Be kind.")]
    if "stop" in scenario.expects:
        request["stop_sequences"] = ["three"]
    return request


@pytest.mark.parametrize("scenario", PLAYED, ids=name_of)
async def test_whole_answers_are_messages_of_the_sdk(server, client, scenario):
    """Every field is one that the SDK's Message has, and every needed one is there."""
    server.next(scenario)

    decoded = await client.messages.create(**request_for(scenario))

    (sent,) = documents_of(server.last)
    check(sent, Message)
    assert decoded.to_dict() == sent
    assert decoded._request_id == server.last.identifier("req_011", 21)


@pytest.mark.parametrize("scenario", PLAYED, ids=name_of)
async def test_streams_add_up_to_the_whole_answer(server, client, scenario):
    """The SDK puts the same message together from the events as it reads from a whole body."""
    server.next(scenario, scenario)
    whole = await client.messages.create(**request_for(scenario))

    async with client.messages.stream(**request_for(scenario)) as stream:
        streamed = await stream.get_final_message()

    for name, event in sse_documents(server.last):
        assert name == event["type"]
        if name != "ping":
            check(event, RawMessageStreamEvent)
    assert content_of(streamed) == content_of(whole)
    assert streamed.usage.to_dict() == whole.usage.to_dict()
    for field in ("stop_reason", "stop_sequence", "stop_details", "model", "role"):
        assert getattr(streamed, field) == getattr(whole, field)


def content_of(message: Message) -> list[dict]:
    """Return the blocks without the ids, which are new with each answer."""
    new = ("id", "signature", "data", "parsed_output")
    return [
        {key: value for key, value in block.to_dict().items() if key not in new}
        for block in message.content
    ]


async def test_answers_say_what_the_scenario_says(server, client):
    """Thinking, words, tools and usage arrive as they were written."""
    server.next(scenarios.REASONING_TOOLS)

    message = await client.messages.create(**request_for(scenarios.REASONING_TOOLS))

    thinking, call = message.content
    assert thinking.thinking == "The weather has to be looked up."
    assert (call.name, call.input) == ("get_weather", {"city": "Oslo", "unit": "celsius"})
    assert message.stop_reason == "tool_use"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (21, 42)


async def test_thinking_is_not_shown_when_it_was_not_asked_for(server, client):
    """A request without thinking has neither the blocks nor the tokens."""
    server.next(scenarios.REASONING)

    message = await client.messages.create(model="claude-opus-4-8", max_tokens=99, messages=[HELLO])

    assert [block.type for block in message.content] == ["text"]
    assert message.usage.output_tokens == 12


async def test_a_forced_tool_is_called_with_the_document(server, client):
    """Before structured outputs a JSON schema was a tool that has to be called."""
    server.next(scenarios.JSON_SCHEMA)
    tool = {"name": "answer", "input_schema": DOCUMENT_SCHEMA}

    message = await client.messages.create(
        model="claude-opus-4-8",
        max_tokens=99,
        messages=[HELLO],
        tools=[tool],
        tool_choice={"type": "tool", "name": "answer"},
    )

    assert message.content[0].input == scenarios.DOCUMENT
    assert message.stop_reason == "tool_use"


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("scenario", scenarios.ERRORS.values(), ids=name_of)
async def test_errors_are_the_sdks_errors(server, client, scenario, is_stream):
    """Each error has the documented status, type and headers."""
    server.next(scenario)

    with pytest.raises(anthropic.APIStatusError) as caught:
        await client.messages.create(**request_for(scenario), stream=is_stream)

    (sent,) = documents_of(server.last)
    assert caught.value.body == sent
    assert caught.value.request_id == sent["request_id"]
    if scenario in OFFICIAL_ERRORS:
        check(sent, ErrorResponse)
    is_limited = scenario.error.startswith("429")
    assert caught.value.response.headers.get("retry-after") == ("7" if is_limited else None)
    if scenario.error == "429":
        assert isinstance(caught.value, anthropic.RateLimitError)
        assert caught.value.response.headers["anthropic-ratelimit-requests-remaining"] == "0"


async def test_an_error_in_the_middle_of_a_stream_is_an_event(server, client):
    """The events before it arrive, then the SDK raises."""
    server.next(scenarios.MID_STREAM_ERROR)
    stream = await client.messages.create(**request_for(scenarios.TEXT), stream=True)
    seen = [(await anext(stream)).type, (await anext(stream)).type]

    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        await anext(stream)

    assert seen == ["message_start", "content_block_start"]


async def test_a_cut_stream_ends_without_a_farewell(server, client):
    """The connection closes in the middle of the chunked body."""
    server.next(scenarios.CUT)

    stream = await client.messages.create(**request_for(scenarios.TEXT), stream=True)

    with pytest.raises(httpx2.RemoteProtocolError):
        [event async for event in stream]


async def test_tokens_are_counted_and_models_listed(server, client):
    """The two small endpoints answer in the SDK's types."""
    counted = await client.messages.count_tokens(model="claude-opus-4-8", messages=[HELLO])
    check(documents_of(server.last)[0], MessageTokensCount)
    listed = await client.models.list()
    one = await client.models.retrieve("claude-haiku-4-5")
    check(documents_of(server.last)[0], ModelInfo)

    assert counted.input_tokens == 3
    assert [model.id for model in listed.data][-1] == one.id == "claude-haiku-4-5"


def wrong(**changes) -> dict:
    """Return a request with some fields changed; None takes a field away."""
    request = {"model": "claude-opus-4-8", "max_tokens": 99, "messages": [HELLO], **changes}
    return {key: value for key, value in request.items() if value is not None}


CALL = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sun"}
FORGED = {"type": "thinking", "thinking": "hm", "signature": "forged"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (wrong(max_tokens=None), "max_tokens: Field required"),
        (wrong(messages=None), "messages: Field required"),
        (wrong(n=2), "n: Extra inputs are not permitted"),
        (wrong(temperature=1.0), "temperature: Extra inputs are not permitted"),
        (wrong(tools=[{**TOOL, "strikt": True}]), "tools.0.strikt: Extra inputs"),
        (wrong(tools=[{"type": "function", "function": {"name": "f"}}]), "tools.0"),
        (wrong(messages=[{"role": "user", "content": [{"type": "text"}]}]), "content.0.text"),
        (wrong(messages=[{"role": "assistant", "content": "a"}]), 'must use the "user" role'),
        (wrong(messages=[{"role": "tool", "content": "a"}]), "messages.0.role"),
        (wrong(messages=[{"role": "user", "content": ""}]), "must be non-empty"),
        (wrong(messages=[HELLO, {"role": "assistant", "content": [CALL]}, HELLO]), "toolu_1"),
        (wrong(messages=[{"role": "user", "content": [RESULT]}]), "unexpected `tool_use_id`"),
        (wrong(messages=[HELLO, {"role": "assistant", "content": [FORGED]}]), "`signature`"),
        (wrong(thinking={"type": "enabled", "budget_tokens": 100}), "1024"),
        (wrong(thinking={"type": "enabled", "budget_tokens": 2048}), "greater than"),
        (wrong(tool_choice={"type": "auto"}), "tool_choice"),
        (wrong(tools=[{**TOOL, "name": "a b"}]), "should match pattern"),
        (wrong(system=[{"type": "image", "source": IMAGE["source"]}]), "system.0"),
    ],
)
async def test_what_the_schema_does_not_allow_is_refused_by_name(server, client, body, said):
    """The vendor's 400 names the field."""
    with pytest.raises(anthropic.BadRequestError) as caught:
        await client.post("/v1/messages", body=body, cast_to=object)

    check(caught.value.body, ErrorResponse)
    assert said in caught.value.body["error"]["message"]


OLDER = {"headers": {"anthropic-version": "2023-06-01"}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"temperature": "hot"}, "temperature: Input should be a valid number"),
        ({"temperature": 1.5}, "temperature: Input should be less than or equal to 1"),
        ({"top_k": 1.5}, "top_k: Input should be a valid integer"),
    ],
)
async def test_the_older_version_takes_sampling_parameters(client, changes, said):
    """`2023-06-01` has temperature, top_p and top_k, within their limits."""
    right = wrong(temperature=0.2, top_p=0.9, top_k=40)
    await client.post("/v1/messages", body=right, cast_to=object, options=OLDER)

    with pytest.raises(anthropic.BadRequestError) as caught:
        await client.post("/v1/messages", body=wrong(**changes), cast_to=object, options=OLDER)

    assert caught.value.body["error"]["message"] == said


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong"}])
async def test_a_wrong_key_is_refused(server, headers):
    """The answer is 401 with authentication_error."""
    async with anthropic.AsyncAnthropic(
        api_key="other", base_url=server.url, max_retries=0
    ) as stranger:
        with pytest.raises(anthropic.AuthenticationError):
            await stranger.messages.create(**request_for(scenarios.TEXT), extra_headers=headers)


async def test_a_turn_with_tool_results_and_thinking_is_accepted(server, client):
    """What the service sent can be sent back to it."""
    server.next(scenarios.REASONING_TOOLS, scenarios.TEXT)
    request = request_for(scenarios.REASONING_TOOLS)
    first = await client.messages.create(**request)
    asked = first.to_dict()["content"]
    result = {"type": "tool_result", "tool_use_id": asked[-1]["id"], "content": "21 degrees"}

    request["messages"] = [
        HELLO,
        {"role": "assistant", "content": asked},
        {"role": "user", "content": [result]},
    ]
    second = await client.messages.create(**request)

    assert second.content[0].text == scenarios.TEXT.parts[0].text
    assert server.last.json["messages"][1]["content"] == asked


async def test_a_scenario_that_misses_what_it_is_about_fails_the_test():
    """A provider that forgets the picture does not pass by luck."""
    server = AnthropicApi(default=scenarios.IMAGE)
    server.__enter__()
    async with anthropic.AsyncAnthropic(
        api_key=server.key, base_url=server.url, max_retries=0
    ) as client:
        with pytest.raises(anthropic.BadRequestError):
            await client.messages.create(**request_for(scenarios.TEXT))

    with pytest.raises(AssertionError, match="expects image"):
        server.__exit__(None, None, None)


async def test_the_model_name_chooses_the_scenario(server, client):
    """`<anything>--<name>` needs no queue; `next` goes before it."""
    request = request_for(scenarios.TOOLS) | {"model": "claude-x--parallel_tools"}

    message = await client.messages.create(**request)
    server.next(Scenario("own", (Text("Mine."), ToolCall("get_weather"))))
    own = await client.messages.create(**request)

    assert [block.type for block in message.content] == ["tool_use", "tool_use"]
    assert own.content[0].text == "Mine."
    assert [each.scenario.name for each in server.received] == ["parallel_tools", "own"]
