"""What is known about a request before any target is called.

Every value that a route condition or a filter may read is here and nowhere else, so that a stored
record can be decided again. Values are counts, names and labels; never prompt text.
"""

from msgspec import Struct, field


class Facts(Struct, kw_only=True, omit_defaults=True):
    """The readable properties of one request. Missing is None, not zero."""

    endpoint: str = "/v1/chat/completions"
    dialect: str = "openai.chat"
    operation: str = "chat"
    model: str = ""
    """The name the client sent; `auto` when it sent none."""
    stream: bool = False
    characters: int = 0
    """Unicode code points in the text of all messages; other parts of messages do not count."""
    estimated_input_tokens: int = 0
    """`ceil(characters / 4)` until an estimator per model says better."""
    message_count: int = 0
    max_output_tokens: int | None = None
    choice_count: int = 1
    tool_count: int = 0
    provider_tool_count: int = 0
    """Of these: tools that the provider executes itself, such as a web search."""
    image_count: int = 0
    json_schema: bool = False
    """Whether the request asks for output that follows a JSON schema."""
    complexity: str | None = None
    """`low` or `high`: given as metadata `complexity`, else computed by `routing.complexity`."""
    tenant: str | None = None
    tier: str | None = None
    """The plan of the tenant, for example `enterprise`; also readable as `plan`."""
    key: str | None = None
    """Name of the gateway key, never its secret."""
    user: str | None = None
    team: str | None = None
    customer: str | None = None
    feature: str | None = None
    environment: str | None = None
    workload: str | None = None
    run_id: str | None = None
    conversation_id: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    """Metadata of the request and `x-pointsman-tags`, at most 32 of at most 256 bytes."""
    provider_health: dict[str, str] = field(default_factory=dict)
    """Provider name -> `ok`, `degraded` or `down`, as read when the route was chosen."""
    primary_provider: str | None = None
    """Provider of the route's default target; `provider_health` alone reads its state."""
