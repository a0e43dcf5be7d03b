"""What a newcomer needs to see once an instance serves: where, and what to type."""

import shlex
import shutil
import sys
from pathlib import Path

import msgspec

from pointsman.config.data_folder import default_data_dir
from pointsman.config.environment import read_environment
from pointsman.config.root import LoadedConfig

_WIDTH = 20


def gateway_lines(loaded: LoadedConfig, port: int, data_dir: Path) -> list[str]:
    """Return where the gateway is and a request to try.

    Args:
        loaded: The configuration in force.
        port: The port that is listened on.
        data_dir: The data folder, for the commands that read it.
    """
    base = gateway_url(loaded, port)
    mocks = [name for name, each in loaded.config.providers.items() if each.kind == "mock"]
    body = msgspec.json.encode(
        {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
    ).decode()
    key = " -H 'authorization: Bearer <key>'" if loaded.config.keys else ""
    source = loaded.file or "from the environment"
    lines = [entry("Pointsman gateway", f"{base}/v1   (configuration {loaded.version}, {source})")]
    if mocks:
        names = ", ".join(mocks)
        lines.append(entry("Mock provider", f"{names}: answers cost nothing and need no key"))
    return [
        *lines,
        "Try it:",
        f"  curl {base}/v1/chat/completions -H 'content-type: application/json'{key} \\",
        f"    -d '{body}'",
        "Ask why:",
        f"  {own_command()} why last{data_dir_option(data_dir)}",
    ]


def gateway_url(loaded: LoadedConfig, port: int) -> str:
    """Return the address of the gateway, without a path."""
    host = loaded.config.server.host
    shown = f"[{host}]" if ":" in host else host
    scheme = "https" if loaded.config.server.tls_cert_file is not None else "http"
    return f"{scheme}://{shown}:{port}"


def own_command() -> str:
    """Return what to type to run this program again: its name when the shell would find it."""
    program = Path(sys.argv[0])
    found = shutil.which("pointsman")
    if found is not None and Path(found).resolve() == program.resolve():
        return "pointsman"
    try:
        return str(program.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(program)


def data_dir_option(data_dir: Path) -> str:
    """Return the option that leads to this data folder; nothing for the usual one."""
    if data_dir.absolute() == default_data_dir(read_environment()).absolute():
        return ""
    return f" --data-dir {shlex.quote(str(data_dir))}"


def entry(label: str, text: str) -> str:
    """Return one line of the banner."""
    return f"{label:<{_WIDTH}}{text}"


def show_link(label: str, url: str) -> None:
    """Print an address."""
    print(entry(label, url), flush=True)
