"""What only the Gemini API has: its key, its proofs, its vectors, its quotas; over real sockets."""

import dataclasses

import pytest

from pointsman.core.canonical.conversation import Conversation, Tool, Turn
from pointsman.core.canonical.embedding import EmbeddingRequest
from pointsman.core.canonical.parts import ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from provider_families import FAMILIES, assembled, conversation_for
from provider_requests import request_in
from vendors import scenarios
from vendors.gemini_api import GeminiApi

GEMINI = next(family for family in FAMILIES if family.name == "gemini")
SIGNED = dataclasses.replace(
    scenarios.REASONING_TOOLS, parts=(*scenarios.REASONING_TOOLS.parts, scenarios.WEATHER_ELSEWHERE)
)


def at(model: str = GEMINI.model, *, stream: bool = False):
    return request_in("openai.chat", b"{}", model=model, stream=stream)


async def drained(provider, request, said) -> list:
    stream = await provider.answer_stream(request, said)
    events = []
    try:
        while more := await stream.next_events():
            events.extend(more)
    finally:
        stream.close()
    return events


def _as_messages_have_it(part):
    """Return what comes back of a part from a client whose dialect has no place for signatures."""
    return ToolCallPart(part.id, part.name, part.arguments) if hasattr(part, "arguments") else part


@pytest.mark.parametrize("version", ["", "/", "/v1beta", "/v1beta/"])
async def test_the_key_is_in_a_header_and_the_address_has_one_version(version: str):
    """Queries end up in logs on the way."""
    with GeminiApi() as server:
        provider = dataclasses.replace(GEMINI, base_path=version).provider(server)
        await provider.answer(at(), conversation_for(scenarios.TEXT))
        await provider.close()

        assert server.last.path == "/v1beta/models/gemini-2.5-flash:generateContent"
        assert server.last.headers["x-goog-api-key"] == server.key
        assert not server.last.query


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-flash-preview"])
@pytest.mark.parametrize("dialect", ["openai.chat", "anthropic.messages"])
async def test_a_conversation_with_tools_goes_on_with_its_proofs(
    model: str, dialect: str, stream: bool
):
    """What the model signed comes back unchanged, also where a dialect signs no calls."""
    with GeminiApi() as server:
        server.next(SIGNED)
        provider = GEMINI.provider(server)
        said = conversation_for(SIGNED, stream=stream)
        said.dialect = dialect
        request = at(model, stream=stream)
        if stream:
            answer = assembled(await drained(provider, request, said))
        else:
            answer = await provider.answer(request, said)
        parts = answer.choices[0].parts
        results = [
            Turn("user", [ToolResultPart(part.id, [TextPart("21")])])
            for part in parts
            if isinstance(part, ToolCallPart)
        ]
        signatures = [part.signature for part in parts if isinstance(part, ToolCallPart)]
        if dialect != "openai.chat":
            parts = [_as_messages_have_it(part) for part in parts]
        said.turns.extend([Turn("assistant", parts), *reversed(results)])

        await provider.answer(at(model), said)
        await provider.close()

        _, called, answered = server.last.json["contents"]
    calls = [part for part in called["parts"] if "functionCall" in part]
    assert signatures[0]
    assert [part.get("thoughtSignature") for part in calls] == signatures
    assert called["parts"][0]["thought"] is True
    assert len(answered["parts"]) == len(calls) == 2


async def test_calls_that_another_model_made_are_taken():
    """A conversation may change providers in the middle of its tools."""
    said = Conversation(
        dialect="openai.chat",
        tools=[Tool("f")],
        turns=[
            Turn("user", [TextPart("hello")]),
            Turn("assistant", [ReasoningPart("hm", "Q2xhdWRl"), ToolCallPart("1", "f", "{}")]),
            Turn("user", [ToolResultPart("1", [TextPart("21")])]),
        ],
    )
    request = at("gemini-3-flash-preview")
    with GeminiApi() as server:
        provider = GEMINI.provider(server)
        answer = await provider.answer(request, said)
        await provider.close()

    assert answer.choices[0].parts
    assert "messages.reasoning: dropped" in request.attempt.parameters_changed


async def test_several_candidates_are_several_choices():
    """Of `n` answers none is lost."""
    with GeminiApi() as server:
        provider = GEMINI.provider(server)
        said = conversation_for(scenarios.TEXT)
        said.choice_count = 3
        answer = await provider.answer(at(), said)
        events = await drained(provider, at(stream=True), said)
        await provider.close()

    assert len(answer.choices) == 3
    assert {event.choice for event in events if hasattr(event, "choice")} == {0, 1, 2}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_blocked_prompt_is_the_filters_doing(stream: bool):
    """It is neither an empty answer nor a fault of the provider."""
    with GeminiApi() as server:
        server.next(scenarios.BLOCKED_PROMPT)
        provider = GEMINI.provider(server)
        said = conversation_for(scenarios.TEXT, stream=stream)
        ask = drained(provider, at(stream=True), said) if stream else provider.answer(at(), said)
        with pytest.raises(UpstreamError) as caught:
            await ask
        await provider.close()

    assert caught.value.failure_class is FailureClass.CONTENT_FILTERED
    assert caught.value.upstream_code == "SAFETY"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_that_its_provider_could_not_read_is_no_answer(stream: bool):
    """Another try, or another target, may have one; an empty success would hide it."""
    with GeminiApi() as server:
        server.next(scenarios.MALFORMED_TOOLS)
        provider = GEMINI.provider(server)
        said = conversation_for(scenarios.MALFORMED_TOOLS, stream=stream)
        ask = drained(provider, at(stream=True), said) if stream else provider.answer(at(), said)
        with pytest.raises(UpstreamError) as caught:
            await ask
        await provider.close()

    assert caught.value.failure_class is FailureClass.PROTOCOL
    assert caught.value.upstream_code == "MALFORMED_FUNCTION_CALL"


@pytest.mark.parametrize(
    ("name", "failure"),
    [("429", FailureClass.RATE_LIMITED), ("429_quota", FailureClass.QUOTA_EXHAUSTED)],
)
async def test_the_wait_and_the_quota_are_read_from_the_details(name: str, failure: FailureClass):
    """Google says neither in headers; a quota per day is no limit that passes."""
    request = at()
    with GeminiApi() as server:
        server.next(scenarios.ERRORS[name])
        provider = GEMINI.provider(server)
        with pytest.raises(UpstreamError) as caught:
            await provider.answer(request, conversation_for(scenarios.TEXT))
        await provider.close()

    assert caught.value.failure_class is failure
    assert caught.value.upstream_code == "RESOURCE_EXHAUSTED"
    assert caught.value.retry_after_s == request.attempt.retry_after_s == 7


async def test_texts_become_vectors_one_for_each():
    """One request of the batch for each text, with what the caller chose."""
    texts = EmbeddingRequest(dialect="openai.embeddings", texts=["a", "b"], dimensions=4)
    with GeminiApi() as server:
        provider = GEMINI.provider(server)
        answer = await provider.embed(at("gemini-embedding-001"), texts)
        await provider.close()
        sent = server.last.json

    assert [len(vector) for vector in answer.vectors] == [4, 4]
    assert answer.vectors[0] != answer.vectors[1]
    assert answer.usage is not None
    assert answer.usage.estimated
    assert sent["requests"][1] == {
        "model": "models/gemini-embedding-001",
        "content": {"parts": [{"text": "b"}]},
        "outputDimensionality": 4,
    }


async def test_token_ids_are_refused():
    """They are OpenAI's and mean nothing elsewhere."""
    texts = EmbeddingRequest(dialect="openai.embeddings", tokens=[[1, 2]])
    with GeminiApi() as server:
        provider = GEMINI.provider(server)
        with pytest.raises(UpstreamError) as caught:
            await provider.embed(at("gemini-embedding-001"), texts)
        await provider.close()

    assert caught.value.failure_class is FailureClass.CALLER_FAULT


async def test_tokens_are_counted_by_the_vendor():
    """Messages' clients ask before they send."""
    with GeminiApi() as server:
        provider = GEMINI.provider(server)
        counted = await provider.count_tokens(at(), conversation_for(scenarios.TOOLS))
        await provider.close()

        assert server.last.path.endswith(":countTokens")
    assert counted > 0
