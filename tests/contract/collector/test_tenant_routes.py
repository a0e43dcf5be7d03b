"""The admin API of tenants, plans and the audit: by token, checked, with its trace."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from configuration_text import MOCK, loaded
from serving_collector import serving_collector

TERMS = """
targets: {small: {provider: mock, model: gpt-4o-mini}}
routes: {cheap: {targets: [small]}}
policy:
  plans: {file-plan: {daily_usd: 1}}
  tenants: {filed: {plan: file-plan}}
"""


@pytest.fixture
async def collector(tmp_path: Path):
    async with serving_collector(tmp_path, TERMS) as serving:
        yield serving


async def ask(collector, method: str, path: str, body: object = None, actor: str = "ann"):
    """Ask the admin API; return the status and the decoded body."""
    data = None if body is None else msgspec.json.encode(body)
    headers = {"content-type": "application/json", "x-pointsman-actor": actor}
    status, _, answer = await collector.ask(method, path, token="admin", data=data, headers=headers)
    return status, msgspec.json.decode(answer) if answer else None


async def test_a_tenant_is_made_changed_and_shown(collector):
    """CP-17: at run time, without a restart; who did it is in the audit."""
    made = {"id": "acme corp/eu", "plan": "free", "terms": {"aliases": {"auto": "cheap"}}}
    status, tenant = await ask(collector, "POST", "/internal/v1/tenants", made)
    assert (status, tenant["id"], tenant["plan"]) == (201, "acme corp/eu", "free")
    assert tenant["warnings"] == [
        "no plan is called `free`: it is a label for conditions, without terms"
    ]

    assert (await ask(collector, "PUT", "/internal/v1/plans/free", {"daily_usd": "2"}))[0] == 200
    place = "/internal/v1/tenant?id=acme%20corp%2Feu"
    status, tenant = await ask(collector, "PATCH", place, {"disabled": True}, actor="bob")
    assert (status, tenant["warnings"]) == (200, [])
    assert tenant["disabled_unix_ns"] is not None

    _, page = await ask(collector, "GET", "/internal/v1/audit?limit=2")
    assert [(one["actor"], one["action"]) for one in page["entries"]] == [
        ("cli:bob", "tenant.disabled"),
        ("cli:ann", "plan.created"),
    ]
    _, rest = await ask(collector, "GET", f"/internal/v1/audit?before={page['next_before']}")
    assert "tenant.created" in [one["action"] for one in rest["entries"]]
    _, plans = await ask(collector, "GET", "/internal/v1/plans")
    assert [(one["name"], one["tenants"]) for one in plans["plans"]] == [("free", 1)]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "tenants", {"id": "a", "terms": {"aliases": {"auto": "cheep"}}}, 400, "`cheap`"),
        ("POST", "tenants", {"id": "a", "terms": {"time_zone": "Mars"}}, 400, "time zone"),
        ("POST", "tenants", {"id": "a", "plann": "x"}, 400, "plann"),
        ("PUT", "plans/x", {"limits": {"l": {}}}, 400, "needs a number"),
        ("PUT", "plans/x", {"budgets": {"b": {"usd": "lots"}}}, 400, "US dollars"),
        ("PUT", "plans/a b", {}, 400, "plan's name"),
        ("PUT", "plans/file-plan", {}, 409, "configuration file"),
        ("GET", "tenant?id=nobody", None, 404, "no tenant"),
        ("PATCH", "tenant?id=nobody", {}, 404, "no tenant"),
        ("DELETE", "plans/nothing", None, 404, "no plan"),
        ("GET", "audit?limit=501", None, 400, ""),
    ],
)
async def test_what_cannot_work_is_refused_with_the_reason(
    collector, method, path, body, status, words
):
    """Before any gateway hears of it."""
    found, answer = await ask(collector, method, f"/internal/v1/{path}", body)

    assert found == status
    assert words in answer["error"]["message"]


@pytest.mark.parametrize("path", ["tenants", "tenant?id=a", "plans", "plans/a", "audit"])
@pytest.mark.parametrize("token", [None, "ingest"])
async def test_only_the_admin_token_opens_it(collector, path, token):
    """A gateway's token is none."""
    status, _, _ = await collector.ask("GET", f"/internal/v1/{path}", token=token)

    assert status == 401


async def test_a_tenant_that_the_file_speaks_of_is_told(collector):
    """What the file says goes before."""
    body = {"id": "filed", "plan": "other"}
    _, tenant = await ask(collector, "POST", "/internal/v1/tenants", body)

    assert "the configuration file says `plan` of this tenant" in tenant["warnings"][-1]


async def test_several_workers_without_redis_are_given_no_limits(tmp_path: Path):
    """Design 2: each would count on its own; names and aliases count nothing."""
    async with serving_collector(tmp_path, TERMS.partition("policy:")[0]) as serving:
        several = TERMS.partition("policy:")[0] + "server: {workers: 3}\n"
        serving.collector.prepare(loaded(MOCK + several))()
        counting = {"id": "a", "terms": {"daily_usd": "5"}}
        refused, answer = await ask(serving, "POST", "/internal/v1/tenants", counting)
        naming = {"id": "a", "terms": {"aliases": {"auto": "cheap"}}}
        made, _ = await ask(serving, "POST", "/internal/v1/tenants", naming)

    assert (refused, made) == (400, 201)
    assert "set shared.url to a Redis server" in answer["error"]["message"]


async def test_a_made_up_name_of_who_asks_is_not_written_down(collector):
    """One line, visible characters."""
    await ask(collector, "POST", "/internal/v1/tenants", {"id": "a"}, actor="a b")

    _, page = await ask(collector, "GET", "/internal/v1/audit?action=tenant.")
    assert page["entries"][0]["actor"] == "cli"


async def test_a_reload_tells_what_it_changed_and_hides_secrets(tmp_path: Path):
    """PO-05: keys, routes, policies and prices of the file are changes too."""
    before = TERMS + 'keys: {ci: {key: "planted-gateway-secret"}}\n'
    after = (
        before.replace("daily_usd: 1", "daily_usd: 3")
        .replace("targets: [small]", "targets: [small], reason: load_balance")
        .replace("planted-gateway-secret", "planted-rotated-secret")
        .replace("mock, model: gpt-4o-mini", "mock, model: gpt-4o")
    )
    after += 'prices: {models: {m: {input_usd_per_mtok: "1", output_usd_per_mtok: "2"}}}\n'
    async with serving_collector(tmp_path, before) as serving:
        await _in_force(serving, loaded(MOCK + before).version)
        serving.collector.prepare(loaded(MOCK + after))()
        await _in_force(serving, loaded(MOCK + after).version)
        _, page = await ask(serving, "GET", "/internal/v1/audit")

    told = {one["subject"]: one for one in page["entries"]}
    actions = {subject: one["action"] for subject, one in told.items()}
    assert actions["policy.plans.file-plan"] == "plan.changed"
    assert actions["routes.cheap"] == "route.changed"
    assert actions["targets.small"] == "target.changed"
    assert actions["keys.ci"] == "key.changed"
    assert actions["prices.models.m"] == "price.added"
    changed = told["policy.plans.file-plan"]
    assert changed["details"]["changes"] == {"daily_usd": {"from": 1, "to": 3}}
    assert changed["actor"] == "reload"
    assert told["keys.ci"]["details"]["hash"]["from"] != told["keys.ci"]["details"]["hash"]["to"]
    assert "planted" not in str(page)


async def test_the_same_configuration_again_is_no_change(tmp_path: Path):
    """A restart is not a change; going back to an older configuration is one."""
    other = TERMS + "server: {tenant: acme}\n"
    for config in (TERMS, TERMS, other, TERMS):
        async with serving_collector(tmp_path, config) as serving:
            await _in_force(serving, loaded(MOCK + config).version)
            _, page = await ask(serving, "GET", "/internal/v1/audit?action=config.in_force")

    subjects = [one["subject"] for one in page["entries"]]
    first, second = loaded(MOCK + TERMS).version, loaded(MOCK + other).version
    assert subjects == [first, second, first]


async def _in_force(serving, version: str) -> None:
    async with asyncio.timeout(10):
        while True:
            _, page = await ask(serving, "GET", "/internal/v1/audit?action=config.in_force&limit=1")
            if page["entries"] and page["entries"][0]["subject"] == version:
                return
            await asyncio.sleep(0.01)
