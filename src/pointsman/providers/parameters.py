"""What a provider cannot be told: refused, mapped to its nearest equivalent, or dropped.

The one place that decides it, by `providers.<name>.parameters`:

              carried exactly    has a nearest equivalent    has none
    strict    sent               refused                     refused
    map       sent               mapped                      refused
    drop      sent               mapped                      dropped

Nothing is silent: what was mapped or dropped is a line of `attempt.parameters_changed`, and a
refusal names parameter and provider. Lines and refusals never hold text of the conversation. Knows
no provider; what is carried, and what is nearest, is said by each family's `encode`.
"""

from typing import Literal, TypeAlias

import msgspec

from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass

ParameterMode: TypeAlias = Literal["strict", "map", "drop"]
UNSUPPORTED = "unsupported_parameter"

_encode = msgspec.json.Encoder().encode


class Parameters:
    """The changes made to one request for one provider. Made anew for every attempt.

    Args:
        mode: `providers.<name>.parameters`.
        provider_name: As configured, for refusals.
        changed: Gets the lines: the attempt's `parameters_changed`.
    """

    __slots__ = ("_changed", "_mode", "_provider_name")

    def __init__(self, mode: ParameterMode, provider_name: str, changed: list[str]) -> None:
        self._mode = mode
        self._provider_name = provider_name
        self._changed = changed

    def note(self, param: str, change: str) -> None:
        """Write down a change that loses nothing, such as a model's name or a default."""
        self._changed.append(f"{param}: {change}")

    def map(self, param: str, change: str) -> None:
        """Write down that the nearest equivalent is sent.

        Args:
            param: In the client's words, as in `temperature` or `tools.strict`.
            change: What became of it, as in `1.4 -> 1`; numbers and vendors' words only.

        Raises:
            UpstreamError: The mode is `strict`.
        """
        if self._mode == "strict":
            raise self.refusal(param, "cannot be carried exactly")
        self._changed.append(f"{param}: {change}")

    def drop(self, param: str) -> None:
        """Write down that a parameter without equivalent is left out.

        Raises:
            UpstreamError: The mode is not `drop`.
        """
        if self._mode != "drop":
            raise self.refusal(param, "is not supported")
        self._changed.append(f"{param}: dropped")

    def refusal(self, param: str, why: str) -> UpstreamError:
        """Return the error for what no mode may leave out, such as a part of the conversation.

        Args:
            param: In the client's words.
            why: Goes on after the parameter's name.
        """
        message = f"{param} {why} by provider {self._provider_name}"
        error = {
            "message": message,
            "type": "invalid_request_error",
            "param": param,
            "code": UNSUPPORTED,
        }
        return UpstreamError(
            message,
            FailureClass.CALLER_FAULT,
            upstream_status=400,
            upstream_code=UNSUPPORTED,
            upstream_body=_encode({"error": error}),
        )
