"""What well-known models take: images, tools, tools in streams, JSON schemas, how long a context.

Everything else stays unknown and excludes nothing. A target's own `capabilities` and
`context_tokens` win. Looked up when a configuration is compiled, and once
for each model that nobody declared.
"""

from fnmatch import fnmatchcase
from functools import lru_cache

from msgspec.structs import replace

from pointsman.core.capabilities import Capabilities

_K = 1000
_TEXT_ONLY = Capabilities(vision=False, tools=True)

_CLAUDE = Capabilities(vision=True, tools=True, tools_in_streams=True, json_schema=True)

_GEMINI = Capabilities(
    vision=True, tools=True, tools_in_streams=True, json_schema=True, context_tokens=1_048_576
)

# Provider kind (`*` is any), glob over the model -> what it takes. The first match counts.
# A wrong "no" turns away what would have been served, a missing one costs an attempt: what no page
# in reach confirms is left unknown, and what only others than the vendor say is marked so.
_TABLE: tuple[tuple[str, str, Capabilities], ...] = (
    # Schemas in `response_format` begin with gpt-4o-mini and gpt-4o-2024-08-06, functions are taken
    # by gpt-3.5-turbo, gpt-4, gpt-4-turbo and gpt-4o alike (the vendor, read 2026-11):
    # https://community.openai.com/t/introducing-structured-outputs/896022
    # Images, audio and the o series by somebody's calls of each model (not the vendor, 2026-11):
    # https://community.openai.com/t/developer-role-not-accepted-for-o1-o1-mini-o3-mini/1110750/7
    ("*", "gpt-3.5-turbo*", Capabilities(vision=False, tools=True, json_schema=False)),
    ("*", "gpt-4o-2024-05-13", Capabilities(vision=True, tools=True, json_schema=False)),
    ("*", "gpt-4o*-audio-preview*", Capabilities(vision=False, tools=True, json_schema=False)),
    # No tools among its parameters (not the vendor); whether it takes images is told both ways.
    ("*", "gpt-4o*-search-preview*", Capabilities(tools=False)),
    (
        "*",
        "gpt-4o*",
        Capabilities(vision=True, tools=True, json_schema=True, context_tokens=128 * _K),
    ),
    # Images and schemas: https://ai.azure.com/catalog/models/gpt-4.1 (read 2026-11). The context is
    # confirmed by others than the vendor only.
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
    # Speech, pictures and vectors are models of their own; what those take is left unknown.
    ("gemini", "gemini-embedding-*", Capabilities(tools=False, json_schema=False)),
    ("gemini", "gemini-*-tts*", Capabilities()),
    ("gemini", "gemini-*-image*", Capabilities()),
    ("gemini", "gemini-*-live*", Capabilities()),
    # Images, functions, schemas and the input limit of 2.5:
    # https://cloud.google.com/vertex-ai/generative-ai/docs/models/gemini/2-5-flash, of Gemini 3:
    # https://ai.google.dev/gemini-api/docs/gemini-3 (the vendor, read 2026-11).
    ("gemini", "gemini-2.5-*", _GEMINI),
    ("gemini", "gemini-3*-pro*", _GEMINI),
    ("gemini", "gemini-3*-flash*", _GEMINI),
    # Images, tools, contexts: https://platform.claude.com/docs/en/models/<model>/overview, schemas
    # from 4.5 on: /docs/en/build-with-claude/structured-outputs (the vendor, read 2026-11). Older
    # models are told a schema in words. Sonnet 4.5 had a larger context on demand.
    ("anthropic", "claude-haiku-4-5*", replace(_CLAUDE, context_tokens=200 * _K)),
    ("anthropic", "claude-opus-4-5*", replace(_CLAUDE, context_tokens=200 * _K)),
    ("anthropic", "claude-sonnet-4-5*", _CLAUDE),
    ("anthropic", "claude-[34]-*", replace(_CLAUDE, json_schema=None)),
    ("anthropic", "claude-*-4-[01]*", replace(_CLAUDE, json_schema=None)),
    ("anthropic", "claude-*-4-2025*", replace(_CLAUDE, json_schema=None)),
    ("anthropic", "claude-*", replace(_CLAUDE, context_tokens=1000 * _K)),
    # JSON only as `json_object`: https://platform.deepseek.com/api-docs/guides/json_mode (2026-11).
    # Images are unknown: newer models behind the same names may take them.
    ("deepseek", "deepseek-*", Capabilities(json_schema=False)),
    # Tools in llama3.1, mistral and mistral-nemo by others than the vendor, the rest not confirmed
    # by any page in reach. Not the whole of mistral*: mistral-small3.1 and mistral-large-3 take
    # images (https://ollama.com/search?q=mistral-large-3, read 2026-11).
    ("ollama", "llama3", Capabilities(vision=False, tools=False)),
    ("ollama", "llama3:*", Capabilities(vision=False, tools=False)),
    ("ollama", "llama3.1", _TEXT_ONLY),
    ("ollama", "llama3.1:*", _TEXT_ONLY),
    ("ollama", "mistral", _TEXT_ONLY),
    ("ollama", "mistral:*", _TEXT_ONLY),
    ("ollama", "mistral-nemo*", _TEXT_ONLY),
    ("ollama", "gemma:*", Capabilities(vision=False, tools=False)),
    ("ollama", "gemma2*", Capabilities(vision=False, tools=False)),
    # Tools by use of others (not the vendor); images not confirmed by any page in reach, and not
    # contradicted: https://console.groq.com/docs/vision (read 2026-11) names other models.
    ("groq", "llama-3.1-*", _TEXT_ONLY),
    ("groq", "llama-3.3-*", _TEXT_ONLY),
)


@lru_cache(maxsize=1024)
def known_capabilities(kind: str, model: str) -> Capabilities:
    """Return what is known of a model.

    Args:
        kind: Of its provider: `openai`, a preset, `anthropic` …
        model: As the provider names it; names with an organisation before them are not known.
    """
    for of_kind, pattern, takes in _TABLE:
        if of_kind in ("*", kind) and fnmatchcase(model, pattern):
            return takes
    return Capabilities()
