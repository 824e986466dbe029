"""A Python file as bytes in which only what the code means counts: no comments, no layout, no places.

`ast.dump` gives other texts in other versions of Python, and so would hashes of it differ between two machines. Here a
node is written as its kind and those of its fields that hold something: what later versions have added to a node is
empty in code that does not use it.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator

__all__ = ["hash_of_nodes", "parsed"]

# Fields that say where something stands, or how a text was written.
_LEFT_OUT = frozenset({"kind", "type_comment", "type_ignores", "ctx"})


def parsed(content: bytes) -> ast.Module | None:
    """The syntax tree of a file; None for what this Python cannot read."""
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def hash_of_nodes(nodes: Iterable[ast.AST]) -> str:
    """The same for nodes that mean the same in the same order."""
    hashed = hashlib.sha256()
    for node in nodes:
        for piece in _pieces(node):
            hashed.update(piece.encode("utf-8", "surrogatepass"))
    return hashed.hexdigest()


def _pieces(root: ast.AST) -> Iterator[str]:
    """Not by recursion: a long sum is as deep as it is long."""
    waiting: list[object] = [root]
    while waiting:
        item = waiting.pop()
        if isinstance(item, _Mark):
            yield item
        elif isinstance(item, ast.AST):
            yield f"({type(item).__name__}"
            waiting.append(_Mark(")"))
            fields = [(name, value) for name, value in ast.iter_fields(item) if _counts(item, name, value)]
            for name, value in reversed(fields):
                waiting += [value, _Mark(f" {name}=")]
        elif isinstance(item, list):
            yield "["
            waiting.append(_Mark("]"))
            waiting += reversed(item)
        else:
            yield f"{type(item).__name__}:{_constant(item)};"


class _Mark(str):
    """A piece of what comes out, and no constant of the code."""


def _counts(node: ast.AST, name: str, value: object) -> bool:
    if name in _LEFT_OUT:
        return False
    # The value of a constant may be None, and an item of a list may be nothing, as the key of `{**other}` is.
    return isinstance(node, ast.Constant) or (value is not None and value != [])


def _constant(value: object) -> str:
    # A number with thousands of digits is written in hexadecimal, or Python refuses.
    return hex(value) if type(value) is int else repr(value)
