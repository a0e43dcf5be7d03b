"""What every API family promises, over a scripted vendor that is as strict as the real one."""

import json
from collections.abc import Iterator

import pytest

from pointsman.core.canonical.answer import Answer
from pointsman.core.canonical.events import EventStream
from pointsman.core.canonical.parts import ReasoningPart, RefusalPart, TextPart, ToolCallPart
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.provider import DialectProvider, ProviderRequest
from provider_families import (
    FAMILIES,
    Family,
    assembled,
    conversation_for,
    expected_finish,
    expected_usage,
)
from provider_requests import request_in
from vendors import scenarios
from vendors.scenarios import Reasoning, Refusal, Scenario, Text, ToolCall
from vendors.vendor_server import VendorServer

F = FailureClass


every_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
"""One API family after the other."""


def played(*wanted: Scenario) -> pytest.MarkDecorator:
    """Each family with each of the scenarios that its vendor can play; see `Family.without`."""
    pairs = [
        pytest.param(family, scenario, id=f"{family.name}-{scenario.name}")
        for family in FAMILIES
        for scenario in wanted
        if scenario.name not in family.without
    ]
    return pytest.mark.parametrize(("family", "scenario"), pairs)


@pytest.fixture
def vendor(family: Family) -> Iterator[VendorServer]:
    """The family's scripted vendor."""
    with family.vendor() as server:
        yield server


def attempt_at(family: Family, *, stream: bool = False) -> ProviderRequest:
    return request_in("openai.chat", b"{}", model=family.model, stream=stream)


async def ask(
    family: Family, vendor: VendorServer, scenario: Scenario, request: ProviderRequest
) -> Answer:
    """Return the answer, plain or put together from its stream."""
    vendor.next(scenario)
    provider = family.provider(vendor)
    said = conversation_for(scenario, stream=request.stream)
    try:
        if not request.stream:
            return await provider.answer(request, said)
        return assembled(await drained(provider, request, said))
    finally:
        await provider.close()


async def drained(provider: DialectProvider, request: ProviderRequest, said) -> list:
    stream = await provider.answer_stream(request, said)
    events = []
    try:
        while more := await stream.next_events():
            events.extend(more)
    finally:
        stream.close()
    return events


async def to_the_end(stream: EventStream) -> None:
    while await stream.next_events():
        pass


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@played(*scenarios.CONVERSATIONS)
async def test_an_answer_comes_whole_in_the_canonical_form(
    family: Family, vendor: VendorServer, scenario: Scenario, stream: bool
):
    """GB-01: text, tools, reasoning, schemas and pictures lose nothing on the way."""
    request = attempt_at(family, stream=stream)

    answer = await ask(family, vendor, scenario, request)

    choice = answer.choices[0]
    wanted = scenario.parts
    texts = [each.text for each in wanted if isinstance(each, Text)]
    refusals = [each.text for each in wanted if isinstance(each, Refusal)]
    refused = [each.text for each in choice.parts if isinstance(each, RefusalPart)]
    found = [each.text for each in choice.parts if isinstance(each, TextPart)]
    assert (found, refused) == (
        (texts + refusals, []) if family.refusal_is_text else (texts, refusals)
    )
    calls = [each for each in choice.parts if isinstance(each, ToolCallPart)]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [
        (each.name, each.arguments) for each in wanted if isinstance(each, ToolCall)
    ]
    assert len({call.id for call in calls}) == len(calls)
    assert [each.text for each in choice.parts if isinstance(each, ReasoningPart)] == [
        each.text for each in wanted if isinstance(each, Reasoning)
    ]
    assert choice.finish_reason == expected_finish(family, scenario)
    assert answer.model
    assert answer.id


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@played(scenarios.TEXT, scenarios.CACHED, scenarios.REASONING)
async def test_usage_is_counted_once(
    family: Family, vendor: VendorServer, scenario: Scenario, stream: bool
):
    """OBS-20 to OBS-24: cached and reasoning tokens are parts, however the vendor counts."""
    answer = await ask(family, vendor, scenario, attempt_at(family, stream=stream))

    usage = answer.usage
    expected = expected_usage(scenario)
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (
        expected.input_tokens,
        expected.output_tokens,
    )
    assert (usage.cache_read_tokens or 0) == expected.cache_read_tokens
    assert not usage.estimated


@every_family
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_the_attempt_tells_what_was_called_and_when(
    family: Family, vendor: VendorServer, stream: bool
):
    """OBS: endpoint without secrets, credential alias, status, the vendor's id, times in order."""
    request = attempt_at(family, stream=stream)

    await ask(family, vendor, scenarios.TEXT, request)

    attempt = request.attempt
    assert attempt.endpoint is not None
    assert attempt.endpoint.startswith(vendor.url)
    assert "?" not in attempt.endpoint
    assert attempt.key_alias == "...test"
    assert attempt.status == 200
    assert attempt.first_byte_ns is not None
    assert attempt.end_ns is not None
    assert attempt.start_ns <= attempt.first_byte_ns <= attempt.end_ns
    assert vendor.last.headers["traceparent"] == request.traceparent


ERRORS = {
    scenarios.ERRORS["400"]: F.CALLER_FAULT,
    scenarios.ERRORS["401"]: F.BAD_CREDENTIAL,
    scenarios.ERRORS["403"]: F.BAD_CREDENTIAL,
    scenarios.ERRORS["404"]: F.MODEL_UNAVAILABLE,
    scenarios.ERRORS["413"]: F.CALLER_FAULT,
    scenarios.ERRORS["429"]: F.RATE_LIMITED,
    scenarios.ERRORS["429_quota"]: F.QUOTA_EXHAUSTED,
    scenarios.ERRORS["500"]: F.SERVER_ERROR,
    scenarios.ERRORS["529"]: F.OVERLOADED,
    scenarios.ERRORS["context"]: F.CONTEXT_TOO_LONG,
}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@played(*ERRORS)
async def test_a_refusal_is_raised_with_its_class(
    family: Family, vendor: VendorServer, scenario: Scenario, stream: bool
):
    """MM-04: one unified error with status, word, wait and body, for every vendor."""
    request = attempt_at(family, stream=stream)

    with pytest.raises(UpstreamError) as caught:
        await ask(family, vendor, scenario, request)

    failure = caught.value
    assert failure.failure_class is ERRORS[scenario]
    assert failure.upstream_status == vendor.last.status == request.attempt.status
    assert failure.retry_after_s == scenario.retry_after_s
    assert failure.upstream_body
    assert request.attempt.end_ns is not None


WRONG_KEY = scenarios.ERROR_401.but(name="wrong_key")


@played(WRONG_KEY)
async def test_a_wrong_key_is_told_as_such_and_not_repeated(
    family: Family, vendor: VendorServer, scenario: Scenario
):
    """A body that is passed on never holds the credential."""
    provider = family.provider(vendor)
    vendor.key = "another"

    with pytest.raises(UpstreamError) as caught:
        await provider.answer(attempt_at(family), conversation_for(scenarios.TEXT))
    await provider.close()

    assert caught.value.failure_class is F.BAD_CREDENTIAL
    assert b"test-key" not in caught.value.upstream_body


BREAKS = {
    scenarios.CUT: {F.TRUNCATED},
    scenarios.MID_STREAM_ERROR: {F.OVERLOADED, F.SERVER_ERROR, F.RATE_LIMITED, F.TRUNCATED},
}


@played(*BREAKS)
async def test_a_broken_stream_is_never_taken_for_a_success(
    family: Family, vendor: VendorServer, scenario: Scenario
):
    """MM-02, AP-05: cut without a farewell, or ended by an error event."""
    with pytest.raises(UpstreamError) as caught:
        await ask(family, vendor, scenario, attempt_at(family, stream=True))

    assert caught.value.failure_class in BREAKS[scenario]


@every_family
async def test_a_plain_answer_that_is_cut_is_truncated(family: Family, vendor: VendorServer):
    """Half an answer is none."""
    with pytest.raises(UpstreamError) as caught:
        await ask(family, vendor, scenarios.CUT, attempt_at(family))

    assert caught.value.failure_class is F.TRUNCATED


@every_family
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_connection_serves_the_next_call(
    family: Family, vendor: VendorServer, stream: bool
):
    """The end of an answer is read, so that its connection goes back to the pool."""
    provider = family.provider(vendor)
    for _ in range(3):
        request = attempt_at(family, stream=stream)
        said = conversation_for(scenarios.TEXT, stream=stream)
        if stream:
            await drained(provider, request, said)
        else:
            await provider.answer(request, said)
    await provider.close()

    assert vendor.connections == 1
    assert request.attempt.reused_connection


@every_family
async def test_leaving_a_stream_ends_the_exchange(family: Family, vendor: VendorServer):
    """AP-04: a client that has left costs nothing further."""
    vendor.next(scenarios.HELD)
    provider = family.provider(vendor)
    request = attempt_at(family, stream=True)
    stream = await provider.answer_stream(request, conversation_for(scenarios.HELD, stream=True))
    await stream.next_events()

    request.abort.abort("client_left")
    with pytest.raises(UpstreamError) as caught:
        await to_the_end(stream)
    await provider.close()

    assert caught.value.failure_class is F.CLIENT_LEFT
    assert vendor.left.wait(5)
