"""Facts and tables below titles, as `inspect` shows them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from shutil import get_terminal_size

from dockerflow.cli.tables import print_table, shortened
from dockerflow.cli.words import size

# What is left of a column that is cut: of a hash enough to know it by.
_SHORT = 13


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """What is not known is left out."""
    rows = [(f"{title}:" if title else "", value) for title, value in facts if value]
    if rows:
        print_table(rows, "  ")


def print_section(title: str, rows: Sequence[tuple[str, ...]], longest: int | None = None) -> None:
    """A table below its title, where it has rows. `longest` is the column that is cut on a narrow terminal."""
    if not rows:
        return
    print(f"\n{title}")
    if longest is not None and sys.stdout.isatty():
        rows = shortened(rows, get_terminal_size().columns - 2, {longest: _SHORT})
    print_table(rows, "  ")


def memory(count: int) -> str:
    """Empty where nobody has measured it."""
    return size(count) if count else ""
