"""Well-known hosts that speak the OpenAI APIs, as data.

`telemetry_name` is the value of OpenTelemetry's `gen_ai.provider.name` (semantic conventions
v1.41.1) where that lists the vendor, and the preset's own name where it does not.
"""

from urllib.parse import urlsplit

from msgspec import Struct

from pointsman.providers.openai import traits
from pointsman.providers.openai.passage import CHAT, EMBEDDINGS, RESPONSES
from pointsman.providers.openai.traits import Traits

_CHAT_ONLY = frozenset({CHAT})
_WITH_EMBEDDINGS = frozenset({CHAT, EMBEDDINGS})
_WITH_RESPONSES = frozenset({CHAT, RESPONSES})
_ALL = frozenset({CHAT, RESPONSES, EMBEDDINGS})


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
    dialects: frozenset[str] = _CHAT_ONLY
    """What it serves, by its own documentation; other dialects are translated to chat."""
    traits: Traits = traits.COMPATIBLE


PRESETS: tuple[Preset, ...] = (
    # https://platform.openai.com/docs/api-reference/chat/create (2026-11): 400 to `metadata`
    # without `store: true`.
    Preset(
        name="openai",
        telemetry_name="openai",
        dialects=_ALL,
        traits=traits.OPENAI,
        base_url="https://api.openai.com/v1",
        metadata="with_store",
    ),
    # https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle (2026-11): the v1
    # endpoint `https://<resource>.openai.azure.com/openai/v1` takes the key as a bearer token.
    Preset(
        name="azure",
        telemetry_name="azure.ai.openai",
        dialects=_ALL,
        traits=traits.OPENAI,
        metadata="with_store",
    ),
    # https://docs.api.nvidia.com/nim/reference/llm-apis (2026-11)
    Preset(
        name="nvidia",
        telemetry_name="nvidia",
        dialects=_WITH_EMBEDDINGS,
        base_url="https://integrate.api.nvidia.com/v1",
    ),
    # https://console.groq.com/docs/openai (2026-11): chat and Responses, no embeddings.
    Preset(
        name="groq",
        telemetry_name="groq",
        dialects=_WITH_RESPONSES,
        traits=traits.GROQ,
        base_url="https://api.groq.com/openai/v1",
    ),
    # https://api-docs.deepseek.com (2026-11)
    Preset(
        name="deepseek",
        telemetry_name="deepseek",
        traits=traits.DEEPSEEK,
        base_url="https://api.deepseek.com/v1",
        default_path="/v1",
    ),
    # https://docs.mistral.ai/api (2026-11): answers 422 `extra_forbidden` to
    # `stream_options.include_usage` and sends usage with the last chunk.
    Preset(
        name="mistral",
        telemetry_name="mistral_ai",
        dialects=_WITH_EMBEDDINGS,
        traits=traits.MISTRAL,
        base_url="https://api.mistral.ai/v1",
        default_path="/v1",
        takes_stream_options=False,
    ),
    # https://docs.together.ai/docs/openai-api-compatibility (2026-11): Responses for few models;
    # others may answer them malformed.
    Preset(
        name="together",
        telemetry_name="together",
        dialects=_WITH_EMBEDDINGS,
        base_url="https://api.together.xyz/v1",
    ),
    # https://openrouter.ai/docs/api-reference/overview (2026-11)
    Preset(
        name="openrouter",
        telemetry_name="openrouter",
        dialects=_ALL,
        traits=traits.OPENROUTER,
        base_url="https://openrouter.ai/api/v1",
    ),
    # https://docs.x.ai/docs/api-reference (2026-11)
    Preset(
        name="xai",
        telemetry_name="x_ai",
        dialects=_WITH_RESPONSES,
        traits=traits.XAI,
        base_url="https://api.x.ai/v1",
    ),
    # https://docs.perplexity.ai/api-reference/chat-completions-post (2026-11): no `/v1`; each chunk
    # carries usage.
    Preset(
        name="perplexity",
        telemetry_name="perplexity",
        traits=traits.PERPLEXITY,
        base_url="https://api.perplexity.ai",
        takes_stream_options=False,
    ),
    # https://docs.fireworks.ai/tools-sdks/openai-compatibility and /guides/response-api (2026-11)
    Preset(
        name="fireworks",
        telemetry_name="fireworks",
        dialects=_ALL,
        base_url="https://api.fireworks.ai/inference/v1",
    ),
    # https://docs.vllm.ai/en/stable/serving/online_serving.html (2026-11)
    Preset(
        name="vllm",
        telemetry_name="vllm",
        dialects=_ALL,
        traits=traits.VLLM,
        base_url="http://localhost:8000/v1",
        default_path="/v1",
        needs_key=False,
    ),
    # https://github.com/ggml-org/llama.cpp/tree/master/tools/server (2026-11)
    Preset(
        name="llamacpp",
        telemetry_name="llamacpp",
        dialects=_WITH_EMBEDDINGS,
        traits=traits.LLAMACPP,
        base_url="http://localhost:8080/v1",
        default_path="/v1",
        needs_key=False,
    ),
    # https://lmstudio.ai/docs/app/api/endpoints/openai (2026-11)
    Preset(
        name="lmstudio",
        telemetry_name="lmstudio",
        dialects=_ALL,
        base_url="http://localhost:1234/v1",
        default_path="/v1",
        needs_key=False,
    ),
)

_COMPATIBLE = Preset(
    name="openai", telemetry_name="openai", needs_key=False, dialects=_WITH_EMBEDDINGS
)
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
