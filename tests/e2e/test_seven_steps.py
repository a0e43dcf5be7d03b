"""The published example as a trace: `tenant_id: acme-enterprise`, model `auto`, seven steps.

    gateway_request > policy_check, route_request, quota_rule, downstream_provider_call,
    fallback_route, response_shaping

Each step is there when it happened and absent when it did not (CP-04), as the read API and as OTLP.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import openai
import pytest

from pointsman.config.data_folder import read_token
from running_instance import RunningInstance, running_instance, until

from running_gateway import get

STEPS = [
    "gateway_request",
    "policy_check",
    "route_request",
    "quota_rule",
    "downstream_provider_call",
    "fallback_route",
    "downstream_provider_call",
    "response_shaping",
]
CONFIG = """
providers:
  openai: {{kind: openai, base_url: "{upstream}", api_key: "planted-upstream-credential"}}
targets:
  large: {{provider: openai, model: gpt-4o}}
  small: {{provider: openai, model: {small}}}
routes:
  auto: {{targets: [large, small], reason: primary_provider_ok}}
resilience: {{retry: {{max_retries: 0}}}}
{rest}
"""
BUDGET = """
policy:
  tenants: {acme-enterprise: {budget_routes: true}}
  budgets: {daily: {scope: tenant, usd: 1, route_to: small, route_percent: 1}}
prices:
  models: {broken: {input_usd_per_mtok: "0.15", output_usd_per_mtok: "0.60"}}
"""


@pytest.fixture(scope="module")
def firing(upstream: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstance]:
    """A budget moves the request to the small model, which fails, and the large one serves."""
    text = CONFIG.format(upstream=upstream, small="broken", rest=BUDGET)
    with running_instance(tmp_path_factory.mktemp("firing"), config=text) as instance:
        instance.wait_all_up()
        yield instance


@pytest.fixture(scope="module")
def quiet(upstream: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstance]:
    """No budget, and nothing fails."""
    text = CONFIG.format(upstream=upstream, small="gpt-4o-mini", rest="")
    with running_instance(tmp_path_factory.mktemp("quiet"), config=text) as instance:
        instance.wait_all_up()
        yield instance


def ask(instance: RunningInstance, **options: object) -> str:
    """Send the published example; return the trace id that the answer names."""
    with openai.OpenAI(base_url=f"{instance.url}/v1", api_key="any") as client:
        completion = client.chat.completions.create(
            model="auto",
            messages=[{"role": "user", "content": "Summarise the incident for the on-call team."}],
            extra_body={"tenant_id": "acme-enterprise"},
            **options,
        )
    return completion.model_extra["pointsman"]["traceId"]


def read(instance: RunningInstance, path: str) -> Any:
    """Ask the collector, once it knows of the trace."""
    headers = {"authorization": f"Bearer {read_token(instance.data_dir, 'admin')}"}
    until(lambda: get(instance.collector_url + path, headers)[0] == 200, path)
    return msgspec.json.decode(get(instance.collector_url + path, headers)[2])


def step(span: dict[str, Any]) -> str:
    return span["attributes"]["pointsman.step"]


def test_all_seven_steps_are_children_of_one_root_when_the_quota_rule_fires(
    firing: RunningInstance,
):
    """CP-04, CP-06, CP-21: in their order, with the model before and after and the rule."""
    trace = ask(firing, max_tokens=2000)

    spans = read(firing, f"/api/v1/traces/{trace}")["spans"]

    root, *children = spans
    quota = next(span for span in children if step(span) == "quota_rule")
    fallback = next(span for span in children if step(span) == "fallback_route")
    assert [step(span) for span in spans] == STEPS
    assert {span["parent_span_id"] for span in children} == {root["span_id"]}
    assert {span["trace_id"] for span in spans} == {trace.removeprefix("trc_")}
    assert root["attributes"]["pointsman.tenant"] == "acme-enterprise"
    assert quota["attributes"]["pointsman.quota.rule"] == "policy.budgets.daily"
    assert quota["attributes"]["pointsman.quota.model_before"] == "gpt-4o"
    assert quota["attributes"]["pointsman.quota.model_after"] == "broken"
    assert fallback["attributes"]["pointsman.fallback.from"] == "small"
    assert fallback["attributes"]["pointsman.fallback.to"] == "large"


def test_steps_that_did_not_happen_are_absent(quiet: RunningInstance):
    """CP-04: no quota rule and no fallback; the others as before."""
    trace = ask(quiet)

    spans = read(quiet, f"/api/v1/traces/{trace}")["spans"]

    absent = {"quota_rule", "fallback_route"}
    assert [step(span) for span in spans] == [
        "gateway_request",
        "policy_check",
        "route_request",
        "downstream_provider_call",
        "response_shaping",
    ]
    assert absent.isdisjoint(step(span) for span in spans)


def test_a_quota_rule_that_looked_and_did_not_fire_says_so(firing: RunningInstance):
    """CP-06: a tenant whose budgets may not move it has the check, and one model."""
    with openai.OpenAI(base_url=f"{firing.url}/v1", api_key="any") as client:
        completion = client.chat.completions.create(
            model="auto",
            messages=[{"role": "user", "content": "Hello"}],
            extra_body={"tenant_id": "somebody-else"},
        )
    trace = completion.model_extra["pointsman"]["traceId"]

    spans = read(firing, f"/api/v1/traces/{trace}")["spans"]

    quota = next(span for span in spans if step(span) == "quota_rule")
    assert quota["attributes"]["pointsman.limits"] == ["tenant:somebody-else spend_nano_usd_day"]
    assert "pointsman.quota.model_after" not in quota["attributes"]


def test_the_same_trace_is_had_as_otlp(firing: RunningInstance):
    """Any tool that reads the standard sees the seven steps: names, kinds, parents, times."""
    trace = ask(firing, max_tokens=2000)

    data = read(firing, f"/v1/traces/{trace}")

    (resource,) = data["resourceSpans"]
    (scope,) = resource["scopeSpans"]
    spans = sorted(scope["spans"], key=lambda span: int(span["startTimeUnixNano"]))
    root = next(span for span in spans if not span.get("parentSpanId"))
    attributes = {
        attribute["key"]: attribute["value"].get("stringValue")
        for span in spans
        for attribute in span["attributes"]
        if attribute["key"] == "pointsman.step"
    }
    assert attributes
    assert {"key": "service.name", "value": {"stringValue": "pointsman"}} in resource["resource"][
        "attributes"
    ]
    assert sorted(steps_of(spans)) == sorted(STEPS)
    assert all(span["parentSpanId"] == root["spanId"] for span in spans if span is not root)
    assert all(int(root["endTimeUnixNano"]) >= int(span["endTimeUnixNano"]) for span in spans)
    assert [span["kind"] for span in spans if step_of(span) == "downstream_provider_call"] == [3, 3]


def steps_of(spans: list[dict[str, Any]]) -> list[str]:
    return [step_of(span) for span in spans]


def step_of(span: dict[str, Any]) -> str:
    return next(
        attribute["value"]["stringValue"]
        for attribute in span["attributes"]
        if attribute["key"] == "pointsman.step"
    )
