"""`providers`: whom the gateway may call, and with which credential."""

from msgspec import field

from pointsman.config.section import Secret, Section


class ProviderConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider."""

    kind: str
    """`openai` (any OpenAI-compatible API), a preset such as `groq`, or `mock`."""
    base_url: str | None = None
    """Up to and including `/v1`; presets know theirs."""
    api_key: Secret | None = None
    default: bool = False
    """Gets the models that nobody declared, with their names unchanged."""
    ca_file: str | None = None
    """PEM file with the certificate authorities to trust instead of the system's."""
    headers: dict[str, Secret] = field(default_factory=dict)
    """Extra headers on every upstream request."""
    max_connections: int = 512
    """Connections open at once to this provider; further calls wait within their deadline."""
    health: str | None = None
    """Pin the health state (`ok`, `degraded`, `down`) instead of observing it."""
    script: str | None = None
    """For `mock`: path of a script with latencies, chunks, errors and cuts."""
    forwards_metadata: bool | None = None
    """Whether this provider takes `metadata`; None asks the preset."""
