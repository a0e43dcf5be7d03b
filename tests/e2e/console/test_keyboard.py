"""The console can be used without a mouse."""


def focused(page):
    """Return the request whose row has the focus."""
    return page.evaluate("document.activeElement.closest('tr')?.dataset.id ?? null")


def test_rows_are_walked_and_opened(seeded, reader):
    """j, k, Enter."""
    rows = reader.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.id)")

    for key in "jjjk":
        reader.keyboard.press(key)
    assert focused(reader) == rows[1]
    reader.keyboard.press("Enter")

    reader.wait_for_url(f"**/requests/{rows[1]}")


def test_search_takes_an_id_and_text(seeded, reader):
    """Slash, then what is looked for."""
    call = seeded.calls["refused"]

    reader.keyboard.press("/")
    reader.keyboard.type(call.request_id)
    reader.keyboard.press("Enter")
    reader.wait_for_url(f"**/requests/{call.request_id}")
    reader.goto(f"{seeded.console.url}/requests")
    reader.keyboard.press("/")
    reader.keyboard.type("budget of tenant")
    reader.keyboard.press("Enter")
    reader.wait_for_url("**/requests?error=budget+of+tenant")

    assert set(reader.locator(".row .mark").all_inner_texts()) == {"refused"}


def test_help_opens_and_closes_and_pages_are_reached(seeded, reader):
    """?, Escape, g o; and letters typed into a field stay letters."""
    reader.keyboard.press("?")
    assert reader.locator("dialog.help").is_visible()
    reader.keyboard.press("Escape")
    assert reader.locator("dialog.help").is_hidden()

    reader.keyboard.press("/")
    reader.keyboard.type("go")
    assert reader.input_value("[data-search]") == "go"
    reader.keyboard.press("Escape")
    reader.keyboard.press("g")
    reader.keyboard.press("o")
    reader.wait_for_url("**/overview")


def test_the_focus_is_seen_and_the_content_reached_first(seeded, reader):
    """Tab leads to a link over the navigation; every focus has an outline."""
    reader.keyboard.press("Tab")
    assert reader.evaluate("document.activeElement.textContent") == "Skip to content"
    reader.keyboard.press("Tab")

    width = reader.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert width == "2px"
