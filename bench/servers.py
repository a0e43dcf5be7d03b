"""Starting what is measured, each pinned to its core: upstream, nginx, the prototype, Pointsman."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.scenario import ANSWER

LOAD_CORE = 0
SERVER_CORE = (os.cpu_count() or 1) - 1
_START_TIMEOUT_S = 15.0

_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  {content}
}}
"""
_UPSTREAM = """
  server {{
    listen 127.0.0.1:{port};
    location / {{ default_type application/json; return 200 '{answer}'; }}
  }}
"""
_PROXY = """
  upstream provider {{
    server 127.0.0.1:{upstream};
    keepalive 128;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def started(arguments: list[str], port: int, core: int, log: Path) -> Iterator[subprocess.Popen]:
    """Run a server on one core until the block ends."""
    pinned = ["taskset", "-c", str(core), *arguments] if shutil.which("taskset") else arguments
    with log.open("ab") as stream:
        process = subprocess.Popen(pinned, stdout=stream, stderr=subprocess.STDOUT)
    try:
        _wait(process, port, log)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _wait(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"nothing listens on {port}:\n{log.read_text(errors='replace')}")


@contextlib.contextmanager
def upstream(folder: Path) -> Iterator[int]:
    """A provider that answers the same completion as fast as nginx can."""
    port = free_port()
    content = _UPSTREAM.format(port=port, answer=ANSWER.decode())
    with _nginx(folder / "upstream", content, port, LOAD_CORE):
        yield port


@contextlib.contextmanager
def nginx_proxy(folder: Path, upstream_port: int) -> Iterator[tuple[int, int]]:
    port = free_port()
    content = _PROXY.format(port=port, upstream=upstream_port)
    with _nginx(folder / "proxy", content, port, SERVER_CORE) as process:
        yield port, process.pid


@contextlib.contextmanager
def _nginx(folder: Path, content: str, port: int, core: int) -> Iterator[subprocess.Popen]:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "nginx.conf"
    file.write_text(_NGINX.format(folder=folder, content=content))
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with started([program, "-c", str(file)], port, core, folder / "log.txt") as process:
        yield process


@contextlib.contextmanager
def bare(folder: Path, upstream_port: int) -> Iterator[tuple[int, int]]:
    port = free_port()
    arguments = [sys.executable, "-m", "bench.bare", str(port), str(upstream_port)]
    with started(arguments, port, SERVER_CORE, folder / "bare.txt") as process:
        yield port, process.pid


@contextlib.contextmanager
def pointsman(
    folder: Path, upstream_port: int, *, extra: str = "", name: str = "pointsman"
) -> Iterator[tuple[int, int]]:
    """The gateway as a user would run it: keys, routes, journal, content capture.

    The gateway alone: what the collector then does with the journal is paid on another core and
    is not part of a request.
    """
    port = free_port()
    file = folder / f"{name}.yaml"
    file.write_text(CONFIG.format(port=port, upstream=upstream_port) + extra)
    arguments = [
        str(Path(sys.executable).parent / "pointsman"),
        "gateway",
        "--config",
        str(file),
        "--data-dir",
        str(folder / f"{name}-data"),
    ]
    with started(arguments, port, SERVER_CORE, folder / f"{name}.txt") as process:
        yield port, process.pid


CONFIG = """
server: {{port: {port}}}
providers:
  upstream:
    kind: openai
    base_url: "http://127.0.0.1:{upstream}/v1"
    api_key: "bench-upstream-credential"
targets:
  small: {{provider: upstream, model: gpt-4o-mini}}
  large: {{provider: upstream, model: gpt-4o}}
routes:
  auto:
    rules:
      - {{when: {{chars: "<= 1000"}}, use: small, reason: short_prompt_default}}
      - {{use: large, reason: long_prompt_upgrade}}
    failover: [large]
keys:
  bench: {{key: "bench-gateway-key-0123456789", tenant: acme, plan: pro}}
"""
KEY = "bench-gateway-key-0123456789"
