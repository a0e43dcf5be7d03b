"""How streams end: what the client saw, what the record says. No cut is told as a success."""

import time
from collections.abc import Iterator

import msgspec
import openai
import pytest

from pointsman.core.records import CallRecord
from pointsman.journal.reader import JournalReader

from running_gateway import RunningGateway, get, post, running_gateway

EVENTS = {"content-type": "text/event-stream"}
USAGE_ONLY = (
    'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[],'
    '"usage":{"prompt_tokens":3,"completion_tokens":0,"total_tokens":3}}\n\ndata: [DONE]\n\n'
)
ODD_TOOL_CALL = (
    'data: {"choices":[{"index":0,"delta":{"content":"hi","tool_calls":[{"index":"0","function":'
    '{"name":"f","arguments":{"a":1}}}]},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n'
)
TWO_CHOICES = "".join(
    f'data: {{"choices":[{{"index":{index},"delta":{{"content":"{text}"}},'
    f'"finish_reason":{finish}}}]}}\n\n'
    for index, text, finish in ((0, "a", "null"), (1, "b", '"stop"'), (0, "c", '"length"'))
)

# Before the first token nothing is sent: the client gets a status.
REFUSED: dict[str, tuple[dict[str, object], int, str]] = {
    "cut_at_once": ({"cut_after_chunks": 0}, 502, "truncated"),
    "silent": ({"stall_after_chunks": 0}, 504, "timeout"),
    "no_json": ({"body": "data: {nonsense\n\n", "headers": EVENTS}, 502, "protocol"),
    "error_first": ({"error_after_chunks": 0}, 502, "server_error"),
    "error_body": ({"body": {"error": {"message": "boom", "type": "server_error"}}}, 502, "server"),
    "marker_only": ({"body": "data: [DONE]\n\n", "headers": EVENTS}, 502, "truncated"),
    "empty": ({"body": "", "headers": EVENTS}, 502, "truncated"),
    "usage_only": ({"body": USAGE_ONLY, "headers": EVENTS}, 502, "truncated"),
    "html": ({"body": "<html>sorry</html>"}, 502, "protocol"),
    "reset": ({"connection": "reset"}, 502, "connection"),
}

# After it the answer is committed: one error event, no end marker.
BROKEN: dict[str, tuple[dict[str, object], str, str]] = {
    "cut": ({"chunk_count": 10, "cut_after_chunks": 3}, "cut", "truncated"),
    "reset_later": (
        {"chunk_count": 10, "cut_after_chunks": 3, "cut": "reset"},
        "cut",
        "connection",
    ),
    "stall": ({"chunk_count": 10, "stall_after_chunks": 3}, "stalled", "timeout"),
    "malformed": ({"chunk_count": 10, "malformed_after_chunks": 3}, "malformed", "protocol"),
    "error_later": ({"chunk_count": 10, "error_after_chunks": 3}, "failed", "server_error"),
    "no_finish_reason": ({"chunk_count": 3, "finish_reason": None}, "cut", "truncated"),
}

ENDED: dict[str, tuple[dict[str, object], str, list[str]]] = {
    "good": ({"chunk_count": 3}, "success", ["stop"]),
    "no_marker": ({"chunk_count": 3, "done": "none"}, "success", ["stop"]),
    "too_long": ({"finish_reason": "length"}, "truncated", ["length"]),
    "filtered": ({"finish_reason": "content_filter"}, "blocked", ["content_filter"]),
    "odd_tool_call": ({"body": ODD_TOOL_CALL, "headers": EVENTS}, "success", ["tool_calls"]),
    "two_choices": ({"body": TWO_CHOICES, "headers": EVENTS}, "truncated", ["stop", "length"]),
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A provider for every fault, so that the failures of one exclude no other."""
    folder = tmp_path_factory.mktemp("truth")
    steps = {name: case[0] for table in (REFUSED, BROKEN, ENDED) for name, case in table.items()}
    (folder / "script.json").write_bytes(
        msgspec.json.encode(
            {
                "rules": [
                    {"match": {"model": name}, "repeat": True, "steps": [step]}
                    for name, step in steps.items()
                ]
            }
        )
    )
    timeout = "{connect: 1s, first_token: 300ms, idle: 300ms, total: 5s}"
    lines = ["providers:"]
    lines += [f"  p-{name}: {{kind: mock, script: script.json}}" for name in steps]
    lines += ["targets:"]
    lines += [
        f"  {name}: {{provider: p-{name}, model: {name}, timeout: {timeout}}}" for name in steps
    ]
    with running_gateway(folder, config="\n".join(lines)) as running:
        yield running


def record_of(gateway: RunningGateway, request_id: str) -> CallRecord:
    """Return the record, which is written right after the answer."""
    reader = JournalReader(gateway.data_dir / "journal")
    deadline = time.monotonic() + 5
    while (record := reader.find(request_id)) is None:
        assert time.monotonic() < deadline, "the request has no record"
        time.sleep(0.01)
    return record


def ask(gateway: RunningGateway, model: str) -> tuple[int, dict[str, str], bytes]:
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    return post(f"{gateway.url}/v1/chat/completions", msgspec.json.encode(body))


@pytest.mark.parametrize("name", REFUSED)
def test_a_failure_before_the_first_token_is_a_status(gateway: RunningGateway, name: str):
    """OBS-03: nothing was sent, so nothing pretends that an answer began."""
    _, status, failure = REFUSED[name]

    got, headers, body = ask(gateway, name)

    record = record_of(gateway, headers["x-pointsman-request-id"])
    assert got == status == record.status
    assert msgspec.json.decode(body)["error"]["metadata"]["attempts"][0]["target"] == name
    assert record.outcome == "failure"
    assert record.stream is None
    assert str(record.attempts[0].failure_class).startswith(failure)


@pytest.mark.parametrize("name", BROKEN)
def test_a_failure_later_is_an_event_without_a_marker(gateway: RunningGateway, name: str):
    """AP-05, OBS-03, OBS-04: 200, chunks, one error event, no [DONE]; recorded as a failure."""
    _, terminal, failure = BROKEN[name]

    got, headers, body = ask(gateway, name)

    record = record_of(gateway, headers["x-pointsman-request-id"])
    events = body.decode().strip().split("\n\n")
    assert got == 200
    assert len(events) == 4
    assert set(msgspec.json.decode(events[-1].removeprefix("data: "))) == {"error"}
    assert b"[DONE]" not in body
    assert record.outcome == "failure"
    assert record.stream is not None
    assert (record.stream.terminal, record.stream.chunks) == (terminal, 3)
    assert record.stream.bytes == len(body)
    assert record.attempts[0].failure_class == failure
    assert record.usage is not None
    assert record.usage.output_tokens


@pytest.mark.parametrize("name", BROKEN)
def test_the_official_client_raises_for_a_broken_stream(gateway: RunningGateway, name: str):
    """An application that only iterates learns of it."""
    with (
        openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="any", max_retries=0) as client,
        client.chat.completions.create(
            model=name, messages=[{"role": "user", "content": "Hello"}], stream=True
        ) as stream,
        pytest.raises(openai.APIError),
    ):
        list(stream)


@pytest.mark.parametrize("name", ENDED)
def test_a_whole_stream_ends_as_its_finish_reasons_say(gateway: RunningGateway, name: str):
    """OBS-02: `length` and `content_filter` are no successes, though they are complete."""
    _, outcome, finish_reasons = ENDED[name]

    got, headers, body = ask(gateway, name)

    record = record_of(gateway, headers["x-pointsman-request-id"])
    assert got == 200
    assert body.endswith(b"data: [DONE]\n\n")
    assert record.outcome == outcome
    assert record.finish_reasons == finish_reasons
    assert record.stream is not None
    assert record.stream.terminal == "done"
    assert record.stream.chunks == body.count(b"data: ") - 1


def test_nothing_is_left_over(gateway: RunningGateway):
    """Invariant 7: every hold was settled or given back, nothing counts as under way."""
    text = get(f"{gateway.url}/metrics")[2].decode().splitlines()

    assert "pointsman_reservations 0.0" in text
    assert "pointsman_requests_in_flight 0.0" in text
