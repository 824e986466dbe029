"""Cards: a page about a task, made when it ends.

    from dockerflow.cards import Markdown, Table, get_cards

    components    what a step puts on its card: texts, tables, images, figures
    markdown      Markdown as HTML
    collector     `current.card`
    page          the HTML page
    `client.cards` reads them again

The names are Metaflow's. Lazy, like `dockerflow` itself. Standard library only, Python 3.7.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, List

if TYPE_CHECKING:
    from dockerflow.cards.collector import CardComponentCollector
    from dockerflow.cards.components import (
        Artifact,
        Error,
        EventsTimeline,
        Image,
        JSONViewer,
        Markdown,
        MetaflowCardComponent,
        ProgressBar,
        PythonCode,
        Table,
        ValueBox,
        VegaChart,
        YAMLViewer,
    )
    from dockerflow.client.cards import Card, CardContainer, get_cards

__all__ = [
    "Artifact",
    "Card",
    "CardComponentCollector",
    "CardContainer",
    "Error",
    "EventsTimeline",
    "Image",
    "JSONViewer",
    "Markdown",
    "MetaflowCardComponent",
    "ProgressBar",
    "PythonCode",
    "Table",
    "ValueBox",
    "VegaChart",
    "YAMLViewer",
    "get_cards",
]

_HOME = {
    **dict.fromkeys(__all__, "dockerflow.cards.components"),
    **dict.fromkeys(("Card", "CardContainer", "get_cards"), "dockerflow.client.cards"),
    "CardComponentCollector": "dockerflow.cards.collector",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module `dockerflow.cards` has no attribute `{name}`")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})
