"""A real `pointsman gateway` in a process of its own, for tests that act as a user would."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 20.0


def free_port() -> int:
    """Return a port that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without what would configure a gateway."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not re.match(r"(OPENAI|TOKVERA|GATEWAY|POINTSMAN|MOCK)_|PORT$|MOCK_MODE$", name)
    }
    return {**kept, **(extra or {})}


def command(*arguments: str | Path) -> list[str]:
    """Return the command line of the installed `pointsman`."""
    return [str(Path(sys.executable).parent / "pointsman"), *map(str, arguments)]


def run_command(
    *arguments: str | Path,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `pointsman` to its end."""
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=clean_environment(environment),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@dataclass
class RunningGateway:
    """A gateway that answers, and where."""

    process: subprocess.Popen[bytes]
    port: int
    data_dir: Path
    output: Path
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def text(self) -> str:
        """What it has printed so far."""
        return self.output.read_text(errors="replace")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_TIMEOUT_S)


@contextlib.contextmanager
def running_gateway(
    folder: Path,
    *,
    config: str | None = None,
    environment: Mapping[str, str] | None = None,
    data_dir: Path | None = None,
    scheme: str = "http",
    port: int | None = None,
    options: Sequence[str] = (),
) -> Iterator[RunningGateway]:
    """Start `pointsman gateway` in `folder`, wait until it is ready, stop it at the end."""
    port = port or free_port()
    data_dir = data_dir or folder / "data"
    arguments: list[str | Path] = ["gateway", "--port", str(port), "--data-dir", data_dir, *options]
    if config is not None:
        file = folder / "pointsman.yaml"
        file.write_text(config)
        arguments += ["--config", file]
    output = folder / "output.txt"
    with output.open("ab") as stream:
        process = subprocess.Popen(
            command(*arguments),
            cwd=folder,
            env=clean_environment(environment),
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    gateway = RunningGateway(process, port, data_dir, output)
    try:
        wait_ready(gateway, scheme)
        yield gateway
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_TIMEOUT_S)


def wait_ready(gateway: RunningGateway, scheme: str = "http") -> None:
    """Poll `/ready` until it says yes; fail with what the process printed."""
    import ssl

    context = ssl._create_unverified_context() if scheme == "https" else None
    url = f"{scheme}://127.0.0.1:{gateway.port}/ready"
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if gateway.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2, context=context) as response:
                if response.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    raise AssertionError(f"the gateway did not become ready:\n{gateway.text()}")


def post(
    url: str, body: bytes, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """POST JSON bytes; return status, headers with lower-case names, and body."""
    request = urllib.request.Request(
        url, data=body, headers={"content-type": "application/json", **(headers or {})}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, _lower(response.headers), response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _lower(error.headers), error.read()


def get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    """GET; return status, headers with lower-case names, and body."""
    request = urllib.request.Request(url, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, _lower(response.headers), response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _lower(error.headers), error.read()


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
