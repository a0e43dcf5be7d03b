"""`data:` URLs, as pictures and documents are put into a body.

Source: https://www.rfc-editor.org/rfc/rfc2397 (only its base64 form; no vendor takes the other).
"""

from typing import NamedTuple

DEFAULT_MEDIA_TYPE = "text/plain"


class DataUrl(NamedTuple):
    """What a `data:` URL holds."""

    media_type: str
    data: str
    """Base64, as it came."""


def read_data_url(url: str) -> DataUrl | None:
    """Return what a URL holds; None when it is no `data:` URL, or one that is not base64."""
    if url[:5].lower() != "data:":
        return None
    head, comma, data = url[5:].partition(",")
    media_type, *parameters = head.split(";")
    if not comma or not any(word.strip().lower() == "base64" for word in parameters):
        return None
    return DataUrl(media_type.strip().lower() or DEFAULT_MEDIA_TYPE, data)


def write_data_url(media_type: str, data: str) -> str:
    """Return the URL of base64 data."""
    return f"data:{media_type};base64,{data}"


def is_data_url(url: str) -> bool:
    """Tell whether a URL holds its data itself."""
    return url[:5].lower() == "data:"
