"""Which dialect is spoken on which path of the gateway."""

from collections.abc import Mapping

from pointsman.core.dialect import Dialect
from pointsman.dialects.anthropic_messages.dialect import AnthropicMessages, AnthropicTokenCount
from pointsman.dialects.openai_chat.dialect import OpenAiChat
from pointsman.dialects.openai_embeddings.dialect import OpenAiEmbeddings
from pointsman.dialects.openai_responses.dialect import OpenAiResponses


def spoken_dialects() -> Mapping[str, Dialect]:
    """Return path -> dialect; errors of other paths are told in the first."""
    return {
        "/v1/chat/completions": OpenAiChat(),
        "/v1/responses": OpenAiResponses(),
        "/v1/embeddings": OpenAiEmbeddings(),
        "/v1/messages": AnthropicMessages(),
        "/v1/messages/count_tokens": AnthropicTokenCount(),
    }
