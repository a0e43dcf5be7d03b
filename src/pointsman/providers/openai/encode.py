"""The client's body to the provider's: changed only where it must be, and every change is named.

The body is forwarded as the very bytes that came when nothing has to change. Otherwise only its top
level is taken apart and put together again: values that are not meant stay byte for byte.
"""

import msgspec
from msgspec import Raw, Struct

from pointsman.core.provider import ProviderRequest
from pointsman.providers.openai.proofs import may_hold_proofs, take_out_proofs

_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode
_INCLUDE_USAGE = "include_usage"


class EncodeSettings(Struct, frozen=True, kw_only=True):
    """What one provider takes."""

    metadata: str = "never"
    """When `metadata` is forwarded: `never`, `always` or `with_store`."""
    takes_stream_options: bool = True
    takes_proofs: bool = True
    """Whether messages may hold reasoning and proofs of earlier answers."""


def encode_body(request: ProviderRequest, settings: EncodeSettings) -> tuple[bytes, list[str]]:
    """Return the body to send and the changes made to it, in words.

    Unknown parameters are never touched. `metadata` is dropped where the provider does not take it
    (OpenAI answers 400 to it without `store: true`), `request.drop_keys` always. Streams ask for
    their usage, without which nothing could be billed.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: It is no JSON object (`MALFORMED`).
    """
    if _can_stay(request, settings):
        return request.body, []

    fields = _decode_fields(request.body)
    changes: list[str] = []
    _set_model(fields, request, changes)
    _drop_keys(fields, request, settings, changes)
    if request.stream and settings.takes_stream_options and not request.client_wants_usage:
        _ask_for_usage(fields, changes)
    if not settings.takes_proofs and may_hold_proofs(request.body):
        take_out_proofs(fields, changes)
    return (_encode(fields), changes) if changes else (request.body, changes)


def _can_stay(request: ProviderRequest, settings: EncodeSettings) -> bool:
    """Tell, without decoding, that nothing needs a change."""
    if request.requested_model != request.target.model or request.drop_keys:
        return False
    if request.stream and settings.takes_stream_options and not request.client_wants_usage:
        return False
    # A key spelt with escapes is not found; the provider then refuses it, which harms nobody.
    if not settings.takes_proofs and may_hold_proofs(request.body):
        return False
    return settings.metadata == "always" or b'"metadata"' not in request.body


def _set_model(fields: dict[str, Raw], request: ProviderRequest, changes: list[str]) -> None:
    model = request.target.model
    if request.requested_model != model:
        fields["model"] = Raw(_encode(model))
        changes.append(f"model: {request.requested_model or 'absent'} -> {model}")


def _drop_keys(
    fields: dict[str, Raw],
    request: ProviderRequest,
    settings: EncodeSettings,
    changes: list[str],
) -> None:
    unwanted = set(request.drop_keys) - {"metadata"}
    if not _takes_metadata(fields, settings):
        unwanted.add("metadata")
    dropped = [key for key in fields if key in unwanted]
    for key in dropped:
        del fields[key]
    changes.extend(f"{key}: dropped" for key in dropped)


def _takes_metadata(fields: dict[str, Raw], settings: EncodeSettings) -> bool:
    if settings.metadata == "with_store":
        store = fields.get("store")
        return store is not None and bytes(store) == b"true"
    return settings.metadata == "always"


def _ask_for_usage(fields: dict[str, Raw], changes: list[str]) -> None:
    present = fields.get("stream_options")
    options: dict[str, Raw] = {}
    if present is not None and bytes(present) != b"null":
        try:
            options = _decode_fields(present)
        except msgspec.ValidationError:
            # Not an object: the provider will say so to the client, whose mistake it is.
            return
    before = options.get(_INCLUDE_USAGE)
    options[_INCLUDE_USAGE] = Raw(b"true")
    fields["stream_options"] = Raw(_encode(options))
    was = "absent" if before is None else bytes(before).decode()
    changes.append(f"stream_options.include_usage: {was} -> true")
