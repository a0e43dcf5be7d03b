"""Tells a record in words, as a tree, and flat. Everything is generated from codes and values.

    paragraph   one paragraph for people
    tree        the same with every value, as an indented tree
    flat        the two flat records, for logs and programs
    as_json     the record itself

Pure functions over `core.records.CallRecord`; they never raise, whatever a record holds, and print
no number that is not the record's own. Text that callers or providers wrote is cleaned of control
characters before it is printed: a model name must not be able to move a terminal's cursor.
"""

from pointsman.core.explain.flat import as_json, flat, flat_cost, flat_route
from pointsman.core.explain.outline import Line, render, tree, tree_lines
from pointsman.core.explain.story import paragraph
from pointsman.core.explain.words import reason_sentence

__all__ = [
    "Line",
    "as_json",
    "flat",
    "flat_cost",
    "flat_route",
    "paragraph",
    "reason_sentence",
    "render",
    "tree",
    "tree_lines",
]
