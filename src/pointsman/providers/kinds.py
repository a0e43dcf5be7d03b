"""What `kind` of a provider may be, for the checks of a configuration."""

from pointsman.providers.openai.presets import PRESETS

MOCK = "mock"
ANTHROPIC = "anthropic"
GEMINI = "gemini"
OLLAMA = "ollama"

KNOWN_KINDS: frozenset[str] = frozenset(
    {MOCK, ANTHROPIC, GEMINI, OLLAMA, *(one.name for one in PRESETS)}
)
"""`openai` for any compatible server, a preset, an API family of its own, or `mock`."""
KEYLESS_KINDS: frozenset[str] = frozenset(
    {MOCK, OLLAMA, *(one.name for one in PRESETS if not one.needs_key)}
)
"""Those that need no credential."""
KINDS_WITHOUT_ADDRESS: frozenset[str] = frozenset(
    one.name for one in PRESETS if one.base_url is None
)
"""Those whose `base_url` nobody else can know."""
