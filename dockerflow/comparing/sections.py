"""Two runs beside each other, part by part.

    for section in sections(Side(store, first), Side(store, second)):
        print(section.name, section.summary)

Parts that tell of the moment, as who ran it and how long it took, differ always: `same` is None for them. All that is
asked of the other parts is whether the one run had, or gave, something else than the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from dockerflow.comparing import code, contents, packages, records
from dockerflow.comparing.artifacts import Side
from dockerflow.comparing.section import Asked, Section

__all__ = ["SECTIONS", "Asked", "Section", "sections"]

SECTIONS: Mapping[str, Callable[[Side, Side, Asked], Section]] = {
    "run": records.run,
    "code": code.code,
    "parameters": records.parameters,
    "locks": packages.locks,
    "images": records.images,
    "artifacts": contents.artifacts,
    "timings": records.timings,
}


def sections(first: Side, second: Side, asked: Asked) -> Iterator[Section]:
    """Those that are asked for, in the order of `SECTIONS`, each when it is wanted: artifacts may take a while."""
    for name, make in SECTIONS.items():
        if not asked.only or name in asked.only:
            yield make(first, second, asked)
