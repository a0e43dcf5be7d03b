"""`providers`: whom the gateway may call, and with which credential."""

from typing import Annotated, Literal

from msgspec import Meta, field

from pointsman.config.section import Positive, Secret, Section


class ProviderConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider."""

    kind: str
    """`openai` (any OpenAI-compatible API), a preset such as `groq`, `anthropic`, `gemini`,
    `ollama`, or `mock`."""
    base_url: str | None = None
    """Up to and including `/v1`; presets and vendors' own APIs know theirs."""
    api_key: Secret | None = None
    """The credential, at best from a variable: `"${OPENAI_API_KEY}"`. Mocks and servers on this
    machine or a private network need none."""
    default: bool = False
    """Gets the models that nobody declared, with their names unchanged."""
    ca_file: str | None = None
    """PEM file with the certificate authorities to trust instead of the system's. A relative path
    begins at the folder of the configuration file."""
    proxy: Secret | None = None
    """HTTP proxy that every connection is tunnelled through (CONNECT), `http://user:pass@host:port`
    or, best, a variable. Absent, `https_proxy` and `no_proxy` of the environment count for https
    addresses; `none` connects directly."""
    headers: dict[str, Secret] = field(default_factory=dict)
    """Extra headers on every upstream request."""
    max_connections: Positive = 512
    """Connections open at once to this provider; further calls wait within their deadline."""
    region: str | None = None
    """Where its models run, as `residency` names places; targets may say otherwise."""
    health: Literal["ok", "degraded", "down"] | None = None
    """Pin the health state (`ok`, `degraded`, `down`) instead of observing it."""
    script: str | None = None
    """For `mock`: file with latencies, chunks, errors and cuts. A relative path begins at the
    folder of the configuration file."""
    parameters: Literal["strict", "map", "drop"] = "drop"
    """What becomes of parameters that this provider cannot be told in a client's other dialect:
    `strict` refuses them, `map` uses the nearest equivalent and refuses what has none, `drop` uses
    it and drops what has none. Each change is in the attempt's record."""
    dialects: list[Literal["openai.chat", "openai.responses", "openai.embeddings"]] | None = None
    """For servers of OpenAI's APIs: those that it serves itself; absent, the preset says. Requests
    in another dialect are translated to chat completions."""
    num_ctx: Positive | list[Positive] | None = None
    """For `ollama`: the size of the context in tokens, or several of which the smallest that a
    request fits is taken. Each size is a load of its own. Targets may say otherwise."""
    keep_alive: str | int | None = None
    """For `ollama`: how long a model stays in memory after a call: `5m`, `24h`, 0 unloads it at
    once, -1 keeps it. Absent is the server's own default."""
    tokens_per_second: Annotated[float, Meta(gt=0)] | None = None
    """For `ollama`: the rate at which its models write; the limits of time are raised to what
    an answer takes at that rate."""
    max_resident: Positive | None = None
    """For `ollama`: models that may be in memory at once; others are unloaded before one more is
    called. Absent leaves that to the server."""
    forwards_metadata: bool | None = None
    """Whether this provider takes `metadata`; absent, the preset says."""
