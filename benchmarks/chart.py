"""Bars as an SVG, for the pages of docs/: the same bytes for the same figures."""

from __future__ import annotations

from html import escape

WIDTH, LABEL, ROW = 720, 230, 26


def bars(title: str, unit: str, figures: dict[str, float]) -> str:
    """One bar for each name, in order, from zero on."""
    most, room = max(figures.values()), WIDTH - LABEL - 110
    height = ROW * len(figures) + 44
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" '
        'font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="10" y="22" font-weight="bold">{escape(title)}</text>',
    ]
    for number, (name, figure) in enumerate(figures.items()):
        top = 36 + ROW * number
        length = max(1.0, room * figure / most)
        fill = "#2b6cb0" if name.startswith("dockerflow") else "#a0aec0"
        lines += [
            f'<text x="{LABEL - 8}" y="{top + 14}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LABEL}" y="{top}" width="{length:.1f}" height="{ROW - 8}" fill="{fill}"/>',
            f'<text x="{LABEL + length + 6:.1f}" y="{top + 14}">{figure:,.1f} {escape(unit)}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
