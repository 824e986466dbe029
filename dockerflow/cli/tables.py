"""Columns for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence


def columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Columns as wide as their widest cell, two spaces between them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def print_table(rows: Sequence[tuple[str, ...]], indent: str = "") -> None:
    for line in columns(rows):
        print(indent + line)


def shortened(rows: Sequence[tuple[str, ...]], width: int, least: Mapping[int, int]) -> list[tuple[str, ...]]:
    """The rows no wider than `width` as far as that can be had by cutting the columns in `least`, the first first,
    each to no less than its number there.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for column, minimum in least.items():
        over = sum(widths) + 2 * (len(widths) - 1) - width
        widths[column] = max(min(widths[column], minimum), widths[column] - max(0, over))
    return [tuple(_cut(cell, room) for cell, room in zip(row, widths, strict=True)) for row in rows]


def _cut(cell: str, room: int) -> str:
    """`a, b, …`: whole parts of a list, or whole words, if one fits."""
    if len(cell) <= room:
        return cell
    head = cell[: room - 1]
    for separator in (", ", " "):
        if separator in head:
            return f"{head.rpartition(separator)[0]}{separator}…"
    return f"{head}…"


def print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
