"""Lets a streamed text through no faster than it can be judged.

A value may be split over any number of chunks. So the end of the text is held back: what is let
through ends where judging both parts by themselves gives what judging the whole gives, and nothing
of a value that has begun is in front of that. A value must show itself within the held back
characters (a card number, the begin of a token or of a private key do); from then on it is held
until it ends, however long it is, up to `MAX_PENDING_CHARACTERS`.
"""

from collections.abc import Callable

from pointsman.policy.prompt.examination import Found, Scanned

MAX_PENDING_CHARACTERS = 16_384
"""A value that has not ended after so many characters is replaced, and what follows is judged by
itself."""
_TRIES = 4


class TextWindow:
    """The held back end of one text of one stream.

    Args:
        scan: Judges a text; without side effects.
        hold_characters: How much is held back.
    """

    __slots__ = ("_hold", "_pending", "_scan", "found")

    def __init__(self, scan: Callable[[str], Scanned], hold_characters: int) -> None:
        self._scan = scan
        self._hold = hold_characters
        self._pending = ""
        self.found: Found = {}
        """What was found in the text that was let through last. What is still held back does not
        count: the digits that follow may yet show that a card number is none."""

    def feed(self, text: str) -> str:
        """Add text; return what may be let through now, judged."""
        self.found = {}
        self._pending += text
        if len(self._pending) <= self._hold:
            return ""
        whole = self._scan(self._pending)
        limit = len(self._pending) - self._hold
        if not whole.found:
            return self._release(self._boundary(limit), None)
        for _ in range(_TRIES):
            cut = self._boundary(limit)
            if cut == 0:
                break
            head, tail = self._scan(self._pending[:cut]), self._scan(self._pending[cut:])
            if _is_sum(whole, head, tail):
                return self._release(cut, head)
            limit = cut // 2
        if len(self._pending) > self._hold + MAX_PENDING_CHARACTERS:
            return self._release(len(self._pending), whole)
        return ""

    def flush(self) -> str:
        """Return the rest, judged; the text is over."""
        whole = self._scan(self._pending)
        return self._release(len(self._pending), whole)

    def _release(self, cut: int, judged: Scanned | None) -> str:
        text = self._pending[:cut] if judged is None else judged.text
        self.found = {} if judged is None else judged.found
        self._pending = self._pending[cut:]
        return text

    def _boundary(self, limit: int) -> int:
        """Return the last end of a word up to `limit`; `limit` itself in long runs without one.

        A word is not cut where it can be helped: the rest of a long number may look like a card's.
        """
        cut = max(self._pending.rfind(" ", 0, limit), self._pending.rfind("\n", 0, limit)) + 1
        return cut if cut or limit <= self._hold else limit


def _is_sum(whole: Scanned, head: Scanned, tail: Scanned) -> bool:
    """Tell whether two parts by themselves show every rule what the whole shows it."""
    both = zip(head.marked, tail.marked, strict=True)
    return [one + other for one, other in both] == whole.marked
