"""A real Redis server of a test's own, on a socket in a folder."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

PROGRAM = shutil.which("redis-server") or "/usr/bin/redis-server"
_START_S = 10.0


class RedisServer:
    """One server. It can be killed, paused and started again, with or without its data.

    Args:
        folder: For its socket, log and data.
        keeps_data: Write every change to disk, so that a start after a kill finds it.
    """

    def __init__(self, folder: Path, *, keeps_data: bool = False) -> None:
        self._folder = folder
        self._keeps_data = keeps_data
        self._process: subprocess.Popen[bytes] | None = None
        self.socket_path = folder / "redis.sock"

    @property
    def url(self) -> str:
        """The address for `shared.url`."""
        return f"unix://{self.socket_path}"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.socket_path.unlink(missing_ok=True)
        aof = ("--appendonly", "yes", "--appendfsync", "always") if self._keeps_data else ()
        self._process = subprocess.Popen(
            [
                PROGRAM,
                *("--port", "0", "--unixsocket", str(self.socket_path)),
                *("--dir", str(self._folder), "--save", "", *aof),
                *("--logfile", str(self._folder / "redis.log")),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError((self._folder / "redis.log").read_text())
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def command(self, *words: str) -> str:
        """Send one command and return the raw answer."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.socket_path))
            connection.sendall(_packed(words))
            return connection.recv(65_536).decode()

    def names(self, pattern: str) -> list[str]:
        """Return the keys that match."""
        return _words(self.command("KEYS", pattern))

    def figures(self, name: str) -> dict[str, int]:
        """Return a hash of numbers; empty when there is none."""
        words = _words(self.command("HGETALL", name))
        return {key: int(value) for key, value in zip(words[::2], words[1::2], strict=True)}

    def _answers(self) -> bool:
        try:
            return self.command("PING").startswith("+PONG")
        except OSError:
            return False


def _words(answer: str) -> list[str]:
    lines = answer.split("\r\n")
    return [line for line in lines[1:] if line and not line.startswith("$")]


def _packed(words: tuple[str, ...]) -> bytes:
    parts = [f"*{len(words)}\r\n", *(f"${len(word.encode())}\r\n{word}\r\n" for word in words)]
    return "".join(parts).encode()
