"""Pictures, sound and documents: as data in the request, or by an address that the API reads.

Source: https://ai.google.dev/gemini-api/docs/file-input-methods (read 2026-11).
"""

import mimetypes
from urllib.parse import urlsplit

from pointsman.core.canonical.parts import AudioPart, FilePart, ImagePart
from pointsman.providers.gemini.models import ModelFacts
from pointsman.providers.parameters import Parameters
from pointsman.wire.gemini.request import Blob, FileData, Part

UPLOADS = "https://generativelanguage.googleapis.com/v1beta/"
"""Where the Files API has what was uploaded; ids begin with `files/`."""
_FETCHED = ("https", "gs")
_NAMES = {"audio/mpeg": "audio/mp3"}
"""Types that the API calls by another name."""


class MediaEncoder:
    """Encodes the media of one conversation.

    Args:
        facts: What the model takes.
        parameters: Makes refusals.
    """

    __slots__ = ("_facts", "_parameters")

    def __init__(self, facts: ModelFacts, parameters: Parameters) -> None:
        self._facts = facts
        self._parameters = parameters

    def encode(self, part: ImagePart | AudioPart | FilePart) -> Part:
        """Return the part.

        Raises:
            UpstreamError: The API cannot be told it.
        """
        match part:
            case ImagePart():
                return self._image(part)
            case AudioPart():
                return _inline(part.media_type, part.data)
            case FilePart():
                return self._file(part)

    def _image(self, part: ImagePart) -> Part:
        if part.url is not None:
            return self._by_address(part.url, part.media_type, "messages.image_url")
        return _inline(part.media_type or "image/png", part.data or "")

    def _file(self, part: FilePart) -> Part:
        if part.text is not None:
            return Part(text=part.text)
        if part.url is not None:
            return self._by_address(part.url, part.media_type, "messages.file")
        if part.file_id is not None:
            return self._upload(part.file_id, part.media_type)
        return _inline(part.media_type or "application/pdf", part.data or "")

    def _upload(self, file_id: str, media_type: str | None) -> Part:
        if not file_id.startswith("files/"):
            raise self._parameters.refusal("messages.file_id", "is not known")
        return Part(file_data=FileData(UPLOADS + file_id, media_type))

    def _by_address(self, url: str, media_type: str | None, param: str) -> Part:
        parts = urlsplit(url)
        is_upload = url.startswith(UPLOADS)
        if not is_upload and parts.scheme not in _FETCHED:
            raise self._parameters.refusal(param, f"with a scheme {parts.scheme!r} is not fetched")
        if not is_upload and not self._facts.fetches_urls:
            raise self._parameters.refusal(
                param, "must be data: this model's files are not fetched"
            )
        return Part(file_data=FileData(url, media_type or mimetypes.guess_type(parts.path)[0]))


def _inline(media_type: str, data: str) -> Part:
    return Part(inline_data=Blob(_NAMES.get(media_type, media_type), data))
