"""Columns for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence


def columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Columns as wide as their widest cell, two spaces between them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def print_table(rows: Sequence[tuple[str, ...]], indent: str = "") -> None:
    for line in columns(rows):
        print(indent + line)


def print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
