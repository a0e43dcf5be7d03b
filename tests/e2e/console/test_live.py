"""New requests appear by themselves, and wait while somebody reads."""

import time

import pytest
from playwright.sync_api import expect

from console_browser import log_in
from console_server import serving_console
from sample_records import Traffic


@pytest.fixture
def live(tmp_path, new_page):
    """An empty console whose streams can be ended, and a page that is logged in."""
    with serving_console(tmp_path, gateway_url="http://127.0.0.1:3100") as console:
        page = new_page().page
        log_in(page, console)
        page.wait_for_selector(".live[data-state=on]")
        yield console, page


def arrive(console, count=1, **changes):
    """Store requests that started just now; return them."""
    traffic = Traffic(time.time_ns(), seed=time.time_ns())
    records = [traffic.call(time.time_ns() + number, "plain") for number in range(count)]
    for record in records:
        for name, value in changes.items():
            setattr(record, name, value)
    console.store(*records)
    return records


def ids(page):
    """Return the requests that are shown, from the top."""
    return page.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.id)")


def test_a_request_appears_within_a_second(live):
    """From stored to seen, without a reload; the line for newcomers makes way."""
    console, page = live
    assert "curl http://127.0.0.1:3100/v1/chat/completions" in page.content()
    arrive(console)[0]
    page.wait_for_selector(".row")

    record = arrive(console)[0]
    began = time.monotonic()
    page.wait_for_selector(f"tr[data-id={record.request_id}]")

    assert time.monotonic() - began < 1.0
    assert ids(page)[0] == record.request_id
    assert page.locator("[data-empty]").is_hidden()


def test_rows_wait_while_a_reader_points_at_the_list(live):
    """Nothing moves under the pointer; a note says how many are newer."""
    console, page = live
    first = arrive(console)[0]
    page.hover(f"tr[data-id={first.request_id}]")

    arrive(console, 3)
    page.wait_for_selector("text=3 newer requests")
    assert ids(page) == [first.request_id]

    page.mouse.move(5, 5)
    expect(page.locator(".row")).to_have_count(4)


def test_rows_wait_while_scrolled_and_while_paused(live):
    """And come when the reader is back."""
    console, page = live
    arrive(console, 40)
    expect(page.locator(".row")).to_have_count(40)

    page.mouse.move(5, 5)
    page.evaluate("scrollTo(0, 900)")
    page.wait_for_selector(".live[data-state=held]")
    arrive(console)
    page.click("text=1 newer request")
    expect(page.locator(".row")).to_have_count(41)

    page.keyboard.press("p")
    page.wait_for_selector(".live[data-state=paused]")
    arrive(console)
    page.wait_for_selector("text=1 newer request")
    page.keyboard.press("p")
    expect(page.locator(".row")).to_have_count(42)


def test_a_filtered_list_grows_by_what_fits(live):
    """Live rows mean what the filter means."""
    console, page = live
    page.goto(f"{console.url}/requests?tenant=umbrella")
    page.wait_for_selector(".live[data-state=on]")

    arrive(console, tenant="acme")
    wanted = arrive(console, tenant="umbrella")[0]
    page.wait_for_selector(f"tr[data-id={wanted.request_id}]")

    assert ids(page) == [wanted.request_id]


def test_many_at_once_start_the_list_over(live):
    """However many arrive, a page takes the newest and its link goes on from there."""
    console, page = live
    arrive(console, 120)

    expect(page.locator(".row")).to_have_count(50)

    assert len(ids(page)) == 50


def test_a_list_finds_its_server_again(tmp_path, new_page):
    """What came in between is shown too."""
    with serving_console(tmp_path) as console:
        page = new_page().page
        log_in(page, console)
        page.wait_for_selector(".live[data-state=on]")

        # The stream ends as it does when a collector stops; new ones end at once until it is back.
        console.ending.set()
        page.wait_for_selector(".live[data-state=lost]")
        record = arrive(console)[0]
        console.ending.clear()

        page.wait_for_selector(f"tr[data-id={record.request_id}]")
        page.wait_for_selector(".live[data-state=on]")
