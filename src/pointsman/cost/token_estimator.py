"""How many tokens a text has, per model, learnt from what providers report.

No tokenizer is loaded: each model starts at four characters a token, and every measured call moves
its ratio. Input and output are apart, for a prompt carries schemas and markup that its characters
do not count. Figures live in memory and start anew with the process; nothing that must be decided
the same again later rests on them.
"""

from collections import OrderedDict

from msgspec import Struct

from pointsman.core.usage import Usage
from pointsman.cost.usage import CHARACTERS_PER_TOKEN

MAX_MODELS = 1024
MIN_CHARACTERS = 200
"""Shorter texts say little: the frame around a message weighs more than they do."""
_WEIGHT = 0.05
"""Of one call. A model's ratio is learnt after some dozens, and one odd text moves it little."""
_LEAST, _MOST = 0.5, 8.0
"""Characters per token beyond which a report is a fault or no text: Chinese is at about one,
source code and English at three to five."""


class _Ratio(Struct):
    input: float = float(CHARACTERS_PER_TOKEN)
    output: float = float(CHARACTERS_PER_TOKEN)


class TokenEstimator:
    """Characters per token of the models that were called lately."""

    __slots__ = ("_ratios",)

    def __init__(self) -> None:
        self._ratios: OrderedDict[str, _Ratio] = OrderedDict()

    def observe(
        self, model: str, input_characters: int, output_characters: int, usage: Usage
    ) -> None:
        """Learn from a call that its provider measured.

        Args:
            model: As the provider names it.
            input_characters: Of the prompt's texts.
            output_characters: Of the answer, reasoning and tool arguments included.
            usage: As reported; an estimate teaches nothing.
        """
        if usage.estimated:
            return
        ratio = self._ratio(model)
        ratio.input = _moved(ratio.input, input_characters, usage.input_tokens)
        ratio.output = _moved(ratio.output, output_characters, usage.output_tokens)

    def input_tokens(self, model: str, characters: int) -> int:
        """Return the estimate for a prompt, rounded up."""
        ratio = self._ratios.get(model)
        return _tokens(characters, ratio.input if ratio is not None else CHARACTERS_PER_TOKEN)

    def output_tokens(self, model: str, characters: int) -> int:
        """Return the estimate for an answer, rounded up."""
        ratio = self._ratios.get(model)
        return _tokens(characters, ratio.output if ratio is not None else CHARACTERS_PER_TOKEN)

    def ratios(self) -> dict[str, tuple[float, float]]:
        """Return model -> characters per token of input and output."""
        return {model: (ratio.input, ratio.output) for model, ratio in self._ratios.items()}

    def _ratio(self, model: str) -> _Ratio:
        ratio = self._ratios.get(model)
        if ratio is None:
            if len(self._ratios) >= MAX_MODELS:
                self._ratios.popitem(last=False)
            ratio = self._ratios[model] = _Ratio()
        return ratio


def _moved(ratio: float, characters: int, tokens: int | None) -> float:
    if not tokens or characters < MIN_CHARACTERS:
        return ratio
    seen = characters / tokens
    if not _LEAST <= seen <= _MOST:
        return ratio
    return ratio + _WEIGHT * (seen - ratio)


def _tokens(characters: int, ratio: float) -> int:
    return -int(-max(0, characters) // ratio)
