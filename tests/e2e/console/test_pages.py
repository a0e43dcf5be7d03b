"""Every page, in both themes and both widths: complete, without errors, within its width."""

import pytest
from playwright.sync_api import Page

from console_browser import log_in

LOOKS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
GROUND = {"light": "rgb(244, 245, 247)", "dark": "rgb(16, 20, 26)"}


def pages_of(seeded) -> dict[str, str]:
    """Return the address of every kind of page."""
    calls = seeded.calls
    return {
        "requests": "/requests",
        "filtered": "/requests?failed=true&model=auto&from=1&to=2000000000000000000",
        "nothing": "/requests?error=no+such+error",
        "traces": "/traces",
        "overview": "/overview",
        "costs": "/costs",
        "costs-hostile": "/costs?by=user&from=30d",
        "costs-nothing": "/costs?by=day&feature=no+such",
        "alerts": "/alerts",
        "audit": "/audit",
        "audit-nothing": "/audit?kind=plan.&subject=no+such",
        "overview-week": "/overview?span=7d",
        **{f"request-{kind}": f"/requests/{call.request_id}" for kind, call in calls.items()},
        "trace": f"/traces/trc_{calls['failover'].trace_id}",
        "trace-hostile": f"/traces/{calls['hostile'].trace_id}",
    }


def overflow(page: Page) -> int:
    """Return how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


@pytest.mark.timeout(90)
@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_every_page_fits_its_width_and_breaks_no_rule(seeded, new_page, width, theme):
    """390 and 1280 pixels, light and dark; hostile texts among what is shown."""
    page = new_page(width, theme).page
    log_in(page, seeded.console)
    for name, path in pages_of(seeded).items():
        answer = page.goto(seeded.console.url + path)

        assert answer.status == 200, name
        assert overflow(page) <= 0, name
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == GROUND[theme]
        assert page.locator("h1").count() == 1, name
        assert page.evaluate("document.fonts.status") == "loaded"


def test_a_row_says_what_an_operator_looks_for(seeded, reader):
    """Asked and served model, target, reason in words, latency, tokens, cost, attempts."""
    call = seeded.calls["failover"]

    row = reader.locator(f"tr[data-id={call.request_id}]")

    said = row.inner_text()
    for part in ("ok", "auto", "claude-sonnet-4-6", "sonnet at anthropic", "first choice failed",
                 "2 attempts", "$0.0"):  # fmt: skip
        assert part in said, part
    assert reader.locator(".row").count() == 50


def test_a_filter_is_chosen_and_stands_in_the_address(seeded, reader):
    """And can be taken away."""
    reader.select_option("select[name=outcome]", "refused")
    reader.wait_for_url("**/requests?outcome=refused")

    assert set(reader.locator(".row .outcome .mark").all_inner_texts()) == {"refused"}
    reader.click("text=Clear")
    reader.wait_for_url("**/requests")


def test_pages_of_the_list_follow_one_another(seeded, reader):
    """By a cursor: nothing is shown twice."""
    first = set(reader.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.id)"))

    reader.click("text=Older requests")
    reader.wait_for_url("**cursor=**")

    second = set(reader.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.id)"))
    assert len(second) == 50
    assert not first & second
    reader.click("text=Back to the newest")
    reader.wait_for_url("**/requests*")


def test_a_request_explains_itself(seeded, reader):
    """Words, candidates with both values, attempts, costs elsewhere, the way to the trace."""
    call = seeded.calls["failover"]

    reader.click(f"tr[data-id={call.request_id}] .row-link")
    said = reader.locator("main").inner_text()

    for part in ("Why it took this path", "because the first choice failed", "Candidates",
                 "its provider is down", "provider_down", "Where the time went", "failover",
                 "the provider had no capacity", "Usage and cost", "output tokens",
                 "-$0.0", call.config_version):  # fmt: skip
        assert part in said, part
    reader.click(f"a:has-text('trc_{call.trace_id}')")
    assert "answer_ticket" in reader.locator(".tree").inner_text()


def test_a_trace_joins_application_and_gateway(seeded, reader):
    """One tree; a span opens to its attributes and leads to its request."""
    call = seeded.calls["failover"]
    reader.goto(f"{seeded.console.url}/traces/{call.trace_id}")

    names = reader.locator(".span-name").all_inner_texts()
    gateway = reader.locator("details.span", has_text="gateway_request").first
    gateway.locator("summary").click()

    assert [name.split("\n")[0] for name in names][:5] == [
        "answer_ticket", "load_ticket", "retrieve documents", "chat auto", "gateway_request",
    ]  # fmt: skip
    gateway.get_by_text("Why this request took its path").click()
    reader.wait_for_url(f"**/requests/{call.request_id}")


def test_the_overview_leads_from_a_figure_to_its_requests(seeded, reader):
    """And shows how the collector is."""
    reader.goto(f"{seeded.console.url}/overview")

    said = reader.locator("main").inner_text()
    assert "120 ms old" in said
    assert "2 span queue full" in said
    reader.click("table.ranked >> text=provider_failover")
    reader.wait_for_url("**/requests?reason=provider_failover")
    assert reader.locator(".row").count() > 0


def test_times_are_in_the_viewers_zone_with_utc_beside(seeded, reader):
    """The same moment for everybody."""
    shown, title = reader.locator(".row time").first.evaluate(
        "time => [time.textContent, time.title]"
    )

    assert title.endswith(" UTC")
    assert int(shown[:2]) == (int(title[11:13]) + 1) % 24  # Berlin in November
    assert "Europe/Berlin" in reader.locator(".foot").inner_text()


def test_the_theme_is_switched_and_kept(seeded, reader):
    """Without a flash: the server draws the next page in it."""
    switch = reader.get_by_label("Theme")
    switch.click()
    switch.click()
    reader.reload()

    assert reader.evaluate("document.documentElement.dataset.theme") == "dark"
    ground = reader.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == GROUND["dark"]


def test_an_unknown_request_says_so(seeded, reader):
    """A page, not a bare status."""
    troubles_expected = f"{seeded.console.url}/requests/req_{'0' * 32}"
    answer = reader.request.get(troubles_expected)

    assert answer.status == 404
    assert "No request of this id is stored" in answer.text()
