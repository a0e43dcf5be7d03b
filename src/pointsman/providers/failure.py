"""Failures of the transport in the product's words."""

from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.transport.exchange import TransportError

_CLASSES: dict[str, FailureClass] = {
    "connect": FailureClass.CONNECTION,
    # Asking the same proxy again with the same credential cannot help; another provider may.
    "proxy_auth": FailureClass.BAD_CREDENTIAL,
    "timeout": FailureClass.TIMEOUT,
    "reset": FailureClass.CONNECTION,
    "truncated": FailureClass.TRUNCATED,
    "protocol": FailureClass.PROTOCOL,
    "aborted": FailureClass.CLIENT_LEFT,
}


def from_transport(
    error: TransportError, provider_name: str, *, in_stream: bool = False
) -> UpstreamError:
    """Return the error to raise for a failed exchange.

    Args:
        error: What the transport reported; its message names no secret.
        provider_name: As configured, for the message.
        in_stream: The head of a stream is there: what is awaited is the first token, not the head.
    """
    phase = error.phase
    if in_stream and phase == "first_byte":
        phase = "first_token"
    return UpstreamError(
        f"{provider_name}: {error}",
        _CLASSES.get(error.kind, FailureClass.UNKNOWN),
        phase=phase,
        upstream_code=error.kind if error.kind == "proxy_auth" else None,
    )
