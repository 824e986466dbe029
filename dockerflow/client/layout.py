"""Where the steps of a graph stand in a picture, and which way its edges take.

Steps stand in columns, each to the right of all that lead to it, and an edge that passes a column has a place of its
own there, so that it runs behind no step. Edges that lead back, as those of a step that repeats itself, are told apart.
The same graph has the same layout.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from itertools import islice
from typing import Dict, List, Mapping, Sequence, Tuple

from dockerflow.lazy_dataclasses import dataclass

# So often the places in each column are set right by their neighbours in the columns beside it.
_SWEEPS = 4

Edge = Tuple[str, str]
Place = Tuple[int, float]  # the column, and the row: 0 is the middle, and less is above it


@dataclass(frozen=True)
class Layout:
    """`routes` are the places that each edge goes by, its two ends among them; `back` are the edges that lead back."""

    places: Mapping[str, Place]
    routes: Mapping[Edge, Tuple[Place, ...]]
    back: Tuple[Edge, ...]


def layout(following: Mapping[str, Sequence[str]]) -> Layout:
    """Of a graph, by the steps that follow each of its steps."""
    known = {step: [each for each in dict.fromkeys(after) if each in following] for step, after in following.items()}
    order, back = _ordered(known)
    forward = [(step, each) for step in order for each in known[step] if (step, each) not in back]
    columns = _columns(order, forward)
    chains = {edge: _chain(edge, columns) for edge in forward}
    rows = _rows(order, columns, chains)
    routes = {edge: tuple((column, rows[name]) for column, name in chain) for edge, chain in chains.items()}
    return Layout({step: (columns[step], rows[step]) for step in order}, routes, tuple(back))


def _ordered(following: Mapping[str, Sequence[str]]) -> Tuple[List[str], Dict[Edge, None]]:
    """The steps, each before those that follow it, and the edges that lead back to one that is still being followed."""
    done: List[str] = []
    back: Dict[Edge, None] = {}
    begun: Dict[str, int] = {}
    for first in following:
        way = [] if first in begun else [first]
        while way:
            step = way[-1]
            at = begun.setdefault(step, 0)
            if at == len(following[step]):
                done.append(way.pop())
                continue
            begun[step] += 1
            after = following[step][-1 - at]  # the last first, since what is done last stands first
            if after in way:
                back[step, after] = None
            elif after not in begun:
                way.append(after)
    return done[::-1], back


def _columns(order: Sequence[str], forward: Sequence[Edge]) -> Dict[str, int]:
    columns = dict.fromkeys(order, 0)
    for step, after in forward:  # in the order of the steps, so that the column of `step` is known
        columns[after] = max(columns[after], columns[step] + 1)
    return columns


def _chain(edge: Edge, columns: Mapping[str, int]) -> List[Tuple[int, str]]:
    """The columns that an edge goes through, and what stands for it there: a name that no step has."""
    step, after = edge
    passed = range(columns[step] + 1, columns[after])
    between = [(column, f"{step} > {after} in {column}") for column in passed]
    return [(columns[step], step), *between, (columns[after], after)]


def _rows(
    order: Sequence[str], columns: Mapping[str, int], chains: Mapping[Edge, List[Tuple[int, str]]]
) -> Dict[str, float]:
    """The row of every step, and of every edge where it passes a column."""
    width = 1 + max(columns.values(), default=-1)
    standing: List[Dict[str, None]] = [{} for _ in range(width)]
    for step in order:
        standing[columns[step]][step] = None
    beside: Dict[str, List[str]] = {}
    for chain in chains.values():
        for (column, name), (right, other) in zip(chain, islice(chain, 1, None)):
            standing[column][name] = standing[right][other] = None
            beside.setdefault(other, []).append(name)
            beside.setdefault(name, []).append(other)
    found = [list(names) for names in standing]
    for sweep in range(_SWEEPS):
        rows = _centred(found)
        for column in range(width) if sweep % 2 else range(width - 1, -1, -1):
            found[column].sort(key=lambda name: _middle(rows, beside.get(name, []), rows[name]))
            rows.update(_centred([found[column]]))
    return _centred(found)


def _centred(columns: Sequence[Sequence[str]]) -> Dict[str, float]:
    return {name: at - (len(names) - 1) / 2 for names in columns for at, name in enumerate(names)}


def _middle(rows: Mapping[str, float], names: Sequence[str], otherwise: float) -> float:
    return sum(rows[name] for name in names) / len(names) if names else otherwise
