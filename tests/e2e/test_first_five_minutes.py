"""The README's first five minutes, its commands run as they stand in a fresh clone.

Only the ports are replaced, and the packages are those of this test run instead of a second
download: the clone gets a `.venv` that leads to them, and runs its own source.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from pointsman.config.data_folder import read_token
from running_instance import is_alive, until

from running_gateway import clean_environment, free_port, get

ROOT = Path(__file__).parents[2]
TRIES = 3
"""Requests, the fastest of which must be visible in time: machines pause now and then."""
VISIBLE_S = 1.0


def commands() -> list[str]:
    """Return what the README tells a newcomer to type, block by block."""
    section = (ROOT / "README.md").read_text().split("## The first five minutes")[1]
    return re.findall(r"```sh\n(.*?)```", section.split("\n## ")[0], re.DOTALL)


class Clone:
    """A fresh clone in which the README's commands are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.collector_port = free_port(), free_port()
        state = folder.parent / "state"
        self.data_dir = state / "pointsman"
        self.environment = clean_environment(
            {"PYTHONPATH": str(folder / "src"), "XDG_STATE_HOME": str(state)}
        )
        self.output = folder.parent / "output.txt"

    @property
    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def run(self, line: str) -> str:
        """Run a command of the README to its end."""
        done = subprocess.run(
            ["/bin/sh", "-c", line.replace("127.0.0.1:3100", f"127.0.0.1:{self.port}")],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, line: str) -> subprocess.Popen[bytes]:
        """Run a command as a terminal does: the head of a session of its own."""
        ports = f"--port {self.port} --collector-port {self.collector_port}"
        with self.output.open("wb") as stream:
            return subprocess.Popen(
                [*line.split(), f"ARGS={ports}"],
                cwd=self.folder,
                env=self.environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def requests(self) -> list[dict]:
        """Return what the read API lists."""
        bearer = {"authorization": f"Bearer {read_token(self.data_dir, 'admin')}"}
        answer = get(f"http://127.0.0.1:{self.collector_port}/api/v1/requests", bearer)[2]
        return msgspec.json.decode(answer)["requests"]


def family(process: subprocess.Popen[bytes]) -> list[int]:
    """Return a process and everything that it has started."""
    return [process.pid, *(each.pid for each in psutil.Process(process.pid).children(True))]


def borrow_packages(clone: Path) -> None:
    """Give the clone a `.venv` that counts as set up and leads to this run's packages."""
    programs = clone / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "pointsman"):
        (programs / name).symlink_to(Path(sys.executable).parent / name)
    (clone / ".venv" / ".installed-runtime").touch()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """The first line of the README has been run."""
    line = commands()[0].splitlines()[0].replace("<this repository>", str(ROOT))
    cloned = line.partition(" && ")[0]
    subprocess.run(["/bin/sh", "-c", cloned], cwd=tmp_path, capture_output=True, check=True)
    borrow_packages(tmp_path / "pointsman")
    return Clone(tmp_path / "pointsman")


@pytest.mark.timeout(90)
def test_the_commands_of_the_readme_do_what_it_says(clone: Clone):
    """Start, one request, visible within a second, explained, Ctrl-C and nothing is left."""
    (_, start), curl, why = commands()[0].splitlines(), commands()[1], commands()[2]
    assert clone.run(
        ".venv/bin/python -c 'import pointsman; print(pointsman.__file__)'"
    ).startswith(str(clone.folder))
    process = clone.start(start)
    started: list[int] = [process.pid]
    try:
        until(lambda: "Ask why:" in clone.text, "it says what to type")
        started = family(process)
        delays = []
        for number in range(1, TRIES + 1):
            answer = msgspec.json.decode(clone.run(curl))
            began = time.monotonic()
            until(lambda number=number: len(clone.requests()) == number, "the request is listed")
            delays.append(time.monotonic() - began)
        told = clone.run(why)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(20)
        left = [pid for pid in started if is_alive(pid)]
    finally:
        for pid in filter(is_alive, started):
            os.kill(pid, signal.SIGKILL)

    assert answer["choices"][0]["message"]["content"]
    assert min(delays) < VISIBLE_S
    assert "asked for model auto" in told
    assert "because the prompt is short enough for the small model" in " ".join(told.split())
    # make, the supervisor and its two roles.
    assert (len(started), left) == (4, [])
    assert f"http://127.0.0.1:{clone.port}/v1" in clone.text
    assert re.search(rf"http://127\.0\.0\.1:{clone.collector_port}/login\S+", clone.text)
    assert "Traceback" not in clone.text


def test_the_curl_line_of_the_readme_is_the_one_that_a_start_prints(tmp_path: Path):
    """Both are what a newcomer copies; they must not drift apart."""
    from pointsman.cli.banner import gateway_lines
    from pointsman.config.loader import load_text

    loaded = load_text("providers: {mock: {kind: mock}}", file="pointsman.yaml", environment={})
    printed = "\n".join(line.strip() for line in gateway_lines(loaded, 3100, tmp_path))

    written = "\n".join(line.strip() for line in commands()[1].strip().splitlines())
    assert written in printed
