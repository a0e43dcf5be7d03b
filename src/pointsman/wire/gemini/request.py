"""Contents of a request to the Gemini API.

Absent is what is not said: a part has exactly one of its kinds set.
Source: google-genai 3.4.0, the vendor's SDK, `types.Content`
(read 2026-11).
"""

from msgspec import Raw, Struct


class Blob(Struct, rename="camel"):
    """Data in the request."""

    mime_type: str
    data: str
    """Base64."""


class FileData(Struct, rename="camel", omit_defaults=True):
    """An address that the API reads: an upload, or one of the web."""

    file_uri: str
    mime_type: str | None = None


class FunctionCall(Struct, omit_defaults=True):
    """A call that the model made."""

    name: str
    args: Raw
    """A JSON object."""
    id: str | None = None


class FunctionResponsePart(Struct, rename="camel"):
    """A picture or a document in what a function returned."""

    inline_data: Blob


class FunctionResponse(Struct, omit_defaults=True):
    """What a function returned."""

    name: str
    response: Raw
    """A JSON object; `output` and `error` in it have a meaning, otherwise all of it is output."""
    id: str | None = None
    parts: list[FunctionResponsePart] | None = None


class Part(Struct, rename="camel", omit_defaults=True):
    """A piece of a content."""

    text: str | None = None
    thought: bool | None = None
    """The text is what the model thought."""
    inline_data: Blob | None = None
    file_data: FileData | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    thought_signature: str | None = None


class Content(Struct):
    """What one side said."""

    role: str
    """`user` or `model`."""
    parts: list[Part]
