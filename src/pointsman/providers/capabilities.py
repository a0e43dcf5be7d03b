"""What well-known models take: images, tools, tools in streams, JSON schemas, how long a context.

Only what a vendor states is here; everything else stays unknown and excludes nothing. A target's
own `capabilities` and `context_tokens` win. Looked up when a configuration is compiled, and once
for each model that nobody declared.
"""

from fnmatch import fnmatchcase
from functools import lru_cache

from pointsman.core.capabilities import Capabilities

_K = 1000
_TEXT_ONLY = Capabilities(vision=False, tools=True)

# Provider kind (`*` is any), glob over the model -> what it takes. The first match counts.
_TABLE: tuple[tuple[str, str, Capabilities], ...] = (
    # https://platform.openai.com/docs/models and /docs/guides/structured-outputs (read 2026-11):
    # schemas from gpt-4o-2024-08-06 on, images from gpt-4-turbo on, none of both before.
    ("*", "gpt-3.5-turbo*", Capabilities(vision=False, tools=True, json_schema=False)),
    ("*", "gpt-4o-2024-05-13", Capabilities(vision=True, tools=True, json_schema=False)),
    ("*", "gpt-4o*-audio-preview*", Capabilities(vision=False, tools=True)),
    ("*", "gpt-4o*-search-preview*", Capabilities(vision=False, tools=False)),
    (
        "*",
        "gpt-4o*",
        Capabilities(vision=True, tools=True, json_schema=True, context_tokens=128 * _K),
    ),
    (
        "*",
        "gpt-4.1*",
        Capabilities(vision=True, tools=True, json_schema=True, context_tokens=1_047_576),
    ),
    (
        "*",
        "gpt-4-turbo*",
        Capabilities(vision=True, tools=True, json_schema=False, context_tokens=128 * _K),
    ),
    (
        "*",
        "gpt-4",
        Capabilities(vision=False, tools=True, json_schema=False, context_tokens=8192),
    ),
    ("*", "o1-mini*", Capabilities(vision=False, tools=False, json_schema=False)),
    ("*", "o3-mini*", Capabilities(vision=False, tools=True, json_schema=True)),
    # https://api-docs.deepseek.com/guides/json_mode (read 2026-11): text only, no schemas.
    ("deepseek", "deepseek-*", Capabilities(vision=False, json_schema=False)),
    # https://ollama.com/search?c=tools and ?c=vision (read 2026-11).
    ("ollama", "llama3", Capabilities(vision=False, tools=False)),
    ("ollama", "llama3:*", Capabilities(vision=False, tools=False)),
    ("ollama", "llama3.1*", _TEXT_ONLY),
    ("ollama", "mistral*", _TEXT_ONLY),
    ("ollama", "gemma:*", Capabilities(vision=False, tools=False)),
    ("ollama", "gemma2*", Capabilities(vision=False, tools=False)),
    # https://console.groq.com/docs/models (read 2026-11).
    ("groq", "llama-3.1-*", _TEXT_ONLY),
    ("groq", "llama-3.3-*", _TEXT_ONLY),
)


@lru_cache(maxsize=1024)
def known_capabilities(kind: str, model: str) -> Capabilities:
    """Return what is known of a model.

    Args:
        kind: Of its provider: `openai` or a preset.
        model: As the provider names it; names with an organisation before them are not known.
    """
    for of_kind, pattern, takes in _TABLE:
        if of_kind in ("*", kind) and fnmatchcase(model, pattern):
            return takes
    return Capabilities()
