"""What decoding raises for bytes that are not the JSON they should be."""

import msgspec

MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Not JSON or of another shape; invalid UTF-8; nested deeper than the interpreter's stack allows,
which a hostile peer can do in a few kilobytes."""
