"""A console over a store with a day of traffic, and a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from console_browser import FLAGS, WAIT_MS, Seeded, Watched, log_in, seed, watch
from console_server import serving_console


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    """A console with some hundred requests, traces of an application and hostile texts."""
    with serving_console(tmp_path_factory.mktemp("console")) as console:
        yield Seeded(console, *seed(console))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium of the system.

    Its client keeps an event loop running in this thread, so it must be gone before a test of
    another module wants one.
    """
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def new_page(browser: Browser):
    """Make pages that are watched; what went wrong in any of them fails the test."""
    contexts: list[BrowserContext] = []
    watched: list[Watched] = []

    def make(width: int = 1280, theme: str = "light", **options) -> Watched:
        context = browser.new_context(
            viewport={"width": width, "height": 844},
            color_scheme=theme,
            timezone_id="Europe/Berlin",
            **options,
        )
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        made = watch(context.new_page())
        watched.append(made)
        return made

    yield make
    for context in contexts:
        context.close()
    assert [made.troubles for made in watched if made.troubles] == []


@pytest.fixture
def reader(seeded: Seeded, new_page) -> Page:
    """A page of somebody who is logged in."""
    page = new_page().page
    log_in(page, seeded.console)
    return page
