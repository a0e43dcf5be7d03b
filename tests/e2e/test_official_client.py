"""The official `openai` client, unchanged but for `base_url` (GW-16, MG-01)."""

import openai
import pytest

from running_gateway import RunningGateway

MESSAGES = [{"role": "user", "content": "Say hello"}]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]


@pytest.fixture(params=["mock_gateway", "live_gateway"])
def gateway(request: pytest.FixtureRequest) -> RunningGateway:
    """Every test runs against the mock in the process and a live server on a socket."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def client(gateway: RunningGateway):
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="any") as client:
        yield client


def test_a_plain_completion_is_parsed_by_the_client(client: openai.OpenAI):
    """GW-01, GW-06, GW-09: the object, the model that answered, usage that adds up."""
    completion = client.chat.completions.create(model="auto", messages=MESSAGES)

    assert completion.object == "chat.completion"
    assert completion.model == "gpt-4o-mini"
    assert completion.choices[0].message.content.startswith(
        "Mock gateway response from gpt-4o-mini: "
    )
    assert completion.usage.total_tokens == (
        completion.usage.prompt_tokens + completion.usage.completion_tokens
    )


def test_the_pointsman_object_has_exactly_the_published_keys(client: openai.OpenAI):
    """GW-07, GW-08: five routing keys, four request keys, camelCase, counts of this request."""
    completion = client.chat.completions.create(model="auto", messages=MESSAGES)

    told = completion.model_extra["pointsman"]
    assert set(told) == {"traceId", "runId", "routing", "request"}
    assert set(told["routing"]) == {
        "routeReason",
        "sizeClass",
        "selectedModel",
        "totalCharacters",
        "estimatedPromptTokens",
    }
    assert set(told["request"]) == {"requestedModel", "messageCount", "mockMode", "provider"}
    assert told["routing"]["totalCharacters"] == len("Say hello")
    assert told["routing"]["estimatedPromptTokens"] == 3
    assert told["request"]["messageCount"] == 1


def test_an_explicit_model_reaches_the_provider_unchanged(client: openai.OpenAI):
    """GW-02, GW-25, MG-08: also one with slashes that nobody declared."""
    completion = client.chat.completions.create(
        model="meta/llama-3.3-70b-instruct", messages=MESSAGES
    )

    told = completion.model_extra["pointsman"]
    assert completion.model == "meta/llama-3.3-70b-instruct"
    assert told["request"]["requestedModel"] == "meta/llama-3.3-70b-instruct"
    assert told["routing"]["selectedModel"] == "meta/llama-3.3-70b-instruct"
    assert told["routing"]["routeReason"] == "explicit_model_passthrough"


def test_a_stream_is_read_to_its_end(client: openai.OpenAI):
    """GW-14, AP-03: chunks, then the end; no usage chunk that was not asked for (AP-15)."""
    with client.chat.completions.create(model="auto", messages=MESSAGES, stream=True) as stream:
        chunks = list(stream)

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text.startswith("Mock gateway response from gpt-4o-mini: ")
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_of_a_stream_comes_once_and_last_when_it_was_asked_for(client: openai.OpenAI):
    """AP-14, AP-15: the final chunk has usage and no choices."""
    with client.chat.completions.create(
        model="auto", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)

    assert [chunk.usage is not None for chunk in chunks].count(True) == 1
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens > 0


async def test_the_asynchronous_client_works_too(gateway: RunningGateway):
    """MG-01: plain and streaming."""
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="any") as client:
        completion = await client.chat.completions.create(model="auto", messages=MESSAGES)
        stream = await client.chat.completions.create(model="auto", messages=MESSAGES, stream=True)
        async with stream:
            finish_reasons = [chunk.choices[0].finish_reason async for chunk in stream]

    assert completion.choices[0].finish_reason == "stop"
    assert finish_reasons[-1] == "stop"


def test_models_are_listed_in_the_clients_shape(client: openai.OpenAI):
    """Names of routes, targets and models, each once."""
    names = [model.id for model in client.models.list()]

    assert names[0] == "auto"
    assert {"small", "large", "gpt-4o-mini", "gpt-4o"} <= set(names)
    assert len(names) == len(set(names))


def test_tools_in_the_body_reach_the_provider_and_calls_come_back(live_gateway: RunningGateway):
    """GW-15: the body is forwarded; a tool call of the provider reaches the client."""
    with openai.OpenAI(base_url=f"{live_gateway.url}/v1", api_key="any") as client:
        completion = client.chat.completions.create(
            model="auto", messages=MESSAGES, tools=TOOLS, metadata={"mock": "tools"}
        )

    assert completion.choices[0].finish_reason == "tool_calls"
    assert completion.choices[0].message.tool_calls[0].function.name == "get_weather"


def test_a_failing_target_is_left_for_the_next_and_said_so(live_gateway: RunningGateway):
    """FO-14, CP-16: another target served; headers and body tell which and why."""
    with openai.OpenAI(base_url=f"{live_gateway.url}/v1", api_key="any") as client:
        answer = client.chat.completions.with_raw_response.create(
            model="resilient", messages=MESSAGES
        )

    assert answer.headers["x-pointsman-target"] == "large"
    assert answer.headers["x-pointsman-reason"] == "provider_failover"
    assert answer.headers["x-pointsman-attempts"] == "2"
    assert answer.parse().model == "gpt-4o"


def test_the_callers_own_fault_comes_back_in_the_providers_words(live_gateway: RunningGateway):
    """A caller's 4xx is not retried and not failed over."""
    with (
        openai.OpenAI(base_url=f"{live_gateway.url}/v1", api_key="any") as client,
        pytest.raises(openai.BadRequestError) as caught,
    ):
        client.chat.completions.create(model="picky", messages=MESSAGES)

    assert "temperature is too high" in caught.value.message
    assert caught.value.response.headers["x-pointsman-attempts"] == "1"
    assert caught.value.body["metadata"]["attempts"][0]["failure_class"] == "caller_fault"
