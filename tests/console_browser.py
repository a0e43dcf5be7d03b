"""A console with a day of traffic, and pages of a real browser that are watched for trouble."""

import time
from typing import NamedTuple

import msgspec
from playwright.sync_api import Page

from console_server import ConsoleServer
from pointsman.core.records import CallRecord
from pointsman.store.alerts import AlertChanges
from sample_alerts import sample_alerts
from sample_records import HOSTILE, Traffic

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
KINDS = (
    "plain", "stream", "tools", "failover", "retried", "failure", "cut", "refused",
    "unknown_price", "left", "crashed",
)  # fmt: skip
WAIT_MS = 5_000


class Seeded(NamedTuple):
    """A console and what it holds."""

    console: ConsoleServer
    calls: dict[str, CallRecord]
    """One of every kind, and `hostile`."""
    traffic: Traffic


class Watched(NamedTuple):
    """A page, and what went wrong in it."""

    page: Page
    troubles: list[str]
    """Errors, dialogs and breaches of the policy."""


def seed(console: ConsoleServer) -> tuple[dict[str, CallRecord], Traffic]:
    """Fill a console's store."""
    traffic = Traffic(time.time_ns() - 120 * 10**9)
    past = traffic.calls(240)
    now = time.time_ns()
    calls = {
        kind: traffic.call(now - (60 - number) * 10**9, kind) for number, kind in enumerate(KINDS)
    }
    calls["hostile"] = traffic.hostile(now - 70 * 10**9)
    spans = [
        *traffic.application(calls["failover"]),
        *traffic.application(calls["hostile"], name=calls["hostile"].requested_model or ""),
    ]
    console.run(console.settings.store.write_spans(spans))
    for subject, owner in ((None, "alr"), (HOSTILE, "odd")):
        alerts = sample_alerts(now, subject)
        renamed = [
            msgspec.structs.replace(each, alert_id=f"{owner}_{number}")
            for number, each in enumerate(alerts.opened)
        ]
        console.run(console.settings.store.write_alerts(AlertChanges(opened=tuple(renamed))))
    contents = [
        traffic.content(call, hostile=kind == "hostile")
        for kind, call in calls.items()
        if kind != "refused"
    ]
    console.store(*past, *calls.values(), contents=contents)
    return calls, traffic


def watch(page: Page) -> Watched:
    """Keep every error, dialog and breach of the policy of a page."""
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on(
        "console",
        lambda said: troubles.append(said.text) if said.type in {"error", "warning"} else None,
    )

    def refuse(dialog) -> None:
        troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", refuse)
    page.add_init_script(
        "addEventListener('securitypolicyviolation',"
        " event => console.error('policy: ' + event.violatedDirective + event.blockedURI));"
    )
    return Watched(page, troubles)


def log_in(page: Page, console: ConsoleServer) -> None:
    """Open a fresh login link and wait for the list."""
    page.goto(console.login_link())
    page.wait_for_url(f"{console.url}/requests")
