"""A real `pointsman up` with its roles, for tests that kill, reload and end them."""

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from running_gateway import (
    RunningGateway,
    clean_environment,
    command,
    free_port,
    get,
    wait_ready,
)

DEADLINE_S = 20.0
_pause = threading.Event().wait


def until(holds: Callable[[], object], what: str, timeout_s: float = DEADLINE_S) -> None:
    """Poll until something holds."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        _pause(0.02)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@dataclass
class RunningInstance(RunningGateway):
    """An instance: the supervisor's process and those of its roles."""

    collector_port: int = 0

    @property
    def collector_url(self) -> str:
        """Address of collector and console."""
        return f"http://127.0.0.1:{self.collector_port}"

    def roles(self) -> dict[str, int]:
        """Return role -> process, as they are now."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):
                line = child.cmdline()
                if "pointsman.cli.main" in line:
                    found[line[line.index("pointsman.cli.main") + 1]] = child.pid
        return found

    def ready(self) -> dict[str, object]:
        """Return what the gateway says of itself."""
        answer: dict[str, object] = msgspec.json.decode(get(f"{self.url}/ready")[2])
        return answer

    def collector_state(self) -> object:
        """Return how the gateway says that the collector is."""
        collector = self.ready()["collector"]
        assert isinstance(collector, dict)
        return collector["state"]

    def wait_text(self, text: str, times: int = 1) -> None:
        """Wait until it has printed something so many times."""
        until(lambda: self.text().count(text) >= times, f"{text!r} in:\n{self.text()}")

    def wait_all_up(self) -> None:
        """Wait until every role serves."""
        until(lambda: self.collector_state() == "up", "the collector is up")
        self.wait_text("Ask why:")


@contextlib.contextmanager
def running_instance(
    folder: Path,
    *,
    config: str | None = None,
    options: Sequence[str | Path] = (),
    environment: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[RunningInstance]:
    """Start `pointsman up` in `folder`, wait until the gateway answers, end it and its roles."""
    port, collector_port = free_port(), free_port()
    arguments: list[str | Path] = ["up", "--port", str(port), "--data-dir", folder / "data"]
    arguments += ["--collector-port", str(collector_port), *options]
    if config is not None:
        file = folder / "pointsman.yaml"
        file.write_text(config)
        arguments += ["--config", file]
    output = folder / "output.txt"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [*prefix, *command(*arguments)],
            cwd=folder,
            env=clean_environment(environment),
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    instance = RunningInstance(
        process, port, folder / "data", output, collector_port=collector_port
    )
    seen: set[int] = set()
    try:
        wait_ready(instance)
        seen.update(instance.roles().values())
        yield instance
    finally:
        if process.poll() is None:
            seen.update(instance.roles().values())
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(DEADLINE_S)
        for pid in seen:
            until(lambda pid=pid: not is_alive(pid), f"role {pid} ends with its supervisor", 5)
