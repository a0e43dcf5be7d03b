"""Well-known hosts that speak the OpenAI chat completions API, as data.

`telemetry_name` is the value of OpenTelemetry's `gen_ai.provider.name` (semantic conventions
v1.41.1) where that lists the vendor, and the preset's own name where it does not.
"""

from urllib.parse import urlsplit

from msgspec import Struct


class Preset(Struct, frozen=True, kw_only=True):
    """What is different at one vendor."""

    name: str
    telemetry_name: str
    base_url: str | None = None
    """None: the user has to give it, since it holds the name of a resource."""
    default_path: str = ""
    """Path for a base URL that the user wrote without one."""
    needs_key: bool = True
    metadata: str = "never"
    """When `metadata` is forwarded: `never`, `always`, or `with_store` (if `store` is true)."""
    takes_stream_options: bool = True
    """Whether `stream_options.include_usage` may be sent. Where not, usage comes unasked."""


PRESETS: tuple[Preset, ...] = (
    # https://platform.openai.com/docs/api-reference/chat/create (2026-11): 400 to `metadata`
    # without `store: true`.
    Preset(
        name="openai",
        telemetry_name="openai",
        base_url="https://api.openai.com/v1",
        metadata="with_store",
    ),
    # https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle (2026-11): the v1
    # endpoint `https://<resource>.openai.azure.com/openai/v1` takes the key as a bearer token.
    Preset(name="azure", telemetry_name="azure.ai.openai", metadata="with_store"),
    # https://docs.api.nvidia.com/nim/reference/llm-apis (2026-11)
    Preset(
        name="nvidia",
        telemetry_name="nvidia",
        base_url="https://integrate.api.nvidia.com/v1",
    ),
    # https://console.groq.com/docs/openai (2026-11)
    Preset(name="groq", telemetry_name="groq", base_url="https://api.groq.com/openai/v1"),
    # https://api-docs.deepseek.com (2026-11)
    Preset(
        name="deepseek",
        telemetry_name="deepseek",
        base_url="https://api.deepseek.com/v1",
        default_path="/v1",
    ),
    # https://docs.mistral.ai/api (2026-11): answers 422 `extra_forbidden` to
    # `stream_options.include_usage` and sends usage with the last chunk.
    Preset(
        name="mistral",
        telemetry_name="mistral_ai",
        base_url="https://api.mistral.ai/v1",
        default_path="/v1",
        takes_stream_options=False,
    ),
    # https://docs.together.ai/docs/openai-api-compatibility (2026-11)
    Preset(name="together", telemetry_name="together", base_url="https://api.together.xyz/v1"),
    # https://openrouter.ai/docs/api-reference/overview (2026-11)
    Preset(name="openrouter", telemetry_name="openrouter", base_url="https://openrouter.ai/api/v1"),
    # https://docs.x.ai/docs/api-reference (2026-11)
    Preset(name="xai", telemetry_name="x_ai", base_url="https://api.x.ai/v1"),
    # https://docs.perplexity.ai/api-reference/chat-completions-post (2026-11): no `/v1`; each chunk
    # carries usage.
    Preset(
        name="perplexity",
        telemetry_name="perplexity",
        base_url="https://api.perplexity.ai",
        takes_stream_options=False,
    ),
    # https://docs.fireworks.ai/tools-sdks/openai-compatibility (2026-11)
    Preset(
        name="fireworks",
        telemetry_name="fireworks",
        base_url="https://api.fireworks.ai/inference/v1",
    ),
    # https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html (2026-11)
    Preset(
        name="vllm",
        telemetry_name="vllm",
        base_url="http://localhost:8000/v1",
        default_path="/v1",
        needs_key=False,
    ),
    # https://github.com/ggml-org/llama.cpp/tree/master/tools/server (2026-11)
    Preset(
        name="llamacpp",
        telemetry_name="llamacpp",
        base_url="http://localhost:8080/v1",
        default_path="/v1",
        needs_key=False,
    ),
    # https://lmstudio.ai/docs/app/api/endpoints/openai (2026-11)
    Preset(
        name="lmstudio",
        telemetry_name="lmstudio",
        base_url="http://localhost:1234/v1",
        default_path="/v1",
        needs_key=False,
    ),
    # https://github.com/ollama/ollama/blob/main/docs/openai.md (2026-11)
    Preset(
        name="ollama",
        telemetry_name="ollama",
        base_url="http://localhost:11434/v1",
        default_path="/v1",
        needs_key=False,
    ),
)

PRESET_NAMES: frozenset[str] = frozenset(preset.name for preset in PRESETS)

_COMPATIBLE = Preset(name="openai", telemetry_name="openai", needs_key=False)
"""Some server that speaks the API: nothing is known of it but that."""


def find_preset(kind: str, base_url: str | None) -> Preset | None:
    """Return what is known of a configured provider; None for a kind that is no preset.

    `kind: openai` with the address of another known host gets that host's preset, so that
    `{kind: openai, base_url: "https://integrate.api.nvidia.com/v1"}` is NVIDIA in telemetry and in
    the judgement of its errors.
    """
    if kind == "openai" and base_url is not None:
        return _by_host(urlsplit(base_url).hostname or "")
    return next((preset for preset in PRESETS if preset.name == kind), None)


def _by_host(host: str) -> Preset:
    if host.endswith(".openai.azure.com"):
        return next(preset for preset in PRESETS if preset.name == "azure")
    for preset in PRESETS:
        # Keyless presets live on the user's own machine: the host says nothing about them.
        if preset.needs_key and preset.base_url and urlsplit(preset.base_url).hostname == host:
            return preset
    return _COMPATIBLE
