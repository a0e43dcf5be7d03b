"""Prompts and answers: behind a button, written down, with marks where something was taken out."""


def test_reading_content_is_written_down_and_shows_redactions(seeded, reader):
    """CP-13: the reader knows that text was taken out, and others know who read."""
    console, call = seeded.console, seeded.calls["tools"]
    reader.goto(f"{console.url}/requests/{call.request_id}")
    assert "Be brief" not in reader.content()

    reader.click("text=Show prompt and answer")
    reader.wait_for_selector(".turn")

    said = reader.locator(".talk").inner_text()
    assert "You help customers of a shop." in said
    assert "calls order_status" in said
    entries = console.run(console.settings.audit.page(subject=call.request_id))
    assert [(entry.actor, entry.action) for entry in entries] == [("admin", "content.read")]


def test_marks_of_redaction_stand_out(seeded, reader):
    """Where a stored prompt has any."""
    call = next(
        call for kind, call in seeded.calls.items()
        if kind != "refused" and "[redacted" in _prompt(seeded, call)
    )  # fmt: skip
    reader.goto(f"{seeded.console.url}/requests/{call.request_id}")
    reader.click("text=Show prompt and answer")

    assert reader.locator("mark.redacted").first.inner_text() == "[redacted: email]"


def test_hostile_content_is_text(seeded, reader):
    """A prompt cannot bring a script, an image or a form."""
    reader.goto(f"{seeded.console.url}/requests/{seeded.calls['hostile'].request_id}")
    reader.click("text=Show prompt and answer")
    reader.wait_for_selector(".turn")

    assert "<script>alert(1)</script>" in reader.locator(".talk").inner_text()
    assert reader.locator("main script, main img, main iframe").count() == 0
    assert reader.locator("form").count() == 2  # logging out, closing the help


def test_what_was_not_captured_says_so(seeded, reader):
    """The record promises more than the store has."""
    reader.goto(f"{seeded.console.url}/requests/{seeded.calls['refused'].request_id}")
    reader.click("text=Show prompt and answer")

    reader.wait_for_selector("text=Nothing is stored")


def _prompt(seeded, call) -> str:
    from pointsman.store.query import EVERYTHING

    row = seeded.console.run(seeded.console.settings.store.content(call.request_id, EVERYTHING))
    return row.prompt if row else ""
