"""A prompt rule's choice against the caller's: told when overruled, refused when it must not be."""

from pointsman.core.detour import Detour
from pointsman.core.errors import GuardrailBlockedError
from pointsman.routing.resolve import MAX_SHOWN_NAME, resolve
from pointsman.routing.table import RoutingTable

REASON = "guardrail"


def wished(
    table: RoutingTable, requested: str | None, detour: Detour, override: str | None
) -> str | None:
    """Return what the caller named and does not get; None when the choice was the gateway's.

    Raises:
        GuardrailBlockedError: The caller named a model, which the rule may not replace: a model
            that somebody chose is never changed silently.
        UnknownModelError: The model name stands for nothing.
    """
    asked = resolve(table, requested)
    if asked.caller_named_model and requested is not None and requested != detour.use:
        if not detour.replaces_named:
            raise _refusal(detour)
        return _shown(requested)
    return None if override in {None, detour.use} else _shown(override or "")


def _refusal(detour: Detour) -> GuardrailBlockedError:
    message = detour.message or (
        f"the rule `{detour.rule}` of this gateway sends this prompt to another model than the one"
        " you named; leave the choice to the gateway, or take out what the rule found"
    )
    return GuardrailBlockedError(message, metadata={"rule": detour.rule, "side": "prompt"})


def _shown(name: str) -> str:
    # It may be any text and ends up in records and headers.
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in name[:MAX_SHOWN_NAME])
