"""The named policies of `examples/policies/`, each run as it is written and explained (GW-21)."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import openai

from pointsman.core.explain import paragraph, tree
from pointsman.core.records import CallRecord
from pointsman.journal.reader import JournalReader

from running_gateway import RunningGateway, running_gateway

EXAMPLES = Path(__file__).parents[2] / "examples" / "policies"
SUPPORT, RESEARCH = "support-key-0123456789", "research-key-0123456789"
LONG = "A question that deserves thought. " * 150


@contextlib.contextmanager
def policy(
    name: str, folder: Path, upstream: str, environment: Mapping[str, str] | None = None
) -> Iterator[RunningGateway]:
    """Run a named policy against a scripted provider in the place of the real ones."""
    variables = {
        "OPENAI_API_KEY": "planted-upstream-credential",
        "OPENAI_BASE_URL": upstream,
        "HOUSE_BASE_URL": upstream,
        "SUPPORT_KEY": SUPPORT,
        "RESEARCH_KEY": RESEARCH,
        **(environment or {}),
    }
    text = (EXAMPLES / f"{name}.yaml").read_text()
    with running_gateway(folder, config=text, environment=variables) as gateway:
        yield gateway


def ask(
    gateway: RunningGateway, text: str, model: str = "auto", key: str = "any", **options: object
) -> CallRecord:
    """Ask through the official client and return the record of the request, refused or not."""
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=2) as client:
        try:
            raw = client.chat.completions.with_raw_response.create(
                model=model, messages=[{"role": "user", "content": text}], **options
            )
            headers = raw.headers
        except openai.APIStatusError as error:
            headers = error.response.headers
    return record_of(gateway, headers["x-pointsman-request-id"])


def record_of(gateway: RunningGateway, request_id: str) -> CallRecord:
    reader = JournalReader(gateway.data_dir / "journal")
    deadline = time.monotonic() + 5
    while (record := reader.find(request_id)) is None:
        assert time.monotonic() < deadline, "the request has no record"
        time.sleep(0.01)
    return record


def test_cheap_first_takes_the_cheapest_and_tells_what_the_dearest_would_cost(
    tmp_path: Path, upstream: str
):
    """GW-21: the order of prices, a bound on failover, and the exception for what deserves it."""
    with policy("cheap-first", tmp_path, upstream) as gateway:
        cheap = ask(gateway, "Say hello")
        worthy = ask(gateway, "Say hello", extra_body={"metadata": {"complexity": "high"}})

    excluded = {one.target: one.excluded_by for one in cheap.candidates if not one.eligible}
    assert (cheap.served_target, cheap.reason) == ("nano", "cheap_first")
    assert (excluded["dearest"].filter, excluded["dearest"].limit) == ("cost", 40)
    assert excluded["dearest"].observed > 40
    assert (worthy.served_target, worthy.reason) == ("strong", "worth_the_price")
    extra = {"cheap_first": "the cheapest target that can do it goes first"}
    told = paragraph(cheap, extra)
    assert "because the cheapest target that can do it goes first" in told
    assert "Excluded was dearest: it costs" in told
    assert "complexity is high, was low" in told


def test_allowlist_refuses_what_is_not_listed_for_the_caller(tmp_path: Path, upstream: str):
    """GW-21: by key, by declaration, by place and by feature; each refusal says against what."""
    chat = {"extra_headers": {"x-pointsman-feature": "chat"}}
    with policy("allowlist", tmp_path, upstream) as gateway:
        listed = ask(gateway, "Hi", key=SUPPORT, **chat)
        not_listed = ask(gateway, "Hi", model="gpt-4o", key=SUPPORT, **chat)
        undeclared = ask(gateway, "Hi", model="gpt-4o-audio", key=RESEARCH, **chat)
        regulated = ask(
            gateway,
            "Hi",
            key=RESEARCH,
            extra_headers={"x-pointsman-feature": "chat", "x-pointsman-workload": "regulated"},
        )
        unknown = ask(gateway, "Hi", key=RESEARCH)

    assert (listed.status, listed.served_target) == (200, "small")
    assert (not_listed.status, not_listed.error.code) == (403, "model_not_allowed")
    assert "the key may not ask for gpt-4o, only for auto, gpt-4o-mini" in paragraph(not_listed)
    assert (undeclared.status, undeclared.error.code) == (404, "model_not_found")
    assert (regulated.served_target, regulated.attempts[0].target) == ("llama", "llama")
    assert "allowed is house" in tree(regulated)
    assert (unknown.status, unknown.error.code) == (400, "guardrail_blocked")
    assert unknown.error.message.startswith("Name a feature that is on the list")
    assert "policy.rules.only-known-features (pointsman.yaml:" in tree(unknown).replace(
        str(tmp_path) + "/", ""
    )


def test_budget_aware_escalation_escalates_until_the_budget_asks_it_not_to(
    tmp_path: Path, upstream: str
):
    """GW-21, CP-06: escalated, moved back, refused; both amounts and both models in the record."""
    small_day = {"DAILY_USD": "0.02"}
    with policy("budget-aware-escalation", tmp_path, upstream, small_day) as gateway:
        easy = ask(gateway, "Say hello", max_tokens=50)
        records = [ask(gateway, LONG, max_tokens=60) for _ in range(8)]

    escalated = records[0]
    moved = next(record for record in records if record.reason == "budget_route")
    assert (easy.served_target, easy.reason) == ("small", "default_fast_path")
    assert (escalated.served_target, escalated.reason) == ("large", "budget_aware_escalation")
    check = next(check for check in moved.limits if check.model_after)
    assert (check.rule, check.scope) == ("policy.budgets.daily", "tenant:acme-enterprise")
    assert (check.model_before, check.model_after) == ("gpt-4o", "gpt-4o-mini")
    assert check.before > 0
    assert check.limit == 20_000_000
    assert moved.served_target == "small"
    assert moved.requested_vs_served == "budget"
    assert "moved the request from gpt-4o to gpt-4o-mini" in paragraph(moved)


def test_every_named_policy_says_what_it_does_in_its_first_line():
    """A reader opens the file and knows."""
    for file in EXAMPLES.glob("*.yaml"):
        assert file.read_text().startswith(f"# {file.stem}: ")
    assert {file.stem for file in EXAMPLES.glob("*.yaml")} == {
        "allowlist",
        "budget-aware-escalation",
        "cheap-first",
    }
