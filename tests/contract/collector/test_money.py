"""Costs, usage, pricing anew, alerts and metrics over HTTP: who sees what, exactly."""

import asyncio

import msgspec
import pytest

from pointsman.core.clock import SystemClock
from pointsman.core.records import Attempt, Cost
from pointsman.core.usage import Usage
from pointsman.wire.record_batch import RECORDS_PATH
from record_batches import batch_body
from serving_collector import serving_collector
from stored_records import at, make_record

KEYS = """
keys:
  acme-web: {key: acme-key-0123456789, tenant: acme, scopes: [call]}
  globex-web: {key: globex-key-0123456789, tenant: globex, scopes: [call]}
  nobody: {key: nobody-key-0123456789, scopes: [call, explain]}
  watcher: {key: watcher-key-0123456789, tenant: acme, scopes: [explain]}
"""
SPAN = f"from={at(0)}&to={at(90 * 86_400)}"
DAY = 86_400


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}-key-0123456789"}


async def fill(collector, *records) -> None:
    body = batch_body(*records)
    status, _, text = await collector.ask("POST", RECORDS_PATH, token="ingest", data=body)
    assert status == 200, text


def record(number, nano_usd=1_000_000_001, **changes):
    """Return a request that cost a little more than a dollar."""
    return make_record(number, cost=Cost(nano_usd), **changes)


@pytest.fixture
async def keyed(tmp_path):
    """A collector with the usage of two tenants, of a key of nobody, and a probe."""
    async with serving_collector(tmp_path, KEYS) as serving:
        await fill(
            serving,
            record(1, customer="c1", key="acme-web"),
            record(DAY, customer="c2", key="acme-web"),
            record(DAY + 1, 500, customer="c2", key="acme-web"),
            record(2 * DAY, customer=None, key="acme-web"),
            record(3, 7, tenant="globex", customer="secret-customer", key="globex-web"),
            record(4, 11, tenant=None, key="nobody"),
            record(5, 13, operation="probe", key=None),
        )
        yield serving


async def asked(collector, path, key) -> dict:
    status, _, body = await collector.ask("GET", path, headers=bearer(key))
    assert status == 200, body
    return msgspec.json.decode(body)


async def test_costs_are_answered_by_any_column(keyed):
    """One question each, in exact integers, own calls apart."""
    found = await keyed.read(f"/api/v1/costs?group_by=tenant&{SPAN}")
    drilled = await keyed.read(f"/api/v1/costs?group_by=customer,day&tenant=acme&own=false&{SPAN}")

    assert [
        (row["group"]["tenant"], row["own"], row["total_nano_usd"]) for row in found["rows"]
    ] == [
        ("acme", False, 3_000_000_503),
        ("acme", True, 13),
        (None, False, 11),
        ("globex", False, 7),
    ]
    assert found["total_nano_usd"] == 3_000_000_534
    assert len(drilled["rows"]) == 3
    assert drilled["totals"]["calls"] == 4


@pytest.mark.parametrize(
    "query", ["group_by=color", "colour=red", "from=soon", "own=maybe", "from=5&to=5", "limit=0"]
)
async def test_questions_that_cannot_be_read_are_refused(keyed, query):
    """A filter that was misspelt and ignored would show everything."""
    status, _, _ = await keyed.ask("GET", f"/api/v1/costs?{query}", token="admin")

    assert status == 400


async def test_a_reader_s_key_sees_the_costs_of_its_tenant(keyed):
    """And none of another; a key that may only call sees none."""
    found = await asked(keyed, f"/api/v1/costs?group_by=tenant&{SPAN}", "watcher")
    status, _, _ = await keyed.ask("GET", "/api/v1/costs", headers=bearer("acme"))

    assert {row["group"]["tenant"] for row in found["rows"]} == {"acme"}
    assert status == 403


async def test_a_tenant_sees_its_usage_by_day(keyed):
    """Exact money as integer and as text; the gateway's own calls are nobody's usage (TR-25)."""
    found = await asked(keyed, f"/v1/usage?{SPAN}", "acme")

    assert found["tenant"] == "acme"
    assert [day["request_count"] for day in found["days"]] == [1, 2, 1]
    assert found["days"][1] == {
        "day": found["days"][1]["day"],
        "request_count": 2,
        "input_tokens": 24,
        "output_tokens": 68,
        "total_tokens": 92,
        "total_cost_usd": "1.000000501",
        "total_cost_nano_usd": 1_000_000_501,
        "unknown_cost_requests": 0,
    }


async def test_usage_is_read_page_by_page(keyed):
    """Each day once."""
    seen, cursor = [], ""
    while cursor is not None:
        page = await asked(keyed, f"/v1/usage?{SPAN}&limit=1&cursor={cursor}", "acme")
        seen += [day["day"] for day in page["days"]]
        cursor = page["next_cursor"]

    assert len(seen) == 3
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    "path",
    ["/v1/usage", "/v1/usage?tenant=acme", "/v1/usage/customers", "/v1/usage/customers?tenant=acme",
     "/v1/usage/customers/c2", "/v1/usage/customers/c2?tenant=acme"],
)  # fmt: skip
async def test_no_tenant_sees_the_usage_of_another(keyed, path):
    """Whatever it asks for: it is given its own, or nothing."""
    joiner = "&" if "?" in path else "?"
    globex = await asked(keyed, f"{path}{joiner}{SPAN}", "globex")
    acme = await asked(keyed, f"{path}{joiner}{SPAN}", "acme")

    assert globex["tenant"] == "globex"
    told = msgspec.json.encode(globex)
    assert b'"c1"' not in told
    assert b"1000000" not in told
    assert (
        sum(each["request_count"] for each in globex.get("days") or globex.get("items") or ()) <= 1
    )
    assert b"secret-customer" not in msgspec.json.encode(acme)


async def test_customers_are_told_the_dearest_first(keyed):
    """Requests that named none stand under null; one customer is told by day."""
    found = await asked(keyed, f"/v1/usage/customers?{SPAN}", "acme")
    one = await asked(keyed, f"/v1/usage/customers/c2?{SPAN}", "acme")

    assert [item["customer_id"] for item in found["items"]] == ["c2", "c1", None]
    assert found["items"][0]["total_cost_nano_usd"] == 1_000_000_501
    assert (one["customer_id"], len(one["days"])) == ("c2", 1)


async def test_a_key_of_no_tenant_sees_what_came_with_itself(keyed):
    """Having no tenant is no way to see everybody's."""
    found = await asked(keyed, f"/v1/usage?{SPAN}", "nobody")

    assert [day["total_cost_nano_usd"] for day in found["days"]] == [11]


async def test_the_operator_sees_all_or_the_tenant_that_is_named(keyed):
    """With the admin token."""
    everything = await keyed.read(f"/v1/usage?{SPAN}")
    globex = await keyed.read(f"/v1/usage?{SPAN}&tenant=globex")

    assert sum(day["request_count"] for day in everything["days"]) == 6
    assert [day["total_cost_nano_usd"] for day in globex["days"]] == [7]


@pytest.mark.parametrize(
    "path", ["/v1/usage", "/v1/usage/customers", "/api/v1/costs", "/api/v1/alerts", "/metrics"]
)
async def test_money_is_shown_to_nobody_without_a_key(keyed, path):
    """Nor to a key that is not known."""
    for headers in ({}, {"authorization": "Bearer stranger-key-0123456789"}):
        status, _, _ = await keyed.ask("GET", path, headers=headers)

        assert status == 401


@pytest.mark.parametrize("query", ["from=soon", "cursor=later", "limit=400", "from=5&to=4"])
async def test_usage_that_cannot_be_read_is_refused(keyed, query):
    """With 400."""
    status, _, _ = await keyed.ask("GET", f"/v1/usage?{query}", headers=bearer("acme"))

    assert status == 400


def own_price(number, model="in-house"):
    """Return a request of a million tokens each way, whose price nobody knew."""
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000)
    attempt = Attempt("local", "mock", model, end_ns=9, usage=usage, cost=Cost())
    return make_record(number, attempts=[attempt], usage=usage, cost=Cost())


PRICES = """
prices:
  models:
    in-house:
      input_usd_per_mtok: 2
      output_usd_per_mtok: 3
      valid_from: 2026-01-02
      earlier: [{input_usd_per_mtok: 1, output_usd_per_mtok: 1, valid_from: 2020-01-01}]
"""


async def order(collector, **changes) -> dict:
    """Order a pricing and wait until it is done."""
    asked_for = {"from_unix_ns": 0, "to_unix_ns": SystemClock().unix_ns()} | changes
    status, _, body = await collector.ask(
        "POST", "/internal/v1/recosts", token="admin", data=msgspec.json.encode(asked_for)
    )
    assert status == 202, body
    for _ in range(500):
        state = await collector.read("/internal/v1/recosts/last")
        if state["state"] != "running":
            return state
        await asyncio.sleep(0.01)
    raise AssertionError(state)


async def test_history_is_priced_once_more_on_request(tmp_path):
    """With the price of the day of the call, or with that of now; the old stays told (AP-19)."""
    async with serving_collector(tmp_path, PRICES) as collector:
        await fill(collector, own_price(1))
        is_old = at(1) < 1_767_312_000_000_000_000

        trial = await order(collector, dry_run=True)
        done = await order(collector)
        now = await order(collector, at_current_prices=True)
        costs = await collector.read(f"/api/v1/costs?{SPAN}")
        runs = (await collector.read("/api/v1/recosts"))["runs"]

        then_usd = 2 if is_old else 5
        assert trial["report"]["after_nano_usd"] == then_usd * 10**9
        assert (trial["report"]["revision"], done["report"]["revision"]) == (0, 1)
        assert done["report"]["became_known"] == 1
        assert now["report"]["after_nano_usd"] == 5 * 10**9
        assert costs["total_nano_usd"] == 5 * 10**9
        assert runs[-1]["actor"] == "cli"
        assert runs[-1]["report"]["price_book"].startswith("config ")


async def test_a_pricing_needs_the_admin_token_and_a_span(keyed):
    """A key cannot change what others are told that they spent."""
    body = b'{"from_unix_ns": 1, "to_unix_ns": 2}'
    for headers, sent, wanted in (
        (bearer("watcher"), body, 401),
        (keyed.token("admin"), b"[]", 400),
        (keyed.token("admin"), b'{"from_unix_ns": 2, "to_unix_ns": 2}', 400),
    ):
        status, _, _ = await keyed.ask("POST", "/internal/v1/recosts", headers=headers, data=sent)

        assert status == wanted


ALERTS = "alerts: {every: 1s, fallback_rate: {min_calls: 3}}\n"


async def test_an_alert_is_raised_from_what_is_stored(tmp_path):
    """In the API and in the metrics, with the way to the requests behind it (FO-09)."""
    clock = SystemClock()
    async with serving_collector(tmp_path, ALERTS) as collector:
        recent = (clock.unix_ns() - 60 * 10**9 - at(0)) // 10**9
        left = Attempt("small", "openai", "gpt-4o-mini", end_ns=5, failure_class="timeout")
        taken = Attempt("sonnet", "anthropic", "claude", kind="failover", end_ns=9)
        fell_back = {"attempts": [left, taken], "reason": "provider_failover"}
        await fill(collector, *(make_record(recent + n, **fell_back) for n in range(5)))

        changes = await collector.collector.desk.alerts.look()
        again = await collector.collector.desk.alerts.look()
        told = await collector.read("/api/v1/alerts?open=true")
        query = "&".join(f"{k}={v}" for k, v in told["alerts"][0]["finding"]["requests"].items())
        behind = await collector.read(f"/api/v1/requests?{query}")
        _, _, text = await collector.ask("GET", "/metrics", token="admin")

        assert len(changes.opened) + len(changes.seen) == 2
        assert again.opened == ()
        assert {each["finding"]["subject"] for each in told["alerts"]} == {
            "route:auto",
            "target:small",
        }
        assert told["open_count"] == 2
        assert len(behind["requests"]) == 5
        assert b'pointsman_alerts_open{kind="fallback_rate"} 2.0' in text
        assert b"pointsman_collector_records_total 5.0" in text


async def test_a_tenant_s_key_sees_no_alert_of_the_operator(keyed):
    """Routes and targets are the operator's business."""
    found = await asked(keyed, "/api/v1/alerts", "watcher")

    assert found == {"alerts": [], "open_count": 0}


async def test_the_description_names_the_questions_about_money(collector):
    """OpenAPI, as for the rest of the read API."""
    paths = (await collector.read("/api/openapi.json"))["paths"]

    for path in ("/api/v1/costs", "/api/v1/alerts", "/api/v1/recosts", "/v1/usage",
                 "/v1/usage/customers", "/v1/usage/customers/{customer_id}"):  # fmt: skip
        assert path in paths
    named = {each["name"] for each in paths["/api/v1/costs"]["get"]["parameters"]}
    assert {"group_by", "from", "to", "own", "customer", "limit"} <= named
