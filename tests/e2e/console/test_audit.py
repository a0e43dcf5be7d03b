"""The audit as a reader goes through it: who changed what, chosen, page by page."""

import pytest

from console_browser import log_in

HOSTILE = "<img src=x onerror=alert(1)>\u202egnp"


@pytest.fixture(scope="module")
def changed(seeded):
    """Fifty-five changes, one of them with a hostile name."""

    async def note() -> None:
        audit = seeded.console.settings.audit
        for number in range(53):
            changes = {"requests_per_minute": {"from": number, "to": number + 1}}
            details = {"hash": {"from": "a", "to": "b"}, "changes": changes}
            path = f"policy.limits.l{number}"
            await audit.note("reload", "policy.changed", path, details)
        await audit.note(HOSTILE, "tenant.disabled", HOSTILE, {"disabled": {"to": HOSTILE}})
        await audit.note("cli:ann", "key.issued", "key_1", {"name": "ci", "tenant": "acme"})

    seeded.console.run(note())
    return seeded


def test_the_newest_change_is_told_first_with_both_values(changed, new_page):
    """PO-05: who, what, to what, how."""
    watched = new_page(1280, "light")
    log_in(watched.page, changed.console)
    watched.page.goto(f"{changed.console.url}/audit?kind=policy.")

    first = watched.page.locator("tbody tr").first.inner_text()

    for part in (
        "reload",
        "policy",
        "changed",
        "policy.limits.l52",
        "requests_per_minute 52 -> 53",
    ):
        assert part in first
    assert watched.troubles == []


def test_pages_lead_to_older_changes_and_back(changed, new_page):
    """Bounded: fifty a page, by a cursor that new rows do not move."""
    page = new_page(1280, "light").page
    log_in(page, changed.console)
    page.goto(f"{changed.console.url}/audit?kind=policy.")
    assert page.locator("tbody tr").count() == 50

    page.get_by_role("link", name="Older changes").click()
    assert page.locator("tbody tr").count() == 3
    assert "policy.limits.l0" in page.locator("tbody tr").last.inner_text()
    page.get_by_role("link", name="Newest").click()
    assert page.locator("tbody tr").count() == 50


def test_a_hostile_name_is_text(changed, new_page):
    """And moves nothing beside it."""
    watched = new_page(390, "dark")
    log_in(watched.page, changed.console)
    watched.page.goto(f"{changed.console.url}/audit?kind=tenant.")

    assert "<img src=x" in watched.page.locator("tbody tr").first.inner_text()
    assert watched.page.locator("img").count() == 0
    assert watched.troubles == []


@pytest.mark.parametrize(
    "query", ["before=x", "before=-1", "before=99999999999999999999999", "kind=%25"]
)
def test_an_address_that_means_nothing_is_a_page_all_the_same(changed, new_page, query):
    """Whatever is typed in."""
    page = new_page(1280, "light").page
    log_in(page, changed.console)

    assert page.goto(f"{changed.console.url}/audit?{query}").status == 200
