"""An application with off-the-shelf instrumentation calls through the gateway: one tree."""

import httpx
import openai
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from opentelemetry.propagate import inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from running_collector import running_collector

from running_gateway import post, run_command, running_gateway


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A collector and a gateway on one data folder."""
    folder = tmp_path_factory.mktemp("instance")
    with (
        running_collector(folder) as collector,
        running_gateway(folder, options=("--collector", collector.url)) as gateway,
    ):
        yield collector, gateway


@pytest.fixture
def tracing(both):
    """The SDK's tracer provider, exporting to the collector."""
    collector, _ = both
    exporter = OTLPSpanExporter(
        endpoint=f"{collector.url}/v1/traces", headers=collector.bearer("ingest")
    )
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    instrumentor = OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    yield provider
    instrumentor.uninstrument()
    provider.shutdown()


def ask(gateway, **options):
    """Call as an application does whose HTTP client passes the trace on."""

    def pass_on(request: httpx.Request) -> None:
        headers: dict[str, str] = {}
        inject(headers)
        request.headers.update(headers)

    with (
        httpx.Client(event_hooks={"request": [pass_on]}) as http,
        openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", http_client=http) as client,
    ):
        return client.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": "Where is my order?"}], **options
        )


def test_application_and_gateway_form_one_tree(both, tracing):
    """Root of the application, its model call, and the gateway's spans below it."""
    collector, gateway = both
    with tracing.get_tracer("shop").start_as_current_span("answer a customer") as root:
        answer = ask(gateway)
        trace_id = f"{root.get_span_context().trace_id:032x}"
    tracing.force_flush()
    assert answer.choices[0].message.content

    def is_whole(trace: dict) -> bool:
        names = {span["name"] for span in trace["spans"]}
        return {"answer a customer", "gateway_request"} <= names

    trace = collector.read_when(f"/api/v1/traces/{trace_id}", is_whole)

    spans = {span["span_id"]: span for span in trace["spans"]}
    roots = [each for each in spans.values() if each["parent_span_id"] not in spans]
    assert [each["name"] for each in roots] == ["answer a customer"]
    (gate,) = [each for each in spans.values() if each["name"] == "gateway_request"]
    caller = spans[gate["parent_span_id"]]
    assert caller["name"] == "chat auto"
    assert caller["attributes"]["gen_ai.operation.name"] == "chat"
    assert caller["parent_span_id"] == roots[0]["span_id"]
    inference = [span for span in spans.values() if span["parent_span_id"] == gate["span_id"]]
    assert any(span["attributes"].get("gen_ai.request.model") for span in inference)
    assert len(trace["requests"]) == 1

    shown = run_command("traces", trace_id, "--data-dir", collector.data_dir)
    assert shown.returncode == 0, shown.stderr
    assert "answer a customer" in shown.stdout.splitlines()[1]
    assert "gateway_request" in shown.stdout


def test_a_request_is_visible_within_a_second(both):
    """From the answer to the read API."""
    collector, gateway = both
    body = b'{"model":"auto","messages":[{"role":"user","content":"quick"}]}'

    _, headers, _ = post(f"{gateway.url}/v1/chat/completions", body)

    path = f"/api/v1/requests/{headers['x-pointsman-request-id']}"
    record = collector.read_when(path, lambda answer: True, timeout_s=1.0)["record"]
    assert record["outcome"] == "success"


def test_commands_ask_the_collector(both, tmp_path):
    """With its address, on another data folder that has but the token."""
    collector, gateway = both
    body = b'{"model":"auto","messages":[{"role":"user","content":"why?"}]}'
    _, headers, _ = post(f"{gateway.url}/v1/chat/completions", body)
    request_id = headers["x-pointsman-request-id"]
    collector.read_when(f"/api/v1/requests/{request_id}", lambda answer: True)
    (tmp_path / "admin.token").write_text((collector.data_dir / "admin.token").read_text())
    where = ("--collector", collector.url, "--data-dir", tmp_path)

    why = run_command("why", request_id, *where)
    tail = run_command("tail", "--no-follow", "--limit", "1", *where)
    traces = run_command("traces", *where)

    assert (why.returncode, tail.returncode, traces.returncode) == (0, 0, 0), why.stderr
    assert request_id in why.stdout
    assert request_id in tail.stdout
    assert headers["x-pointsman-trace-id"].removeprefix("trc_") in traces.stdout


def test_a_revoked_key_is_refused_by_the_gateway(tmp_path_factory):
    """Issued and revoked on the command line, in force within a second."""
    folder = tmp_path_factory.mktemp("second")
    body = b'{"model":"auto","messages":[{"role":"user","content":"hello"}]}'
    with (
        running_collector(folder) as own,
        running_gateway(folder, options=("--collector", own.url)) as gateway,
    ):
        issued = run_command("keys", "issue", "ci", "--data-dir", own.data_dir)
        assert issued.returncode == 0, issued.stderr
        headers = {"authorization": f"Bearer {issued.stdout.strip().splitlines()[-1]}"}

        def becomes(status: int) -> None:
            import time

            deadline = time.monotonic() + 1.0
            url = f"{gateway.url}/v1/chat/completions"
            while post(url, body, headers)[0] != status:
                assert time.monotonic() < deadline
                time.sleep(0.02)

        becomes(200)
        assert post(f"{gateway.url}/v1/chat/completions", body)[0] == 401
        assert run_command("keys", "revoke", "ci", "--data-dir", own.data_dir).returncode == 0
        becomes(401)
