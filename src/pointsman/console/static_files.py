"""The console's own scripts, styles and images, read once and served under a versioned address."""

from hashlib import blake2b
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class StaticFiles:
    """Every file of the folder, in memory."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {
            file.name: (file.read_bytes(), _TYPES[file.suffix])
            for file in sorted(folder.iterdir())
            if file.suffix in _TYPES
        }
        digest = blake2b(digest_size=6)
        for name, (body, _) in self._files.items():
            digest.update(name.encode() + b"\0" + body)
        self.version = digest.hexdigest()
        """Changes with any file; part of their address, so that scripts load their like."""

    def find(self, version: str, name: str) -> tuple[bytes, str] | None:
        """Return content and type; None for another version or name."""
        return self._files.get(name) if version == self.version else None
