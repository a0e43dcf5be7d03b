"""Tenants, plans and keys changed while a real instance runs, and what its callers then get."""

import os
import signal
import threading
from pathlib import Path

import msgspec

from pointsman.journal.reader import JournalReader
from running_instance import RunningInstance, running_instance, until

from running_gateway import free_port, get, post, run_command, running_gateway

CONFIG = """
providers: {mock: {kind: mock, default: true}}
targets:
  small: {provider: mock, model: gpt-4o-mini}
  large: {provider: mock, model: gpt-4o}
routes:
  auto: {targets: [small]}
  premium: {targets: [large]}
keys: {ops: {key: "pm-test-key-0123456789", scopes: [call, explain], may_set_tenant: true}}
policy:
  plans: {gold: {aliases: {auto: premium}, models: [auto, premium], time_zone: Europe/Berlin}}
"""
OPS = "pm-test-key-0123456789"
PLAN = "aliases: {auto: premium}\nlimits: {calls: {scope: tenant, requests_per_day: 3}}\n"


def cli(instance, *words: str) -> str:
    """Run a command against the instance; it must succeed."""
    done = run_command(*words, "--data-dir", instance.data_dir)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask(instance, key: str, model: str = "auto", tenant: str | None = None, **more):
    """Ask for a completion; return status, target and the decoded body."""
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}
    headers = {"authorization": f"Bearer {key}"}
    if tenant is not None:
        headers["x-pointsman-tenant"] = tenant
    status, found, answer = post(
        f"{instance.url}/v1/chat/completions", msgspec.json.encode(body), headers
    )
    return status, found.get("x-pointsman-target"), msgspec.json.decode(answer)


def models(instance, key: str) -> list[str]:
    """Return the names that a key is shown."""
    _, _, body = get(f"{instance.url}/v1/models", {"authorization": f"Bearer {key}"})
    return [one["id"] for one in msgspec.json.decode(body)["data"]]


def newest(instance):
    """Return the record of the last request."""
    (record,) = JournalReader(instance.data_dir / "journal").newest(1)
    return record


def within_a_second(holds, what: str) -> None:
    """Wait until something holds, for a second at most."""
    until(holds, what, timeout_s=1.0)


def test_a_tenant_gets_another_plan_while_its_application_calls(tmp_path: Path):
    """CP-17: what `auto` means and which limits hold change within a second, without a restart."""
    with running_instance(tmp_path, config=CONFIG) as instance:
        instance.wait_all_up()
        key = cli(instance, "keys", "issue", "app", "--tenant", "acme").strip()
        until(lambda: ask(instance, key)[0] == 200, "the key is known")
        assert ask(instance, key)[1] == "small"

        file = tmp_path / "trial.yaml"
        file.write_text(PLAN)
        cli(instance, "plans", "put", "trial", str(file))
        cli(instance, "tenants", "update", "acme", "--plan", "trial")
        within_a_second(lambda: ask(instance, key)[1] == "large", "the plan is in force")

        record = newest(instance)
        assert (record.tenant, record.plan, record.plan_source) == ("acme", "trial", "tenant")
        assert (record.route, record.requested_model) == ("premium", "auto")
        assert record.alias.rule.id == "state.plans.trial.aliases.auto"
        assert record.limits[0].rule == "state.plans.trial.limits.calls"
        story = cli(instance, "why", record.request_id)
        assert "auto means premium for the plan trial" in story

        until(lambda: ask(instance, key)[0] == 429, "the plan's quota is spent")
        cli(instance, "tenants", "disable", "acme")
        within_a_second(lambda: ask(instance, key)[0] == 403, "the tenant is disabled")
        assert ask(instance, key)[2]["error"]["code"] == "tenant_disabled"


def test_a_revoked_key_is_refused_within_a_second_under_load(tmp_path: Path):
    """PO-03: on every worker, while requests come in."""
    with running_instance(tmp_path, config=CONFIG) as instance:
        instance.wait_all_up()
        key = cli(instance, "keys", "issue", "app").strip()
        until(lambda: ask(instance, key)[0] == 200, "the key is known")
        is_done = threading.Event()
        load = threading.Thread(target=_ask_until, args=(instance, key, is_done))
        load.start()
        try:
            cli(instance, "keys", "revoke", "app")
            within_a_second(lambda: ask(instance, key)[0] == 401, "the key is refused")
        finally:
            is_done.set()
            load.join()
        assert "was revoked" in ask(instance, key)[2]["error"]["message"]


def test_the_terms_hold_while_the_collector_is_dead_and_after_a_restart(tmp_path: Path):
    """Design 2: a gateway answers by the snapshot that it has, and starts with it."""
    with running_instance(tmp_path, config=CONFIG) as instance:
        instance.wait_all_up()
        words = ("--alias", "auto=premium", "--model", "auto")
        cli(instance, "tenants", "create", "acme", *words)
        key = cli(instance, "keys", "issue", "app", "--tenant", "acme").strip()
        until(lambda: ask(instance, key)[1] == "large", "the tenant's terms are in force")
        _kill_collector(instance)
        assert ask(instance, key)[1] == "large"

    nobody = ("--collector", f"http://127.0.0.1:{free_port()}")
    with running_gateway(tmp_path, config=CONFIG, options=nobody) as gateway:
        assert ask(gateway, key)[1] == "large"
        status, _, answer = ask(gateway, key, model="gpt-4o")
        assert (status, answer["error"]["code"]) == (403, "model_not_allowed")
        assert answer["error"]["message"].endswith("allowed: `auto`")
        assert models(gateway, key) == ["auto"]


def test_a_key_sees_and_may_use_what_it_is_scoped_to(tmp_path: Path):
    """PO-03: models, routes and dialects; outside of them 403 with what is allowed."""
    with running_instance(tmp_path, config=CONFIG) as instance:
        instance.wait_all_up()
        routed = cli(instance, "keys", "issue", "routed", "--route", "prem*").strip()
        aliased = cli(instance, "keys", "issue", "aliased", "--alias", "fast=premium").strip()
        words = ("--dialect", "anthropic.*")
        foreign = cli(instance, "keys", "issue", "foreign", *words).strip()
        until(lambda: ask(instance, foreign)[0] == 403, "the keys are known")

        assert models(instance, routed) == ["premium"]
        assert "fast" in models(instance, aliased)
        assert "fast" not in models(instance, OPS)
        assert ask(instance, routed, "premium")[:2] == (200, "large")
        status, _, answer = ask(instance, routed, "auto")
        assert (status, answer["error"]["code"]) == (403, "model_not_allowed")
        assert "what leads to the routes `prem*`" in answer["error"]["message"]
        assert ask(instance, aliased, "fast")[:2] == (200, "large")
        assert newest(instance).reason == "primary_provider_ok"
        assert ask(instance, foreign)[2]["error"]["code"] == "dialect_not_allowed"


def test_a_plan_of_the_file_holds_for_tenants_that_callers_name(tmp_path: Path):
    """GW-26: a key that may name the tenant gets that tenant's terms, another key does not."""
    tenants = "  tenants: {acme: {plan: gold}}\n"
    with running_gateway(tmp_path, config=CONFIG + tenants) as gateway:
        assert ask(gateway, OPS)[1] == "small"
        assert ask(gateway, OPS, tenant="acme")[1] == "large"
        assert ask(gateway, OPS, tenant_id="acme")[1] == "large"
        record = newest(gateway)
        assert (record.alias.rule.file, record.alias.rule.line) == (
            str(tmp_path / "pointsman.yaml"),
            CONFIG.splitlines().index("policy:") + 2,
        )
        status, _, answer = ask(gateway, OPS, model="gpt-4o", tenant="acme")
        assert status == 403
        assert "the plan `gold` may not ask for the model `gpt-4o`" in answer["error"]["message"]


def _kill_collector(instance: RunningInstance) -> None:
    os.kill(instance.roles()["collector"], signal.SIGKILL)


def _ask_until(instance, key: str, is_done: threading.Event) -> None:
    while not is_done.wait(0.002):
        ask(instance, key)
