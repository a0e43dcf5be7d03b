"""The scripted Ollama says nothing that the official SDK's types do not know."""

import base64
import json

import httpx
import ollama
import pytest
from ollama import ChatResponse, EmbedResponse, ListResponse, ProcessResponse, ShowResponse

from vendors import scenarios
from vendors.ollama_api import OllamaApi
from vendors.said import DOCUMENT_SCHEMA, WEATHER_SCHEMA, documents_of, name_of
from vendors.scenarios import RED_DOT_PNG, Scenario
from vendors.schema_check import check

MODEL = "llama3.1:8b"
HELLO = {"role": "user", "content": "hello there"}
FUNCTION = {"name": "get_weather", "description": "Weather now", "parameters": WEATHER_SCHEMA}
TOOL = {"type": "function", "function": FUNCTION}


@pytest.fixture
def server():
    """A scripted Ollama."""
    with OllamaApi() as running:
        yield running


@pytest.fixture
async def client(server):
    """The official client."""
    async with ollama.AsyncClient(host=server.url) as made:
        yield made


def request_for(scenario: Scenario) -> dict:
    """Return a request that has what the scenario expects, and asks for all it can show."""
    request = {"model": MODEL, "messages": [HELLO], "think": True}
    if "tools" in scenario.expects:
        request["tools"] = [TOOL]
    if "json_schema" in scenario.expects:
        request["format"] = DOCUMENT_SCHEMA
    if "image" in scenario.expects:
        picture = base64.b64decode(RED_DOT_PNG)
        request["messages"] = [{"role": "user", "content": "What is it?", "images": [picture]}]
    if "several_system" in scenario.expects:
        said = [{"role": "system", "content": each} for each in ("Be brief.", "Be kind.")]
        request["messages"] = [*said, HELLO]
    if "stop" in scenario.expects:
        request["options"] = {"stop": ["three"]}
    if "max_tokens" in scenario.expects:
        request["options"] = {"num_predict": 5}
    return request


@pytest.mark.parametrize("scenario", scenarios.CONVERSATIONS, ids=name_of)
async def test_whole_answers_are_chats_of_the_sdk(server, client, scenario):
    """Every field is one that the SDK's ChatResponse has, and none is lost in it."""
    server.next(scenario)

    decoded = await client.chat(**request_for(scenario))

    (sent,) = documents_of(server.last)
    check(sent, ChatResponse)
    assert decoded.model_dump(exclude_none=True) == sent


@pytest.mark.parametrize("scenario", scenarios.CONVERSATIONS, ids=name_of)
async def test_streams_add_up_to_the_whole_answer(server, client, scenario):
    """The lines have the words, thoughts, calls and counts of the whole body."""
    server.next(scenario, scenario)
    whole = await client.chat(**request_for(scenario))

    lines = [line async for line in await client.chat(**request_for(scenario), stream=True)]

    for document in documents_of(server.last):
        check(document, ChatResponse)
    assert "".join(line.message.content for line in lines) == whole.message.content
    thoughts = "".join(line.message.thinking or "" for line in lines)
    assert thoughts == (whole.message.thinking or "")
    calls = [call for line in lines for call in line.message.tool_calls or ()]
    assert calls == list(whole.message.tool_calls or ())
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]
    counts = ("done_reason", "prompt_eval_count", "eval_count", "eval_duration", "total_duration")
    assert [lines[-1][name] for name in counts] == [whole[name] for name in counts]


async def test_thoughts_are_left_out_when_they_are_switched_off(server, client):
    """Arguments are objects, thoughts a field of their own."""
    server.next(scenarios.REASONING_TOOLS, scenarios.REASONING_TOOLS)
    request = request_for(scenarios.REASONING_TOOLS)

    thinking = await client.chat(**request)
    silent = await client.chat(**{**request, "think": False})

    assert thinking.message.thinking == "The weather has to be looked up."
    assert thinking.message.tool_calls[0].function.arguments["city"] == "Oslo"
    assert silent.message.thinking is None


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("scenario", scenarios.ERRORS.values(), ids=name_of)
async def test_errors_are_the_sdks_errors(server, client, scenario, is_stream):
    """Each error has a status and one sentence."""
    server.next(scenario)

    with pytest.raises(ollama.ResponseError) as caught:
        await spoken(client, request_for(scenario), is_stream=is_stream)

    assert documents_of(server.last) == [{"error": caught.value.error}]
    assert caught.value.status_code == server.last.status >= 400


async def spoken(client, request: dict, *, is_stream: bool) -> None:
    """Ask, and read the answer to its end."""
    if is_stream:
        [each async for each in await client.chat(**request, stream=True)]
    else:
        await client.chat(**request)


async def test_an_error_in_the_middle_of_a_stream_is_a_line(server, client):
    """The service says 200 first and the error later."""
    server.next(scenarios.MID_STREAM_ERROR)

    with pytest.raises(ollama.ResponseError, match="llama runner process has terminated"):
        await spoken(client, request_for(scenarios.TEXT), is_stream=True)

    assert server.last.status == 200


async def test_a_cut_stream_ends_without_a_farewell(server, client):
    """The connection closes in the middle of the chunked body."""
    server.next(scenarios.CUT)

    with pytest.raises((httpx.RemoteProtocolError, ConnectionError)):
        await spoken(client, request_for(scenarios.TEXT), is_stream=True)


async def test_a_chat_streams_unless_it_is_told_not_to(server):
    """A body without `stream` is answered in lines."""
    async with httpx.AsyncClient() as plain:
        body = {"model": MODEL, "messages": [HELLO]}
        answer = await plain.post(f"{server.url}/api/chat", json=body)

    assert answer.headers["content-type"] == "application/x-ndjson"
    assert len(answer.text.splitlines()) > 2


async def test_models_are_loaded_with_their_window_and_forgotten(server, client):
    """`/api/ps` shows the window of the last request; `keep_alive` 0 unloads."""
    await client.chat(model=MODEL, messages=[HELLO], options={"num_ctx": 8192})
    loaded = await client.ps()
    check(documents_of(server.last)[0], ProcessResponse)

    await client.chat(model=MODEL, messages=[], keep_alive=0)
    left = await client.ps()

    assert [(each.model, each.context_length) for each in loaded.models] == [(MODEL, 8192)]
    assert left.models == []


async def test_a_long_prompt_is_cut_without_a_word(server, client):
    """`prompt_eval_count` is all that tells, unless truncation was forbidden."""
    long = {"role": "user", "content": "word " * 20_000}

    cut = await client.chat(model=MODEL, messages=[long])
    wide = await client.chat(model=MODEL, messages=[long], options={"num_ctx": 32768})

    assert (cut.prompt_eval_count, wide.prompt_eval_count) == (4096, 25_000)


async def test_what_a_model_cannot_do_is_refused():
    """Tools and thinking need a model that has them."""
    with OllamaApi(capabilities=["completion"], models=[MODEL]) as server:
        async with ollama.AsyncClient(host=server.url) as client:
            with pytest.raises(ollama.ResponseError, match="does not support tools"):
                await client.chat(model=MODEL, messages=[HELLO], tools=[TOOL])
            with pytest.raises(ollama.ResponseError, match="does not support thinking"):
                await client.chat(model=MODEL, messages=[HELLO], think=True)
            with pytest.raises(ollama.ResponseError, match="model 'other' not found") as lost:
                await client.chat(model="other", messages=[HELLO])

    assert lost.value.status_code == 404


async def test_newer_servers_give_calls_an_id():
    """The id and index are beyond the SDK's types, and on the wire."""
    with OllamaApi(tool_call_ids=True, default=scenarios.PARALLEL_TOOLS) as server:
        async with ollama.AsyncClient(host=server.url) as client:
            await client.chat(**request_for(scenarios.PARALLEL_TOOLS))
        calls = documents_of(server.last)[0]["message"]["tool_calls"]

    assert [call["function"]["index"] for call in calls] == [0, 1]
    assert len({call["id"] for call in calls}) == 2


async def test_embeddings_and_lists_are_the_sdks(server, client):
    """The small endpoints answer in the SDK's types."""
    embedded = await client.embed(model="nomic-embed-text", input=["one", "two"], dimensions=4)
    check(documents_of(server.last)[0], EmbedResponse)
    listed = await client.list()
    # The name twice is on the wire and not in the SDK's type.
    (sent,) = documents_of(server.last)
    for each in sent["models"]:
        each.pop("name")
    check(sent, ListResponse)
    shown = await client.show(MODEL)
    (sent,) = documents_of(server.last)
    # The SDK's attribute is `modelinfo`.
    check(sent, ShowResponse)

    assert [len(vector) for vector in embedded.embeddings] == [4, 4]
    assert MODEL in [each.model for each in listed.models]
    assert shown.modelinfo["llama.context_length"] == 131072
    assert "tools" in shown.capabilities


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": None}, "model is required"),
        ({"max_tokens": 5}, 'json: unknown field "max_tokens"'),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content"),
        ({"options": {"max_tokens": 5}}, 'invalid option provided: "max_tokens"'),
        ({"options": {"num_ctx": "big"}}, 'option "num_ctx" must be of type integer'),
        ({"format": "yaml"}, 'invalid format: "yaml"'),
        ({"tools": [FUNCTION]}, "tools.0"),
        ({"think": "a bit"}, "think"),
        ({"messages": [{**HELLO, "images": ["data:image/png;base64,xx"]}]}, "illegal base64"),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}],
                    }
                ]
            },
            "messages.0.tool_calls.0.function.arguments",
        ),
    ],
)
async def test_what_the_schema_does_not_allow_is_refused_by_name(server, changes, said):
    """The 400 names the field."""
    body = {"model": MODEL, "messages": [HELLO], **changes}
    body = {key: value for key, value in body.items() if value is not None}

    async with httpx.AsyncClient() as plain:
        answer = await plain.post(f"{server.url}/api/chat", content=json.dumps(body))

    assert answer.status_code == 400
    assert said in answer.json()["error"]


async def test_the_version_is_told(server):
    """A plain number, as the health probe reads it."""
    async with httpx.AsyncClient() as plain:
        assert (await plain.get(f"{server.url}/api/version")).json()["version"].count(".") == 2
