"""Finding and replacing: text in, text with markers such as `[redacted: email]` out.

Owns the loop over the detectors and the way into JSON. Clean text costs a few substring searches;
markers are never looked into, so that redacting twice changes nothing. A `Redactor` is made once
and holds no text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec import Struct, field

from pointsman.core.redaction.detectors import DETECTORS, Detector
from pointsman.core.redaction.patterns import WrittenPattern

MAX_JSON_BYTES = 33_554_432
"""A larger document is not taken apart but replaced as a whole."""
MAX_JSON_DEPTH = 100
"""Values nested more deeply are replaced as a whole."""

TOO_LARGE = "too_large"
TOO_DEEP = "too_deep"

_SHORTEST = 6
_SHORTEST_KEY_OF_LETTERS = 20
_LONGEST_NAME = 64
_MAX_PASSES = 6
_SMALLEST_LONG_NUMBER = 100_000_000_000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_UNICODE_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Redacted(Struct, frozen=True):
    """Text without what was found in it."""

    text: str
    counts: dict[str, int] = field(default_factory=dict)
    """Entity type -> how many were replaced; never the values."""


class Redactor:
    """Replaces personal data and secrets by markers.

    Args:
        detectors: What to look for, in order of precedence.
        patterns: More of it: entity type -> regular expression, applied after the detectors.
            They take linear time, see `patterns`.

    Raises:
        ValueError: A name is not `[a-z][a-z0-9_]*`, or an expression is malformed or matches
            empty text.
    """

    __slots__ = ("_groups", "_marker", "_reads_joined")

    def __init__(
        self,
        detectors: Iterable[Detector] = DETECTORS,
        patterns: Mapping[str, str] | None = None,
    ) -> None:
        # Another author's pattern may look at the ends of a text, which a joined one has not.
        rows = [*detectors, *(_of_pattern(*each) for each in (patterns or {}).items())]
        self._reads_joined = {id(row) for row in rows} <= {id(row) for row in DETECTORS}
        names = sorted({row.name for row in rows} | {TOO_LARGE, TOO_DEEP})
        self._marker = re.compile(rf"\[redacted: (?:{'|'.join(names)})\]")
        # Rows that stand together and share a trigger are skipped by one search for it.
        self._groups: list[tuple[str | re.Pattern[str], list[Detector]]] = []
        for row in rows:
            if not self._groups or self._groups[-1][0] != row.trigger:
                self._groups.append((row.trigger, []))
            self._groups[-1][1].append(row)

    def redact(self, text: str) -> Redacted:
        """Replace everything that the detectors find.

        The time is linear in the length of the text. Call it off the event loop for texts of more
        than a few hundred kilobytes.
        """
        if len(text) < _SHORTEST or (len(text) < _SHORTEST_KEY_OF_LETTERS and text.isalpha()):
            return Redacted(text)

        counts: dict[str, int] = {}
        for _ in range(_MAX_PASSES):
            before = text
            text = self._pass(text, counts)
            # A marker ends the word it stands in, so something beside it may be found only now.
            if text is before:
                break
        return Redacted(text, counts)

    def redact_json(self, raw: bytes) -> tuple[bytes, dict[str, int]]:
        """Redact every string value of a JSON document, keys excepted; long integers too.

        Never raises: what is not JSON is redacted as text, and what is too large or too deep is
        replaced by a marker. The document is written anew, so a repeated key cannot hide a value.
        """
        if len(raw) > MAX_JSON_BYTES:
            return _encode(marker(TOO_LARGE)), {TOO_LARGE: 1}
        try:
            document = _decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            redacted = self.redact(_unescaped(raw.decode("utf-8", "replace")))
            return redacted.text.encode("utf-8", "replace"), redacted.counts

        counts: dict[str, int] = {}
        if self._reads_joined and self._is_clear(document):
            return _encode(document), counts
        return _encode(self._redact_value(document, 0, counts)), counts

    def _is_clear(self, document: object) -> bool:
        """Tell that nothing in a document would be replaced; False only asks to look closely.

        Many texts are searched at once, with quotes between them: no detector counts a quote as
        part of a word, so what it finds in a text by itself it finds there too. Names and ids are
        apart from prose: the date in a model's name would have all of it searched for numbers.
        """
        # hot path: bench/redaction.py; half the time of searching each text of a chat body
        texts = _texts(document)
        if texts is None:
            return False
        names = [text for text in texts if len(text) <= _LONGEST_NAME]
        if len(names) == len(texts):
            return self._finds_nothing('"'.join(names))
        prose = [text for text in texts if len(text) > _LONGEST_NAME]
        return self._finds_nothing('"'.join(names)) and self._finds_nothing('"'.join(prose))

    def _finds_nothing(self, joined: str) -> bool:
        for trigger, rows in self._groups:
            if trigger in joined if isinstance(trigger, str) else trigger.search(joined):
                for row in rows:
                    if _may_match(row, joined) and row.pattern.search(joined) is not None:
                        return False
        return True

    def _pass(self, text: str, counts: dict[str, int]) -> str:
        for trigger, rows in self._groups:
            if trigger in text if isinstance(trigger, str) else trigger.search(text) is not None:
                for row in rows:
                    if _may_match(row, text):
                        text = self._apply(row, text, counts)
        return text

    def _apply(self, row: Detector, text: str, counts: dict[str, int]) -> str:
        pieces: list[str] = []
        done = 0
        for start, end in self._spans(row, text):
            pieces.append(text[done:start])
            pieces.append(marker(row.name))
            done = end
        if not pieces:
            return text

        counts[row.name] = counts.get(row.name, 0) + len(pieces) // 2
        pieces.append(text[done:])
        return "".join(pieces)

    def _spans(self, row: Detector, text: str) -> Iterator[tuple[int, int]]:
        """Yield what to replace, between the markers that are there already."""
        position = 0
        for found in self._marker.finditer(text) if "[redacted: " in text else ():
            yield from _matches(row, text, position, found.start())
            position = found.end()
        yield from _matches(row, text, position, len(text))

    def _redact_value(self, value: object, depth: int, counts: dict[str, int]) -> object:
        """Return what to put in the place of `value`; containers are changed in place."""
        if isinstance(value, str):
            return self._redact_text(value, value, counts)
        if isinstance(value, dict | list):
            if depth == MAX_JSON_DEPTH:
                _add(counts, {TOO_DEEP: 1})
                return marker(TOO_DEEP)

            places = value.items() if isinstance(value, dict) else enumerate(value)
            for place, inner in places:
                kept = self._redact_value(inner, depth + 1, counts)
                if kept is not inner:
                    # The place exists, so a dict keeps its size while it is walked.
                    value[place] = kept
        elif isinstance(value, int) and abs(value) >= _SMALLEST_LONG_NUMBER:
            return self._redact_text(value, str(value), counts)
        return value

    def _redact_text(self, value: object, text: str, counts: dict[str, int]) -> object:
        redacted = self.redact(text)
        if not redacted.counts:
            return value
        _add(counts, redacted.counts)
        return redacted.text


def _texts(document: object) -> list[str] | None:
    """Return every text and long integer in a document; None when it is nested too deeply."""
    texts: list[str] = []
    level = [document]
    for _ in range(MAX_JSON_DEPTH):
        below: list[object] = []
        for value in level:
            match value:  # a class pattern costs a quarter of a call of `isinstance`
                case str():
                    texts.append(value)
                case dict():
                    below += value.values()
                case list():
                    below += value
                case int() if not -_SMALLEST_LONG_NUMBER < value < _SMALLEST_LONG_NUMBER:
                    texts.append(str(value))
        if not below:
            return texts
        level = below
    return None


def marker(name: str) -> str:
    """Return what stands in place of an entity: `[redacted: email]`."""
    return f"[redacted: {name}]"


def _of_pattern(name: str, expression: str) -> Detector:
    if _NAME.match(name) is None:
        raise ValueError(f"{name!r} must be small letters, digits and underscores")
    try:
        pattern = WrittenPattern(expression)
    except ValueError as error:
        raise ValueError(f"the pattern of {name!r} must be usable: {error}") from None
    return Detector(name=name, pattern=pattern)


def _may_match(row: Detector, text: str) -> bool:
    needles = row.needles
    # hot path: bench/redaction.py; a loop costs a third of `any` with a generator
    for needle in needles:
        if needle in text:
            return True
    return not needles


def _matches(row: Detector, text: str, position: int, end: int) -> Iterator[tuple[int, int]]:
    pattern = row.pattern
    if isinstance(pattern, WrittenPattern):
        # One pass over this piece: RE2's binding walks a text from its begin for every call.
        for start, stop in pattern.spans(text[position:end]):
            yield position + start, position + stop
        return
    while position < end:
        found = pattern.search(text, position, end)
        if found is None:
            return

        group = row.group if row.group >= 0 else (found.lastindex or 0)
        start, stop = found.span(group)
        if row.check is not None:
            stop = start + row.check(found[group])
        if start < stop:
            yield start, stop
            position = max(stop, start + 1)
        else:
            position = found.start() + 1 if row.overlaps else max(found.end(), position + 1)


def _add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


def _unescaped(text: str) -> str:
    r"""Undo `\u0040` in what is nearly JSON, or an address could hide behind its escapes."""
    if "\\u" not in text:
        return text
    return _UNICODE_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
