"""Rows of an audit as a week of an operator leaves them, for pictures and for reading."""

from pointsman.state.audit import AuditLog

_FILE = {
    "config": {"from": "0e32ab901ffe4a10", "to": "5d1a77c20b9e3f64"},
    "source": "pointsman.yaml",
}
_HASH = {"from": "91bd0c7a44aef210", "to": "0ce2d5b1a9934476"}


def _changed(**leaves: tuple[object, object]) -> dict[str, object]:
    changes = {path: {"from": old, "to": latest} for path, (old, latest) in leaves.items()}
    return {**_FILE, "hash": _HASH, "changes": changes}


CHANGES: tuple[tuple[str, str, str, dict[str, object]], ...] = (
    ("cli:ann", "tenant.created", "acme", {"plan": "enterprise"}),
    ("cli:ann", "key.issued", "key_9778fd887629c83a", {"name": "ci", "tenant": "acme"}),
    ("cli:bob", "plan.changed", "trial", {"daily_usd": {"from": "5", "to": "2.50"}}),
    ("reload", "route.changed", "routes.auto", _changed(reason=(None, "cost_policy"))),
    ("reload", "policy.changed", "policy.limits.per-key", _changed(requests_per_minute=(60, 120))),
    (
        "reload",
        "price.added",
        "prices.models.llama3.1",
        _changed(input_usd_per_mtok=(None, "0.05")),
    ),
    ("reload", "key.changed", "keys.ops", _changed()),
    ("reload", "config.in_force", "5d1a77c20b9e3f64", {**_FILE, "changed": ["routes.auto"]}),
    ("cli:bob", "tenant.disabled", "late-payer", {"disabled": {"from": False, "to": True}}),
    ("cli:ann", "key.revoked", "key_9778fd887629c83a", {"name": "ci"}),
)
"""Who, what, to what, how: the oldest first."""


async def note_changes(audit: AuditLog) -> None:
    """Write all of them."""
    for actor, action, subject, details in CHANGES:
        await audit.note(actor, action, subject, details)
