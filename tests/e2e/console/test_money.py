"""Costs and alerts as a reader goes through them: from a figure to the requests behind it."""

from urllib.parse import parse_qs, urlsplit

from pointsman.core.records import Attempt, Cost
from sample_records import SCRIPT


def place(page) -> tuple[str, dict[str, str]]:
    """Return path and query of where a page is."""
    parts = urlsplit(page.url)
    return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}


def test_a_figure_leads_to_the_requests_behind_it(seeded, reader):
    """By the model that was called, whatever name it answered under."""
    reader.goto(f"{seeded.console.url}/costs?by=model")
    row = reader.locator(".costs tbody tr").filter(has_text="claude-sonnet-4-6").first
    count = int(row.locator("td").nth(4).inner_text().replace(",", ""))

    row.locator(".row-name").click()
    reader.wait_for_url("**/requests?*")

    assert place(reader) == ("/requests", {"called_model": "claude-sonnet-4-6", "from": "7d"})
    assert reader.locator(".row").count() == min(count, 50)


def test_costs_are_looked_into_from_feature_to_customer(seeded, reader):
    """The arrow keeps what was chosen and groups by the next column (OBS-28)."""
    reader.goto(f"{seeded.console.url}/costs?by=feature&from=30d")

    reader.get_by_label("Look into the costs of support-bot").click()
    reader.wait_for_url("**/costs?*")

    assert place(reader)[1] == {"feature": "support-bot", "by": "customer", "from": "30d"}
    assert reader.locator(".chip").inner_text().strip() == "feature: support-bot"
    assert reader.locator(".costs tbody tr").count() == 1


def test_the_menus_change_the_question_at_once(seeded, reader):
    """Group and span are in the address, so that a view can be kept and shared."""
    reader.goto(f"{seeded.console.url}/costs")

    reader.locator("select[name=by]").select_option("tenant")
    reader.wait_for_url("**by=tenant**")

    assert place(reader)[1]["from"] == "7d"
    assert reader.locator("h2", has_text="By tenant").count() == 1
    assert reader.locator(".costs tbody tr", has_text="acme").count() == 1


def test_retries_unknowns_and_the_gateway_s_own_calls_stand_apart(seeded, reader):
    """None of them hides in another figure (CP-22)."""
    probe = seeded.traffic.call(None, "plain")
    probe.operation, probe.route, probe.key, probe.user = "probe", None, None, None
    retried = seeded.traffic.call(None, "retried")
    retried.attempts[0].cost = Cost(5_000_000)
    assert isinstance(retried.attempts[0], Attempt)
    seeded.console.store(probe, retried)

    reader.goto(f"{seeded.console.url}/costs?by=operation")

    own = reader.locator(".costs tbody tr", has_text="the gateway itself")
    assert own.count() == 1
    assert "probe" in own.inner_text()
    assert "of it retries" in reader.locator(".costs tbody").inner_text()
    assert "unknown" in reader.locator(".costs tbody").inner_text()
    own.locator(".row-name").click()
    reader.wait_for_url("**/requests?*")
    assert reader.locator(".row").count() == 1


def test_an_address_that_says_nonsense_shows_the_default(seeded, reader):
    """A page leaves out what it cannot read."""
    answer = reader.goto(f"{seeded.console.url}/costs?by=colour&from=soon&tenant=acme")

    assert answer.status == 200
    assert reader.locator("h2", has_text="By model").count() == 1
    assert reader.locator(".chip").count() == 1


def test_an_alert_leads_to_the_requests_behind_it(seeded, reader):
    """With what it is about, both values, and since when."""
    reader.goto(f"{seeded.console.url}/alerts")
    card = reader.locator(".alert-card", has_text="route:auto")

    assert "34 % of 412 calls in the last 15 minutes fell back, bound 20 %" in card.inner_text()
    card.get_by_role("link").click()
    reader.wait_for_url("**/requests?*")

    assert place(reader)[1] == {"route": "auto", "reason": "provider_failover"}
    assert reader.locator(".row").count() > 0


def test_hostile_names_are_only_text(seeded, reader):
    """Among the groups and among the alerts."""
    for path in ("/costs?by=user&from=30d", "/alerts"):
        reader.goto(seeded.console.url + path)

        assert SCRIPT in reader.locator("main").inner_text()
        assert reader.locator("main script, main img").count() == 0
