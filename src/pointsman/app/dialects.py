"""Which dialect is spoken on which path of the gateway."""

from collections.abc import Mapping

from pointsman.core.dialect import Dialect
from pointsman.dialects.openai_chat.dialect import OpenAiChat


def spoken_dialects() -> Mapping[str, Dialect]:
    """Return path -> dialect; errors of other paths are told in the first."""
    return {"/v1/chat/completions": OpenAiChat()}
