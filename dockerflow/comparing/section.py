"""One part of what is said of two runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.manifest import ArtifactRef

# The text of an artifact of the task with this pathspec, as the image of its step shows it.
Text = Callable[[str, ArtifactRef], str]


@dataclass(frozen=True)
class Asked:
    """`only` these parts, or all; of the artifacts these `names`, or all; `every`: all tasks, not only the first of
    each step. `texts` are asked for the values of the first and the second run, where that is wanted."""

    only: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    every: bool = False
    texts: tuple[Text, Text] | None = None


@dataclass(frozen=True)
class Section:
    """`same` is None for a part that tells no difference that counts. `facts` are for programs."""

    name: str
    same: bool | None
    summary: str = ""
    lines: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
