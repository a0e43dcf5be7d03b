"""One request: what was decided and why, what happened, what it cost. Content behind a button."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from pointsman.console import answers
from pointsman.console.access import Form, check_form
from pointsman.console.bill import bill_of
from pointsman.console.conversation import Turn, conversation
from pointsman.console.decision import candidate_views, limit_views, policy_views, rule_views
from pointsman.console.given import TheSession, TheSite, TheViewer
from pointsman.console.markup import Site
from pointsman.console.request_filters import link
from pointsman.console.viewer import Viewer
from pointsman.console.waterfall import waterfall_of
from pointsman.console.words import KINDS, outcome_mark, stream_mark
from pointsman.core.errors import PointsmanError
from pointsman.core.explain import paragraph, reason_sentence
from pointsman.core.explain.selection import routing_ns, upstream_ns
from pointsman.core.explain.words import DIFFERENCES, TERMINALS, failure_phrase
from pointsman.core.ids import REQUEST_ID
from pointsman.core.records import CallRecord
from pointsman.state.sessions import ConsoleSession
from pointsman.store.query import EVERYTHING
from pointsman.store.rows import StoredCall

_AROUND_NS = 60_000_000_000


class UnknownRequestError(PointsmanError):
    """There is no request of that id."""

    code = "unknown_request"
    http_status = 404


class ContentView(Struct, frozen=True):
    """Prompt and answer, read just now."""

    turns: list[Turn]
    captured: str
    cut: bool


@get("/requests/{request_id:str}")
async def request_page(
    site: TheSite, viewer: TheViewer, session: TheSession, request_id: FromPath[str]
) -> Response[bytes]:
    """Show one request."""
    stored = await _find(site, request_id)
    return answers.page(_render(site, viewer, session, stored))


@post("/requests/{request_id:str}/content")
async def request_content(
    *,
    request: Request[Any, Any, Any],
    site: TheSite,
    viewer: TheViewer,
    session: TheSession,
    request_id: FromPath[str],
    data: Form,
) -> Response[bytes]:
    """Show one request with its prompt and answer, after writing down who reads them."""
    check_form(request, session, data)
    stored = await _find(site, request_id)
    await site.settings.audit.note(session.admin, "content.read", request_id, {"by": "console"})
    row = await site.settings.store.content(request_id, EVERYTHING)
    content = None if row is None else ContentView(conversation(row), row.captured, row.cut)
    markup = _render(site, viewer, session, stored, content=content, was_asked=True)
    return answers.page(markup)


async def _find(site: Site, request_id: str) -> StoredCall:
    stored = None
    if REQUEST_ID.match(request_id):
        stored = await site.settings.store.request(request_id, EVERYTHING)
    if stored is None:
        raise UnknownRequestError(
            "No request of this id is stored. It may be under way or on its way here, or be so old "
            "that it was removed."
        )
    return stored


def _render(
    site: Site,
    viewer: Viewer,
    session: ConsoleSession,
    stored: StoredCall,
    *,
    content: ContentView | None = None,
    was_asked: bool = False,
) -> str:
    record, reasons = stored.record, site.settings.extra_reasons
    return site.render(
        "request.html",
        viewer,
        session,
        record=record,
        moment=viewer.moment(record.started_unix_ns),
        mark=outcome_mark(record.outcome),
        because=reason_sentence(record.reason, reasons),
        difference=DIFFERENCES.get(record.requested_vs_served, ""),
        story=paragraph(record, reasons),
        routing_ns=routing_ns(record),
        upstream_ns=upstream_ns(record),
        overhead_ns=overhead_ns(record),
        first_token_ns=first_token_ns(record),
        candidates=candidate_views(record),
        rules=rule_views(record),
        limits=limit_views(record),
        policy=policy_views(record),
        fall=waterfall_of(record),
        bill=bill_of(record),
        stream_mark=stream_mark(record),
        stream_words=TERMINALS.get(record.stream.terminal, "") if record.stream else "",
        kinds=KINDS,
        failure_phrase=failure_phrase,
        similar=similar_links(record),
        raw=msgspec.json.format(stored.json, indent=2).decode("utf-8", "replace"),
        content=content,
        was_asked=was_asked,
    )


def overhead_ns(record: CallRecord) -> int | None:
    """Return the time that was the gateway's own; None when it cannot be told apart."""
    upstream = upstream_ns(record)
    if record.duration_ns is None or (upstream is None and record.attempts):
        return None
    return max(record.duration_ns - (upstream or 0) - paused_ns(record), 0)


def paused_ns(record: CallRecord) -> int:
    """Return the time between attempts that was a pause and nobody's work."""
    pairs = zip(record.attempts, record.attempts[1:], strict=False)
    gaps = [
        after.start_ns - before.end_ns
        for before, after in pairs
        if after.backoff_ms is not None and before.end_ns is not None
    ]
    return sum(max(gap, 0) for gap in gaps)


def first_token_ns(record: CallRecord) -> int | None:
    """Return when the first content of a stream came; None without one."""
    times = [made.first_token_ns for made in record.attempts if made.first_token_ns is not None]
    return times[-1] if times else None


def similar_links(record: CallRecord) -> list[tuple[str, str]]:
    """Return words and address of lists that hold requests like this one."""
    wanted = [
        ("same model asked", link("/requests", model=record.requested_model)),
        ("same target", link("/requests", target=record.served_target)),
        ("same reason", link("/requests", reason=record.reason)),
        ("same tenant", link("/requests", tenant=record.tenant)),
        ("same key", link("/requests", key=record.key)),
        ("same user", link("/requests", user=record.user)),
        ("same outcome", link("/requests", outcome=record.outcome)),
        (
            "same error",
            link("/requests", error=record.error.message[:80] if record.error else None),
        ),
        (
            "two minutes around it",
            link(
                "/requests",
                **{
                    "from": str(max(record.started_unix_ns - _AROUND_NS, 0)),
                    "to": str(max(record.started_unix_ns + _AROUND_NS, 0)),
                },
            ),
        ),
    ]
    return [(words, place) for words, place in wanted if "?" in place]
