"""How large a context to ask for, and how long an answer may take at the rate of the hardware.

Ollama cuts a prompt that does not fit its context without a word. So the smallest configured
window that holds prompt and answer is asked for (the cache of a context takes memory by its size),
a prompt that fits none is refused here, the server is told to refuse instead of cutting, and what
it says it has read is compared with the estimate afterwards. What it has read of earlier prompts
raises the estimate where a model makes more tokens of its texts; it never lowers it, since one text
is not like another and a guess that is too low is a cut.
"""

from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from pointsman.core.canonical.conversation import Conversation
from pointsman.core.canonical.parts import ImagePart, Part, TextPart, ToolResultPart
from pointsman.core.canonical.parts import output_characters as characters_of
from pointsman.core.target import READING_SPEEDUP, LocalRun, Timeouts

TOKENS_PER_10_CHARACTERS = 3
"""More than the four characters per token of English, since a guess that is too low is a cut."""
LEARNT_MARGIN = 1.1
"""What was read of earlier prompts is a mean: the next one may have more tokens."""
MIN_LEARNT_BYTES = 2000
"""Of shorter prompts the template, and what the server adds to it, is too large a part."""
TOKENS_PER_MESSAGE = 8
"""For the template around each."""
TOKENS_PER_IMAGE = 1024
DEFAULT_OUTPUT_TOKENS = 1024
"""Room for an answer whose length the client did not bound."""


class Window(Struct, frozen=True):
    """What was chosen for one request."""

    prompt_tokens: int
    """Estimated."""
    size: int | None
    """None leaves it to the server."""


class Measured(NamedTuple):
    """What a model reads of a conversation."""

    size_bytes: int
    """Of its texts, tools and schemas."""
    messages: int
    images: int


class TooLongError(Exception):
    """The prompt fits no window."""

    def __init__(self, prompt_tokens: int, largest: int) -> None:
        super().__init__(f"a prompt of about {prompt_tokens} tokens, a context of {largest}")
        self.prompt_tokens = prompt_tokens
        self.largest = largest


def choose_window(prompt_tokens: int, conversation: Conversation, local: LocalRun | None) -> Window:
    """Return the smallest window that holds prompt and answer.

    A prompt that fits only without all of the answer's room gets the largest window.

    Args:
        prompt_tokens: As `estimate_tokens` says.
        conversation: How long its answer may be.
        local: Knows the windows.

    Raises:
        TooLongError: The prompt alone fits none.
    """
    windows = local.windows if local is not None else ()
    if not windows:
        return Window(prompt_tokens, None)
    if prompt_tokens >= windows[-1]:
        raise TooLongError(prompt_tokens, windows[-1])
    needed = prompt_tokens + (conversation.max_output_tokens or DEFAULT_OUTPUT_TOKENS)
    size = next((window for window in windows if window >= needed), windows[-1])
    return Window(prompt_tokens, size)


def estimate_tokens(measured: Measured, learnt: Callable[[int], int]) -> int:
    """Return about how many tokens a prompt has, rather too many than too few.

    Args:
        measured: The prompt.
        learnt: Bytes -> tokens, by what the model has read of earlier prompts.
    """
    size = measured.size_bytes
    guessed = -(-size * TOKENS_PER_10_CHARACTERS // 10)
    # No tokenizer makes more tokens than there are bytes; a mean beyond that is of templates.
    by_experience = min(size, int(learnt(size) * LEARNT_MARGIN))
    return (
        max(guessed, by_experience)
        + TOKENS_PER_MESSAGE * (measured.messages + 1)
        + TOKENS_PER_IMAGE * measured.images
    )


def teaches(measured: Measured) -> bool:
    """Tell whether the count of tokens that were read says something of the text."""
    return measured.size_bytes >= MIN_LEARNT_BYTES and not measured.images


def measure(conversation: Conversation) -> Measured:
    """Return what a model reads of a conversation."""
    characters = sum(_size(part.text) for part in conversation.system)
    images = 0
    for turn in conversation.turns:
        for part in turn.parts:
            in_part, of_images = _measure(part)
            characters += in_part
            images += of_images
    for tool in conversation.tools:
        characters += (
            len(tool.name) + _size(tool.description or "") + len(bytes(tool.schema or b""))
        )
    if conversation.output is not None:
        characters += len(bytes(conversation.output.schema or b""))
    return Measured(characters, len(conversation.turns), images)


def was_cut(window: Window, read_tokens: int | None) -> bool:
    """Tell whether the server seems to have read much less than it was sent.

    It cuts to the window or to half of it. Estimates are rough, so only a prompt that fills a good
    part of the window counts, and only a count far below it.
    """
    if read_tokens is None or window.size is None or not read_tokens:
        return False
    return window.prompt_tokens > window.size // 2 and read_tokens * 2 < window.prompt_tokens


def limits_for(
    timeouts: Timeouts, window: Window, conversation: Conversation, local: LocalRun
) -> Timeouts:
    """Return the limits of an attempt, raised to what the rate of the hardware asks for.

    Args:
        timeouts: Of the target. Its total is what the largest window may take, which bounds the
            whole call; the attempt gets what its own prompt and answer ask for.
        window: Of this request.
        conversation: Whether it is streamed, and how long its answer may be.
        local: Knows the rate, and the total as configured.
    """
    rate = local.tokens_per_second
    if rate is None:
        return timeouts
    first_s = local.reading_s(window.prompt_tokens)
    output_tokens = conversation.max_output_tokens or DEFAULT_OUTPUT_TOKENS
    total_s = first_s + local.writing_s(output_tokens)
    if not conversation.stream:
        # A whole answer has its first byte when it has been written.
        first_s = total_s
    return Timeouts(
        connect_s=timeouts.connect_s,
        first_token_s=max(timeouts.first_token_s, first_s),
        idle_s=max(timeouts.idle_s, local.writing_s(READING_SPEEDUP)),
        total_s=max(local.total_s, total_s),
    )


def _measure(part: Part | TextPart | ImagePart) -> tuple[int, int]:
    """Return characters and images of a part."""
    match part:
        case TextPart():
            return _size(part.text), 0
        case ImagePart():
            return 0, 1
        case ToolResultPart():
            measured = [_measure(inner) for inner in part.parts]
            return sum(size for size, _ in measured), sum(count for _, count in measured)
        case _:
            return characters_of([part]), 0


def _size(text: str) -> int:
    """Return the bytes of a text: scripts that take more bytes a character take more tokens."""
    return len(text) if text.isascii() else len(text.encode())
