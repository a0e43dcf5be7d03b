"""Conditions: one typed grammar for every rule, compiled once, that can also explain itself.

Owns the grammar, its check against a catalogue of fields, and the compiled condition. Knows no
rule, route or trace: those hand in their raw condition and the catalogue of what can be read.
The grammar and its rulings are written down in docs/reference/conditions.md.
"""

from pointsman.core.conditions.after_call import AFTER_CALL_FIELDS
from pointsman.core.conditions.catalogue import Catalogue, Field, FieldType
from pointsman.core.conditions.compile import Condition, compile_condition
from pointsman.core.conditions.glob import compile_glob, compile_globs
from pointsman.core.conditions.lint import unreachable_rules
from pointsman.core.conditions.pins import Pin, pins
from pointsman.core.conditions.problem import ConditionError
from pointsman.core.conditions.request_fields import REQUEST_FIELDS

__all__ = [
    "AFTER_CALL_FIELDS",
    "REQUEST_FIELDS",
    "Catalogue",
    "Condition",
    "ConditionError",
    "Field",
    "FieldType",
    "Pin",
    "compile_condition",
    "compile_glob",
    "compile_globs",
    "pins",
    "unreachable_rules",
]
