"""The graph of a run as a small SVG: a box for each step with its colour, and arrows along the columns of `layout`.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import html
from itertools import islice
from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple

from dockerflow.client.layout import Edge, Layout, Place, layout
from dockerflow.client.markup import COLOURS, GREY, Html, cut, note
from dockerflow.lazy_dataclasses import dataclass

# More steps than this are no picture.
MOST = 80

_LETTER = 7.2  # how wide one is, about
_LONGEST = 26  # letters in a box
_WIDE = "\u2e80"  # Chinese, Japanese and Korean ones begin here, and are twice as wide
_HEIGHT = 40
_GAP = 34  # between columns
_ROW = 58
_EDGE = 8  # around it all
_ABOVE = 30  # for edges that lead back


@dataclass(frozen=True)
class Box:
    """A step: its status, and what is told below its name. `several`: it has, or may have, more than one task."""

    name: str
    status: str
    told: str
    several: bool = False


class _Area(NamedTuple):
    """Where columns begin and end, and where row 0 is."""

    columns: Sequence[Tuple[float, float]]
    middle: float

    def y(self, place: Place) -> float:
        return self.middle + place[1] * _ROW


def picture(boxes: Mapping[str, Box], following: Mapping[str, Sequence[str]]) -> Html:
    if len(boxes) > MOST:
        return note(f"{len(boxes):,} steps are too many for a picture")
    if not boxes:
        return Html("")
    found = layout(following)
    lowest = max(abs(row) for _, row in found.places.values())
    lowest = max([lowest, *(abs(row) for route in found.routes.values() for _, row in route)])
    above = _ABOVE if found.back else 0
    area = _Area(_columns(boxes, found), _EDGE + above + lowest * _ROW + _HEIGHT / 2)
    width, height = area.columns[-1][1] + _EDGE + 4, area.middle + lowest * _ROW + _HEIGHT / 2 + _EDGE
    arrows = [_arrow(route, area, _went(boxes, edge)) for edge, route in found.routes.items()]
    arrows += [_back(edge, found, area, _went(boxes, edge)) for edge in found.back]
    drawn = [_box(boxes[name], place, area) for name, place in found.places.items()]
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    style = "font:12px system-ui,-apple-system,sans-serif;max-width:none"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{style}">{"".join([*arrows, *drawn])}</svg>'
    return Html(f'<div class="dkf-wide">{svg}</div>')


def _columns(boxes: Mapping[str, Box], found: Layout) -> List[Tuple[float, float]]:
    widths: Dict[int, float] = {}
    for name, (column, _) in found.places.items():
        longest = max(_letters(_short(name)), _letters(boxes[name].told) * 0.9)
        widths[column] = max(widths.get(column, 70.0), longest * _LETTER + 22)
    ends: List[Tuple[float, float]] = []
    for column in sorted(widths):
        left = ends[-1][1] + _GAP if ends else float(_EDGE)
        ends.append((left, left + widths[column]))
    return ends


def _letters(text: str) -> int:
    return sum(2 if letter >= _WIDE else 1 for letter in text)


def _short(name: str) -> str:
    return cut(name, _LONGEST)


def _went(boxes: Mapping[str, Box], edge: Edge) -> bool:
    """Whether the run has come to both ends of an edge."""
    return all(boxes[name].status for name in edge)


def _box(box: Box, place: Place, area: _Area) -> str:
    left, right = area.columns[place[0]]
    top, width, colour = area.y(place) - _HEIGHT / 2, right - left, COLOURS.get(box.status, GREY)
    shape = f'width="{width:.1f}" height="{_HEIGHT}" rx="7" stroke="{colour}" stroke-width="1.5"'
    dashes = "" if box.status else ' stroke-dasharray="4 3"'
    behind = f'<rect x="{left + 4:.1f}" y="{top + 4:.1f}" {shape} fill="none" opacity=".55"/>' if box.several else ""
    body = f'<rect x="{left:.1f}" y="{top:.1f}" {shape}{dashes} fill="{colour}" fill-opacity=".15"/>'
    x, y = (left + right) / 2, top + (18 if box.told else 25)
    name = _text(_short(box.name), x, y, 'font-weight="600"')
    told = _text(box.told, x, y + 14, 'font-size="10.5" opacity=".75"') if box.told else ""
    title = html.escape(f"{box.name}: {box.status or 'not begun'}")
    return f"<g><title>{title}</title>{behind}{body}{name}{told}</g>"


def _text(text: str, x: float, y: float, style: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" {style}>{html.escape(text)}</text>'


def _arrow(route: Sequence[Place], area: _Area, went: bool) -> str:
    points = [(area.columns[route[0][0]][1], area.y(route[0]))]
    for place in route[1:-1]:
        left, right = area.columns[place[0]]
        points += [(left, area.y(place)), (right, area.y(place))]
    points.append((area.columns[route[-1][0]][0] - 1, area.y(route[-1])))
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for number, ((x, y), (to_x, to_y)) in enumerate(zip(points, islice(points, 1, None))):
        half = (x + to_x) / 2
        curve = f"C{half:.1f} {y:.1f} {half:.1f} {to_y:.1f} "
        path += f"{'L' if number % 2 else curve}{to_x:.1f} {to_y:.1f}"
    x, y = points[-1]
    return _line(path, f"M{x - 6:.1f} {y - 3.5:.1f}L{x:.1f} {y:.1f}L{x - 6:.1f} {y + 3.5:.1f}", went)


def _back(edge: Edge, found: Layout, area: _Area, went: bool) -> str:
    """Over the top, from the right of one step to the left of another or of itself."""
    start, end = (found.places[name] for name in edge)
    x, y = area.columns[start[0]][1] - 16, area.y(start) - _HEIGHT / 2
    to_x, to_y = area.columns[end[0]][0] + 16, area.y(end) - _HEIGHT / 2
    high = min(y, to_y) - _ABOVE
    path = f"M{x:.1f} {y:.1f}C{x:.1f} {high:.1f} {to_x:.1f} {high:.1f} {to_x:.1f} {to_y - 1:.1f}"
    return _line(
        path, f"M{to_x - 3.5:.1f} {to_y - 7:.1f}L{to_x:.1f} {to_y - 1:.1f}L{to_x + 3.5:.1f} {to_y - 7:.1f}", went
    )


def _line(path: str, head: str, went: bool) -> str:
    style = 'stroke-opacity=".55"' if went else 'stroke-opacity=".35" stroke-dasharray="4 3"'
    return f'<path d="{path}" fill="none" stroke="currentColor" {style}/>{_head(head, went)}'


def _head(path: str, went: bool) -> str:
    return f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity="{".55" if went else ".35"}"/>'
