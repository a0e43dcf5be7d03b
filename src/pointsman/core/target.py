"""A target: a provider, a model and how to call it."""

from msgspec import Struct

from pointsman.core.capabilities import Capabilities


class Timeouts(Struct, frozen=True, kw_only=True):
    """Limits of one attempt, in seconds. Each phase has its own."""

    connect_s: float = 5.0
    """Name lookup, TCP and TLS, over all addresses."""
    first_token_s: float = 60.0
    """From the request sent to the first byte of the answer's body."""
    idle_s: float = 30.0
    """Between two pieces of the answer."""
    total_s: float = 300.0
    """The whole attempt."""


LOAD_S = 30.0
"""For reading a model from disk into memory."""
READING_SPEEDUP = 8
"""How much faster a prompt is read than an answer is written, at least."""
PATIENCE = 2.0
"""A call may take so many times what is expected."""


class LocalRun(Struct, frozen=True, kw_only=True):
    """How a server on own hardware (Ollama) is to run a model. None leaves it to the server."""

    windows: tuple[int, ...] = ()
    """Sizes of context that may be asked for, in tokens, the smallest first; none names none."""
    keep_alive: str | int | None = None
    """How long the model stays in memory after a call: `5m`, `24h`, 0 unloads it, -1 keeps it."""
    tokens_per_second: float | None = None
    """Rate at which it writes; limits of time follow from it."""
    total_s: float = 300.0
    """The configured limit of an attempt, before the rate raised it."""

    def reading_s(self, prompt_tokens: int) -> float:
        """Return how long the first token may take at that rate; 0 where none is known."""
        if self.tokens_per_second is None:
            return 0.0
        return LOAD_S + PATIENCE * prompt_tokens / (self.tokens_per_second * READING_SPEEDUP)

    def writing_s(self, output_tokens: int) -> float:
        """Return how long an answer may take at that rate; 0 where none is known."""
        if self.tokens_per_second is None:
            return 0.0
        return PATIENCE * output_tokens / self.tokens_per_second


class Target(Struct, frozen=True, kw_only=True):
    """Something that may be called."""

    name: str
    """The configured name, or `provider/model` for a model nobody declared."""
    provider: str
    model: str
    """The model name as the provider knows it; it may hold slashes."""
    timeouts: Timeouts = Timeouts()
    context_tokens: int | None = None
    """Size of the model's context; None is unknown and excludes nothing."""
    capabilities: Capabilities = Capabilities()
    """What the model takes, without the size of its context."""
    region: str | None = None
    """Where the model runs; None is unknown, which no residency rule lets pass."""
    max_concurrent: int | None = None
    """Calls under way at once; None is no limit."""
    max_wait_s: float = 1.0
    """How long a call waits for room among them."""
    health: str | None = None
    """A health state pinned by the operator (`ok`, `degraded`, `down`); None is observed."""
    local: LocalRun | None = None
    """Set where a server on own hardware is told how to run the model."""
