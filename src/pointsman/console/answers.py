"""The answers of the console: every one carries the headers that keep a browser strict."""

from collections.abc import AsyncIterator

from litestar import MediaType, Response
from litestar.response import Stream

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_STRICT = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    # Not `no-referrer`: browsers would then send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_PRIVATE = _STRICT | {"cache-control": "no-store"}
_FOREVER = _STRICT | {"cache-control": "public, max-age=31536000, immutable"}


def page(markup: str, status: int = 200) -> Response[bytes]:
    """Return a page, which no cache may keep: it may show what only its viewer may see."""
    return Response(
        markup.encode(), status_code=status, media_type=MediaType.HTML, headers=_PRIVATE
    )


def moved(place: str, headers: dict[str, str] | None = None) -> Response[bytes]:
    """Return a redirect to a page of ours, which is then got with GET.

    Args:
        place: Path and query, made by us.
        headers: To be sent with it.
    """
    together = _PRIVATE | {"location": place} | (headers or {})
    return Response(b"", status_code=303, media_type=MediaType.TEXT, headers=together)


def plain(text: str, status: int) -> Response[bytes]:
    """Return a line of text, for answers that scripts read."""
    return Response(text.encode(), status_code=status, media_type=MediaType.TEXT, headers=_PRIVATE)


def asset(body: bytes, media_type: str) -> Response[bytes]:
    """Return a file whose address changes with its content, so that it may be kept for ever."""
    return Response(body, media_type=media_type, headers=_FOREVER)


def events(stream: AsyncIterator[bytes]) -> Stream:
    """Return server-sent events."""
    return Stream(
        stream,
        media_type="text/event-stream",
        headers=_PRIVATE | {"x-accel-buffering": "no"},
    )
