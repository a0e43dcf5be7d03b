"""The models that a server of own hardware holds in memory, as far as it tells.

Only such servers have one. What is read here is shown to operators; no request waits for it.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct


class Resident(Struct, frozen=True, kw_only=True):
    """A model in memory."""

    model: str
    """As the server names it."""
    context_tokens: int | None = None
    """The window it was loaded with; None where the server does not say."""
    size_bytes: int = 0
    """In all."""
    vram_bytes: int = 0
    """Of that on the graphics card; the rest is computed by the processor, slowly."""
    expires_at: str | None = None
    """When it leaves unless it is called again, ISO 8601; None where the server does not say."""


@runtime_checkable
class ModelMemory(Protocol):
    """A provider whose server tells what it holds; others have no such method."""

    async def resident_models(self) -> Sequence[Resident] | None:
        """Return the models in memory now, within some seconds.

        Returns:
            None when the server does not answer, or not with a list.
        """
        ...
