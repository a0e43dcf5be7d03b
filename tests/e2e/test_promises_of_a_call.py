"""What one call promises: what the provider gets, what is recorded, what is kept of the text."""

import http.client
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from pointsman.core.records import CallRecord
from pointsman.journal.reader import JournalReader

from running_gateway import RunningGateway, get, post, run_command, running_gateway

CHUNK_PAUSE_S = 0.15
USAGE = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
SECRET = "planted-credential-of-the-provider"
CONFIG = """
providers:
  live: {{kind: openai, base_url: "{url}/v1", api_key: "${{UPSTREAM_KEY}}", default: true}}
targets:
  gpt-small: {{provider: live, model: gpt-4o-mini}}
  gpt-large: {{provider: live, model: gpt-4o}}
routes:
  batch-or-not:
    rules:
      - {{when: {{workload: batch}}, use: gpt-small, reason: cost_policy}}
      - {{use: gpt-large, reason: default_policy}}
content: {{capture: full}}
prices: {{models: {{gpt-4o: {{input_usd_per_mtok: 2, output_usd_per_mtok: 10}}}}}}
"""


class Provider(BaseHTTPRequestHandler):
    """Remembers requests; answers with known usage, streams in pieces with pauses."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[dict[str, str], bytes]]
    connections: set[object]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.seen.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.connections.add(self.client_address)
        model = msgspec.json.decode(body)["model"]
        if msgspec.json.decode(body).get("stream"):
            self._stream(model)
            return
        choice = {"index": 0, "message": {"role": "assistant", "content": "Hello."}}
        answer = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": f"{model}-2024-08-06",
            "choices": [{**choice, "finish_reason": "stop"}],
            "usage": USAGE,
        }
        self._send("application/json", msgspec.json.encode(answer))

    def _send(self, content_type: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, model: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for text, finish in (("a", None), ("b", None), ("c", "stop")):
            choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
            self._event(msgspec.json.encode({"id": "1", "model": model, "choices": [choice]}))
            time.sleep(CHUNK_PAUSE_S)
        self._event(b"[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, data: bytes) -> None:
        event = b"data: " + data + b"\n\n"
        self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def provider() -> Iterator[type[Provider]]:
    """A provider on a port; its class holds what it has seen."""
    handler = type("ThisProvider", (Provider,), {"seen": [], "connections": set()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    handler.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def gateway(
    provider: type[Provider], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """A gateway in front of it that keeps whole texts."""
    folder = tmp_path_factory.mktemp("promises")
    with running_gateway(
        folder, config=CONFIG.format(url=provider.url), environment={"UPSTREAM_KEY": SECRET}
    ) as running:
        yield running


def ask(
    gateway: RunningGateway, headers: dict[str, str] | None = None, **fields: object
) -> tuple[CallRecord, bytes]:
    """Ask and return the record with the answer."""
    body = {"model": "batch-or-not", "messages": [{"role": "user", "content": "Hello"}], **fields}
    url = f"{gateway.url}/v1/chat/completions"
    _, answered, answer = post(url, msgspec.json.encode(body), headers)
    return record_of(gateway, answered["x-pointsman-request-id"]), answer


def record_of(gateway: RunningGateway, request_id: str) -> CallRecord:
    """Return the record, which is written right after the answer."""
    reader = JournalReader(gateway.data_dir / "journal")
    deadline = time.monotonic() + 5
    while (record := reader.find(request_id)) is None:
        assert time.monotonic() < deadline, "the request has no record"
        time.sleep(0.01)
    return record


def test_one_trace_holds_the_request_its_steps_and_the_call(gateway: RunningGateway, provider):
    """GW-13, CP-04, OBS-01: ids of body, record and provider agree; each step has its time."""
    record, answer = ask(gateway)

    traceparent = provider.seen[-1][0]["traceparent"]
    assert traceparent == f"00-{record.trace_id}-{record.attempts[0].span_id}-01"
    assert msgspec.json.decode(answer)["pointsman"]["traceId"] == f"trc_{record.trace_id}"
    assert [stage.name for stage in record.stages] == [
        "policy_check",
        "route_request",
        "response_shaping",
    ]
    assert record.attempts[0].upstream_request_id is None
    assert (record.operation, record.status, record.outcome) == ("chat", 200, "success")
    assert record.served_model == "gpt-4o-2024-08-06"
    assert record.finish_reasons == ["stop"]
    assert record.duration_ns is not None
    assert record.config_version == msgspec.json.decode(get(f"{gateway.url}/health")[2])["config"]


def test_a_step_that_did_not_happen_is_absent(gateway: RunningGateway):
    """CP-04: a body that is none was neither routed nor sent."""
    _, headers, _ = post(f"{gateway.url}/v1/chat/completions", b"{}")

    record = record_of(gateway, headers["x-pointsman-request-id"])

    assert "route_request" not in [stage.name for stage in record.stages]
    assert record.attempts == []
    assert record.outcome == "refused"


def test_cost_is_of_the_tokens_that_the_provider_reported(gateway: RunningGateway):
    """AC-01, AP-18, CP-03, MG-09: reported usage at the configured price, a line per unit."""
    record, _ = ask(gateway)

    assert record.usage is not None
    assert (record.usage.input_tokens, record.usage.output_tokens) == (1000, 500)
    assert record.usage.estimated is False
    assert record.cost is not None
    assert {line.unit: line.nano_usd for line in record.cost.lines} == {
        "input_tokens": 2_000_000,
        "output_tokens": 5_000_000,
    }
    assert record.cost.total_nano_usd == 7_000_000
    assert f"config {record.config_version}" == record.cost.price_version
    by_name = {each.target: each.cost_nano_usd for each in record.candidates}
    assert by_name["gpt-large"] == 7_000_000
    assert by_name["gpt-small"] not in {None, 7_000_000}


def test_the_workload_of_a_request_decides_and_is_reported(gateway: RunningGateway):
    """MG-07, MM-14, OBS-26: labels are on the record and can choose the target."""
    record, _ = ask(
        gateway,
        {"x-pointsman-workload": "batch", "x-pointsman-feature": "search"},
        user="u-7",
        metadata={"team_id": "core", "environment": "staging"},
    )

    assert (record.served_target, record.reason) == ("gpt-small", "cost_policy")
    assert (record.workload, record.feature) == ("batch", "search")
    assert (record.user, record.team, record.environment) == ("u-7", "core", "staging")


def test_the_provider_never_sees_what_is_meant_for_the_gateway(gateway: RunningGateway, provider):
    """CP-13, CP-20, AP-08: no tenant, no metadata, no header of ours; the caller's key is ours."""
    record, answer = ask(
        gateway,
        {"authorization": "Bearer key-of-the-caller", "x-pointsman-user": "u-7"},
        tenant_id="acme",
        metadata={"tier": "gold"},
        temperature=0.5,
        unheard_of={"a": [1]},
    )

    headers, body = provider.seen[-1]
    sent = msgspec.json.decode(body)
    assert record.tenant == "acme"
    assert set(sent) == {"model", "messages", "temperature", "unheard_of"}
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert not any(name.startswith("x-pointsman") for name in headers)
    assert "key-of-the-caller" not in str(headers)
    assert SECRET.encode() not in answer


def test_connections_to_the_provider_are_kept(gateway: RunningGateway, provider):
    """AP-01: the client is built once, not per request."""
    before = len(provider.connections)
    for _ in range(5):
        record, _ = ask(gateway)

    assert record.attempts[0].reused_connection
    assert len(provider.connections) - before <= 1


def test_each_chunk_reaches_the_client_when_it_comes(gateway: RunningGateway):
    """AP-03, AP-07, AP-23, OBS-05: nothing holds a chunk back; first token and end are timed."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    body = {"model": "gpt-large", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    connection.request(
        "POST",
        "/v1/chat/completions",
        msgspec.json.encode(body),
        {"content-type": "application/json", "accept-encoding": "gzip"},
    )
    answer = connection.getresponse()
    arrived_s: list[float] = []
    while line := answer.readline():
        if line.startswith(b"data: {"):
            arrived_s.append(time.monotonic())
    connection.close()

    record = record_of(gateway, answer.headers["x-pointsman-request-id"])
    gaps_s = [later - earlier for earlier, later in pairwise(arrived_s)]
    assert len(gaps_s) == 2
    assert min(gaps_s) > CHUNK_PAUSE_S / 2
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["content-encoding"] is None
    attempt = record.attempts[0]
    assert record.duration_ns is not None
    assert attempt.first_token_ns is not None
    assert attempt.end_ns is not None
    assert attempt.first_token_ns + 2 * CHUNK_PAUSE_S * 1e9 < attempt.end_ns <= record.duration_ns
    # No usage came, so it is estimated and says so.
    assert record.usage is not None
    assert record.usage.estimated


def test_the_whole_text_is_kept_where_asked_and_the_system_prompt_by_hash(
    gateway: RunningGateway,
):
    """OBS-06, OBS-08, OBS-10: exact request and answer; the same system text, the same hash."""
    system = {"role": "system", "content": "Be brief."}
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {}}}]
    messages = [system, {"role": "user", "content": "Hello ω"}]

    first, answer = ask(gateway, messages=messages, tools=tools, metadata={"prompt_version": "v7"})
    second, _ = ask(gateway, messages=[system, {"role": "user", "content": "Other"}])

    parts = {
        part.kind: part.body
        for part in JournalReader(gateway.data_dir / "journal").content(first.request_id)
    }
    kept = msgspec.json.decode(parts["request"])
    assert kept["messages"] == messages
    assert kept["tools"] == tools
    assert (
        msgspec.json.decode(parts["response"])["choices"] == msgspec.json.decode(answer)["choices"]
    )
    assert first.content is not None
    assert second.content is not None
    assert first.content.tools == ["look_up"]
    assert first.content.prompt_version == "v7"
    assert first.content.system_hash == second.content.system_hash
    assert first.content.prompt_hash != second.content.prompt_hash


def test_the_gateways_own_time_is_measured_and_reported(gateway: RunningGateway):
    """GB-18: a histogram of the time that no provider had; far below 50 ms here."""
    ask(gateway)
    lines = get(f"{gateway.url}/metrics")[2].decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    values = {name: float(value) for name, _, value in pairs}

    count = values["pointsman_overhead_seconds_count"]
    assert count > 0
    assert values['pointsman_overhead_seconds_bucket{le="0.05"}'] >= 0.9 * count


def test_the_flat_records_tell_who_decided(gateway: RunningGateway, tmp_path: Path):
    """GW-18, CP-18, MM-17: an alias was asked for, a rule chose, another model served."""
    record, _ = ask(gateway)

    told = run_command(
        "why", record.request_id, "--json", "--flat", "--data-dir", gateway.data_dir, cwd=tmp_path
    )

    route = msgspec.json.decode(told.stdout.splitlines()[0])
    assert route["route_reason"] == "default_policy"
    assert route["selected_model"] == "gpt-4o"
    assert record.override_source is None
    assert record.requested_vs_served != "none"
