"""What a server takes of a translated request, as far as servers of this API differ.

Only used where a client speaks another dialect: requests in the server's own are passed through
and judged by itself. Sources stand with each preset in `presets`.
"""

from fnmatch import fnmatchcase

from msgspec import Struct

# https://platform.openai.com/docs/guides/reasoning (read 2026-11): instructions to reasoning models
# have the role `developer`. o1-mini and o1-preview take neither.
_DEVELOPER_MODELS = ("o1", "o1-20*", "o3*", "o4*", "gpt-5*")


class Traits(Struct, frozen=True, kw_only=True):
    """One server's ways."""

    output_limit: str = "max_tokens"
    """`max_tokens`, or OpenAI's newer `max_completion_tokens`."""
    seed: str = "seed"
    knows_developers: bool = False
    """Whether instructions to its reasoning models have the role `developer`."""
    reasoning: str = "effort"
    """How to say how much to think: `effort` (`reasoning_effort`), `object` (OpenRouter's
    `reasoning`) or `none`."""
    reasoning_back: str | None = None
    """Under which key it takes the reasoning of earlier answers: `reasoning_content`,
    `reasoning_details`; None takes none."""
    takes_schemas: bool = True
    """Whether output can be made to follow a JSON schema; JSON itself it always can."""
    takes_part_lists: bool = True
    """Whether content that is text only may be a list of parts."""
    takes_files: bool = False
    takes_cache_marks: bool = False
    """Whether `cache_control` may stand at parts; others cache by themselves."""
    max_stops: int | None = None
    takes_unknown_fields: bool = True
    """Whether messages may hold fields that it does not know; some answer 400 to them."""
    lacks: frozenset[str] = frozenset()
    """Parameters that it refuses, by OpenAI's names; `name` is that of a message."""

    def instruction_role(self, model: str) -> str:
        """Return the role of instructions to a model."""
        if self.knows_developers and any(
            fnmatchcase(model, pattern) for pattern in _DEVELOPER_MODELS
        ):
            return "developer"
        return "system"


_OPENAI_ONLY = frozenset({"verbosity", "service_tier"})

COMPATIBLE = Traits(lacks=_OPENAI_ONLY)
"""Of a server that nothing is known about."""

# https://platform.openai.com/docs/api-reference/chat/create (2026-11): no `top_k`, at most four
# stop sequences, `max_tokens` deprecated.
OPENAI = Traits(
    takes_unknown_fields=False,
    output_limit="max_completion_tokens",
    knows_developers=True,
    takes_files=True,
    max_stops=4,
    lacks=frozenset({"top_k"}),
)
# https://console.groq.com/docs/openai (2026-11): 400 to log probabilities, names of messages and
# more than one choice.
GROQ = Traits(
    takes_unknown_fields=False,
    output_limit="max_completion_tokens",
    max_stops=4,
    lacks=frozenset({"top_k", "logprobs", "top_logprobs", "name", "n", "verbosity"}),
)
# https://api-docs.deepseek.com/api/create-chat-completion (2026-11): JSON mode without schemas,
# content is one string.
DEEPSEEK = Traits(
    reasoning="none",
    takes_schemas=False,
    takes_part_lists=False,
    lacks=_OPENAI_ONLY | {"top_k", "n", "seed", "parallel_tool_calls", "user"},
)
# https://docs.mistral.ai/api (2026-11): 422 to every parameter that it does not know.
MISTRAL = Traits(
    takes_unknown_fields=False,
    seed="random_seed",
    reasoning="none",
    lacks=_OPENAI_ONLY | {"top_k", "logprobs", "top_logprobs", "user", "name"},
)
# https://openrouter.ai/docs/api-reference/parameters and
# https://openrouter.ai/docs/use-cases/reasoning-tokens (2026-11)
OPENROUTER = Traits(
    reasoning="object",
    reasoning_back="reasoning_details",
    takes_files=True,
    takes_cache_marks=True,
    lacks=frozenset({"n", "service_tier"}),
)
# https://docs.x.ai/docs/api-reference (2026-11)
XAI = Traits(
    output_limit="max_completion_tokens", lacks=frozenset({"top_k", "verbosity", "service_tier"})
)
# https://docs.perplexity.ai/api-reference/chat-completions-post (2026-11)
PERPLEXITY = Traits(
    lacks=_OPENAI_ONLY | {"n", "seed", "logprobs", "top_logprobs", "parallel_tool_calls", "user"}
)
# https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html (2026-11)
VLLM = Traits(reasoning_back="reasoning_content", lacks=_OPENAI_ONLY)
# https://github.com/ggml-org/llama.cpp/tree/master/tools/server (2026-11)
LLAMACPP = Traits(reasoning="none", reasoning_back="reasoning_content", lacks=_OPENAI_ONLY)
