"""The sentences under the fields of the section structs, read from their source.

The reference page and the JSON Schema are made from them, so that a field is explained once.
"""

import ast
import inspect
import itertools
from functools import cache

from msgspec import Struct


@cache
def field_docs(cls: type[Struct]) -> dict[str, str]:
    """Return field name -> its sentences on one line; fields without any are absent."""
    docs: dict[str, str] = {}
    for base in cls.__bases__:
        if issubclass(base, Struct) and base.__struct_fields__:
            docs |= field_docs(base)
    (body,) = (node.body for node in _class_nodes(cls))
    for field, after in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            sentence = _sentence(after)
            if sentence is not None:
                docs[field.target.id] = sentence
    return docs


def _class_nodes(cls: type[Struct]) -> list[ast.ClassDef]:
    module = inspect.getmodule(cls)
    source = inspect.getsource(module) if module is not None else ""
    return [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__
    ]


def _sentence(node: ast.stmt) -> str | None:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return " ".join(inspect.cleandoc(str(node.value.value)).split())
    return None
