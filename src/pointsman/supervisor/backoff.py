"""How long to wait before a role that ended is started again."""


class Backoff:
    """Doubles the wait with each quick end; a life of some length forgives them all.

    Args:
        first_s: After the first end.
        longest_s: The wait never grows beyond this.
        healthy_s: A life at least this long starts the counting anew.
    """

    __slots__ = ("_first_s", "_healthy_s", "_longest_s", "ends")

    def __init__(
        self, *, first_s: float = 1.0, longest_s: float = 30.0, healthy_s: float = 60.0
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._healthy_s = healthy_s
        self.ends = 0
        """Ends in a row without a healthy life between them."""

    def after(self, lived_s: float) -> float:
        """Return the seconds to wait after a life of `lived_s` has ended."""
        if lived_s >= self._healthy_s:
            self.ends = 0
        self.ends += 1
        # The exponent is bounded: 2 ** 10_000 is no float.
        return min(self._first_s * 2.0 ** min(self.ends - 1, 30), self._longest_s)
