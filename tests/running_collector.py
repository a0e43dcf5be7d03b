"""A real `pointsman collector` in a process of its own."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pointsman.config.data_folder import read_token

from running_gateway import (
    START_TIMEOUT_S,
    STOP_TIMEOUT_S,
    clean_environment,
    command,
    free_port,
    get,
)


@dataclass
class RunningCollector:
    """A collector that can be killed and started again on the same port and folder."""

    folder: Path
    data_dir: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bearer(self, name: str) -> dict[str, str]:
        """Return the header that shows a token of the data folder."""
        return {"authorization": f"Bearer {read_token(self.data_dir, name)}"}

    def read(self, path: str) -> dict[str, Any]:
        """Ask the read API as admin; the answer must be 200."""
        status, _, body = get(self.url + path, self.bearer("admin"))
        assert status == 200, body
        return msgspec.json.decode(body)

    def read_when(self, path: str, is_wanted, timeout_s: float = 20.0) -> dict[str, Any]:
        """Ask again and again until the answer is as wanted."""
        deadline = time.monotonic() + timeout_s
        while True:
            status, _, body = get(self.url + path, self.bearer("admin"))
            if status == 200 and is_wanted(answer := msgspec.json.decode(body)):
                return answer
            if time.monotonic() > deadline:
                raise AssertionError(f"{path} still says {status} {body[:2000]!r}")
            time.sleep(0.02)

    def start(self) -> None:
        """Start it and wait until it answers."""
        arguments = ("--port", str(self.port), "--data-dir", self.data_dir)
        with (self.folder / "collector.txt").open("ab") as stream:
            self.process = subprocess.Popen(
                command("collector", *arguments),
                cwd=self.folder,
                env=clean_environment(),
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if get(self.url + "/ready")[0] == 200:
                    return
            time.sleep(0.02)
        raise AssertionError((self.folder / "collector.txt").read_text())

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self.process.kill()
        self.process.wait(STOP_TIMEOUT_S)

    def stop(self) -> int:
        """End it as a service manager does; return the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(STOP_TIMEOUT_S)


@contextlib.contextmanager
def running_collector(folder: Path) -> Iterator[RunningCollector]:
    """Run a collector on the data folder below `folder` until the block ends."""
    collector = RunningCollector(folder, folder / "data", free_port())
    collector.start()
    try:
        yield collector
    finally:
        collector.stop()
