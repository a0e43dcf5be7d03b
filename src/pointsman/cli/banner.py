"""What a newcomer needs to see once an instance serves: where, and what to type."""

import msgspec

from pointsman.config.root import LoadedConfig

_WIDTH = 20


def gateway_lines(loaded: LoadedConfig, port: int) -> list[str]:
    """Return where the gateway is and a request to try.

    Args:
        loaded: The configuration in force.
        port: The port that is listened on.
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
        "  pointsman why last",
    ]


def gateway_url(loaded: LoadedConfig, port: int) -> str:
    """Return the address of the gateway, without a path."""
    host = loaded.config.server.host
    shown = f"[{host}]" if ":" in host else host
    scheme = "https" if loaded.config.server.tls_cert_file is not None else "http"
    return f"{scheme}://{shown}:{port}"


def entry(label: str, text: str) -> str:
    """Return one line of the banner."""
    return f"{label:<{_WIDTH}}{text}"


def show_link(label: str, url: str) -> None:
    """Print an address."""
    print(entry(label, url), flush=True)
