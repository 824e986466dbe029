"""The solver's report of a conflict, in words that name requirements and what stands against them.

The report is a tree: a package `would require` a spec, a spec `cannot be installed` with the packages that could give
it below. It is rewritten to sentences (`pandas 1.5.3 needs numpy >=1.20,<2`), chains on one line, and each end of a
branch says what is there instead. Lines in a form that is not known are kept as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field

from dockerflow.lazy_dataclasses import dataclass

# A person reads the first lines; conflicts over many builds of one package repeat themselves.
MOST_LINES = 16

_INTRODUCTION = "Cannot solve the request because of: "
_BRANCHES = "│├└─ "
_LEVEL = 3  # characters of branches per level
_NEEDS = re.compile(r"(?P<what>.+) would require")
_MISSING = re.compile(r"No candidates were found for (?P<top>.+)\.|(?P<what>.+), for which no candidates were found\.")
_BAD = re.compile(r"(?P<what>.+?),?(?: which)? cannot be installed because there are no viable options:")
_GOOD = re.compile(r"(?P<what>.+?),?(?: which)? can be installed with any of the following options:")
_CONFLICT = re.compile(r"(?P<what>.+), which conflicts with the versions reported above\.")
_LATER = re.compile(r"(?P<what>.+) is excluded because due to strict channel priority .* from: '(?P<channel>.+)'")
_PACKAGE = re.compile(r"\S+ \S+( \| \S+)*")
_ROOT = "The following packages are incompatible"


@dataclass
class Node:
    text: str
    children: list[Node] = field(default_factory=list)


def missing(report: str) -> set[str]:
    """The specs at the ends of branches, for which nothing was left."""
    ends = [_MISSING.fullmatch(line.strip(_BRANCHES)) for line in _lines(report)]
    return {end["top"] or end["what"] for end in ends if end}


def readable(report: str, instead: Callable[[str], str]) -> list[str]:
    """Lines for people. `instead` says of a spec for which nothing is left what stands against it."""
    top = [child for node in _parse(report) for child in (node.children if node.text == _ROOT else [node])]
    lines = list(dict.fromkeys(line for node in top for line in _requirement(node, instead)))
    if len(lines) > MOST_LINES:
        return [*lines[:MOST_LINES], f"… and {len(lines) - MOST_LINES} more lines like these"]
    return lines


def _lines(report: str) -> list[str]:
    return [line for line in report.removeprefix(_INTRODUCTION).splitlines() if line.strip()]


def _parse(report: str) -> list[Node]:
    root = Node("")
    path = [root]
    for line in _lines(report):
        text = line.lstrip(_BRANCHES)
        node = Node(text.rstrip())
        del path[(len(line) - len(text)) // _LEVEL + 1 :]
        path[-1].children.append(node)
        path.append(node)
    return root.children


def _requirement(node: Node, instead: Callable[[str], str]) -> list[str]:
    """A requirement of the user, who knows it: what the packages that could give it need says enough."""
    if _offer(node) and any(child.children for child in node.children):
        return [line for child in node.children for line in _render(child, instead)]
    return _render(node, instead)


def _render(node: Node, instead: Callable[[str], str]) -> list[str]:
    if match := _MISSING.fullmatch(node.text):
        what = match["top"] or match["what"]
        return [f"{_plain(what)}, {instead(what)}"]
    if match := _CONFLICT.fullmatch(node.text):
        return [_plain(match["what"])]
    if match := _LATER.fullmatch(node.text):
        return [
            f"{match['what']} is on `{match['channel'].rstrip('/')}`, after a channel that has other versions of it"
        ]
    if match := _offer(node):
        return _spec(node, _plain(match["what"]), instead)
    below = [line for child in node.children for line in _render(child, instead)]
    if match := _NEEDS.fullmatch(node.text):
        return _joined(f"{_plain(match['what'])} needs", below)
    return _joined(node.text, below)


def _spec(node: Node, what: str, instead: Callable[[str], str]) -> list[str]:
    """A spec with the packages that could give it.

    Where one of them only collides with another branch, or is there, the spec itself is what collides, and what the
    others lack besides would lead astray.
    """
    if any(_collides(child) for child in node.children):
        return [what]
    below = [line for child in node.children for line in _render(child, instead)]
    return [f"{what}:", *(f"  {line}" for line in below)]


def _collides(node: Node) -> bool:
    return not node.children and any(form.fullmatch(node.text) for form in (_CONFLICT, _PACKAGE))


def _offer(node: Node) -> re.Match[str] | None:
    return _BAD.fullmatch(node.text) or _GOOD.fullmatch(node.text)


def _joined(start: str, below: list[str]) -> list[str]:
    """A package and what it needs: one need on its line, with what is below that one; several on lines of their own."""
    if below and all(line.startswith("  ") for line in below[1:]):
        return [f"{start} {below[0]}", *below[1:]]
    return [start, *(f"  {line}" for line in below)]


def _plain(spec: str) -> str:
    """A spec as users write it: `pandas *` is `pandas`, `pandas ==1.5.3` is `pandas 1.5.3`."""
    return spec.removesuffix(" *").replace(" ==", " ")
