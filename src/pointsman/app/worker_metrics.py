"""Lets any worker of an instance show the metrics of all: a scrape reaches only one of them.

Each worker answers on a socket in the data folder, which the instance's owner alone can open.
Nothing is asked or written between two scrapes.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from pointsman.gateway.merged_metrics import merged

_log = logging.getLogger("pointsman")
_PATIENCE_S = 1.0
_MAX_BYTES = 16_777_216


class WorkerMetrics:
    """The metrics of one worker, and the way to those of the others.

    Args:
        folder: Where the sockets of the instance's workers are, made when it is not there; None
            where there is one worker, which shows its metrics as they are.
        worker: Whose metrics these are.
        render: Returns them as exposition text.
    """

    def __init__(self, folder: Path | None, worker: str, render: Callable[[], bytes]) -> None:
        self._folder = folder
        self._worker = worker
        self._render = render
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to answer the other workers; without it they show what they have."""
        if self._folder is None:
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / f"{self._worker}.sock"
        path.unlink(missing_ok=True)
        try:
            self._server = await asyncio.start_unix_server(self._answer, path)
        except OSError as error:
            # As when the path of the data folder is too long for a socket.
            _log.warning("other workers cannot show the metrics of %s: %s", self._worker, error)

    async def stop(self) -> None:
        """Answer nobody any more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def scrape(self) -> bytes:
        """Return the metrics of all workers that answer, each series with its worker."""
        if self._folder is None:
            return self._render()
        others = [path for path in sorted(self._folder.glob("*.sock")) if path.stem != self._worker]
        found = await asyncio.gather(*(_ask(path) for path in others))
        texts = {self._worker: self._render().decode()}
        texts |= {path.stem: text for path, text in zip(others, found, strict=True) if text}
        return merged(texts).encode()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader  # who connects has asked
        with contextlib.suppress(OSError):
            writer.write(self._render())
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _ask(path: Path) -> str:
    """Return what another worker shows; nothing when it does not answer in time."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            reader, writer = await asyncio.open_unix_connection(path, limit=_MAX_BYTES)
            try:
                return (await reader.read(-1)).decode()
            finally:
                writer.close()
                await writer.wait_closed()
    except (OSError, TimeoutError):
        return ""
