"""The audit: who changed what, newest first, a page at a time, chosen by its address."""

from typing import Any

from litestar import Request, Response, get
from msgspec import Struct

from pointsman.console import answers
from pointsman.console.given import TheSession, TheSite, TheViewer
from pointsman.console.request_filters import MAX_TEXT, link
from pointsman.console.request_list import place_of_id
from pointsman.console.viewer import Moment, Viewer
from pointsman.state.audit import AuditEntry, AuditFilter
from pointsman.state.audit_words import details_text

PAGE = 50
KINDS = {
    "key.": "Keys",
    "tenant.": "Tenants",
    "plan.": "Plans",
    "policy.": "Policies",
    "route.": "Routes",
    "target.": "Targets",
    "provider.": "Providers",
    "price": "Prices",
    "config.": "Configuration",
    "content.": "Content read",
    "login.": "Login links",
    "session.": "Sessions",
}
"""How an action begins -> what the menu calls it."""
_GOOD = frozenset({"issued", "created", "added", "enabled"})
_BAD = frozenset({"revoked", "removed", "disabled"})
_LARGEST = 2**63 - 1


class AuditLine(Struct, frozen=True, kw_only=True):
    """One row as it is shown."""

    moment: Moment
    actor: str
    noun: str
    verb: str
    tone: str
    """`good`, `bad` or `quiet`: something came, went or became another."""
    subject: str
    place: str | None
    """Address of the requests that it is about."""
    told: str


@get("/audit")
async def audit_page(
    request: Request[Any, Any, Any], site: TheSite, viewer: TheViewer, session: TheSession
) -> Response[bytes]:
    """Show a page of the audit."""
    given = {name: str(value).strip()[:MAX_TEXT] for name, value in request.query_params.items()}
    chosen = {name: given.get(name, "") for name in ("kind", "subject", "actor")}
    wanted = AuditFilter(
        action=chosen["kind"] or None,
        subject=chosen["subject"] or None,
        actor=chosen["actor"] or None,
    )
    before = _cursor(given.get("before", ""))
    found = await site.settings.audit.page(PAGE + 1, before=before, wanted=wanted)
    shown = found[:PAGE]
    older = link("/audit", **chosen, before=str(shown[-1].sequence)) if found[PAGE:] else None
    markup = site.render(
        "audit.html",
        viewer,
        session,
        lines=[audit_line(entry, viewer) for entry in shown],
        kinds=KINDS.items(),
        chosen=chosen,
        older=older,
        newest=None if before is None else link("/audit", **chosen),
        is_filtered=any(chosen.values()),
    )
    return answers.page(markup)


def audit_line(entry: AuditEntry, viewer: Viewer) -> AuditLine:
    """Return one row as it is shown."""
    noun, _, verb = entry.action.partition(".")
    return AuditLine(
        moment=viewer.moment(entry.at_unix_ns),
        actor=entry.actor,
        noun=noun,
        verb=verb.replace("_", " "),
        tone="good" if verb in _GOOD else "bad" if verb in _BAD else "quiet",
        subject=entry.subject,
        place=_place(noun, entry.subject),
        told=details_text(entry),
    )


def _place(noun: str, subject: str) -> str | None:
    if noun == "tenant":
        return link("/requests", tenant=subject)
    return place_of_id(subject) if noun == "content" else None


def _cursor(text: str) -> int | None:
    if not text.isascii() or not text.isdecimal():
        return None
    return min(int(text[:20]), _LARGEST)
