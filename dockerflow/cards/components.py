"""What a step can put on its card: `current.card.append(Markdown("# Result"))`.

The classes and their arguments are Metaflow's. Each gives its HTML, in which every text is escaped and nothing is
loaded from elsewhere. A component of one's own has `render`, which returns a text or what JSON can hold; it is shown as
text.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import inspect
import json
import reprlib
import textwrap
from html import escape
from typing import Any, Callable, Dict, List, Optional, Union

from dockerflow.cards import images, markdown

__all__ = [
    "Artifact",
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
    "short",
]

_THEMES = ("default", "success", "warning", "danger", "bg-gradient-indigo-purple")

# Of a data frame that is cut, so many rows are shown.
_ROWS = 60


class MetaflowCardComponent:
    """Something on a card. `component_id` is the name under which a card's `components` have it."""

    component_id: Optional[str] = None

    def update(self, *arguments: Any, **options: Any) -> None:
        """Show something else from now on; a card is made when the task ends, so the last one counts."""

    def render(self) -> Any:
        raise NotImplementedError(f"`{type(self).__name__}` has no `render`")

    def html(self) -> str:
        """For the page."""
        shown = self.render()
        return f"<pre>{escape(shown if isinstance(shown, str) else _json(shown))}</pre>"


class _Own(MetaflowCardComponent):
    """A component of ours: `render` is its HTML."""

    def html(self) -> str:
        return str(self.render())


class Artifact(_Own):
    """Any object, with `name` as its title; `compressed`: at a glance, or else the whole of its representation."""

    def __init__(self, artifact: Any, name: Optional[str] = None, compressed: bool = True) -> None:
        self._artifact, self._name, self._compressed = artifact, name, compressed

    def update(self, artifact: Any) -> None:
        self._artifact = artifact

    def render(self) -> str:
        title = "" if self._name is None else f"<span class=label>{escape(str(self._name))}</span>"
        kind = f"<span class=type>{escape(type(self._artifact).__name__)}</span>"
        text = short(self._artifact) if self._compressed else _repr(self._artifact)
        return f"<div class=artifact>{title}{kind}<pre>{escape(text)}</pre></div>"


class Table(_Own):
    """Rows of texts, numbers and components; `Table.from_dataframe` makes one of a pandas frame."""

    def __init__(
        self,
        data: Optional[List[List[Any]]] = None,
        headers: Optional[List[str]] = None,
        disable_updates: bool = False,
    ) -> None:
        self._data = [list(row) if isinstance(row, (list, tuple)) else [row] for row in data or []]
        self._headers = list(headers or [])
        self._note = ""

    @classmethod
    def from_dataframe(cls, dataframe: Any = None, truncate: bool = True) -> Any:
        if not hasattr(dataframe, "itertuples"):
            return Error(f"a `{type(dataframe).__name__}` is no data frame", "Table.from_dataframe")
        count = len(dataframe)
        shown = dataframe.head(_ROWS) if truncate and count > _ROWS else dataframe
        table = cls([[_cell(value) for value in row] for row in shown.itertuples()], ["", *map(str, dataframe.columns)])
        if len(shown) < count:
            table._note = f"{len(shown)} of {count:,} rows"
        return table

    def render(self) -> str:
        head = "".join(f"<th>{escape(str(each))}</th>" for each in self._headers)
        rows = "".join(f"<tr>{''.join(f'<td>{_shown(cell)}</td>' for cell in row)}</tr>" for row in self._data)
        note = f"<p class=note>{escape(self._note)}</p>" if self._note else ""
        thead = f"<thead><tr>{head}</tr></thead>" if head else ""
        return f"<div class=wide><table>{thead}<tbody>{rows}</tbody></table></div>{note}"


class Image(_Own):
    """An image from bytes (PNG, JPEG, GIF, WebP, SVG) or a `data:` URL, from a PIL image, or from a matplotlib plot."""

    def __init__(
        self, src: Union[bytes, str, None] = None, label: Optional[str] = None, disable_updates: bool = True
    ) -> None:
        self._label = label
        self.update(src)

    @classmethod
    def from_pil_image(cls, pilimage: Any, label: Optional[str] = None, disable_updates: bool = False) -> Image:
        return cls(pilimage, label)

    @classmethod
    def from_matplotlib(cls, plot: Any, label: Optional[str] = None, disable_updates: bool = False) -> Image:
        return cls(plot, label)

    def update(self, image: Any, label: Optional[str] = None) -> None:
        self._label = self._label if label is None else label
        self._source, self._fault = images.data_url(image)

    def render(self) -> str:
        if self._fault:
            return Error(self._fault, "Image").render()
        label = escape(self._label or "")
        caption = f"<figcaption>{label}</figcaption>" if label else ""
        return f'<figure><img src="{escape(self._source)}" alt="{label}">{caption}</figure>'


class Error(_Own):
    """An exception, or a text about what went wrong."""

    def __init__(self, exception: Any, title: Optional[str] = None) -> None:
        self._text = _repr(exception) if isinstance(exception, BaseException) else str(exception)
        self._title = title

    def render(self) -> str:
        title = f"<strong>{escape(str(self._title))}</strong>" if self._title else ""
        return f"<div class=error>{title}<pre>{escape(self._text)}</pre></div>"


class Markdown(_Own):
    def __init__(self, text: Optional[str] = None) -> None:
        self._text = text

    def update(self, text: Optional[str] = None) -> None:
        self._text = text

    def render(self) -> str:
        text = "" if self._text is None else textwrap.dedent(str(self._text))
        return f"<div class=markdown>{markdown.to_html(text)}</div>"


class ProgressBar(_Own):
    def __init__(
        self,
        max: int = 100,
        label: Optional[str] = None,
        value: int = 0,
        unit: Optional[str] = None,
        metadata: Optional[str] = None,
    ) -> None:
        self._max, self._label, self._value, self._unit, self._metadata = max, label, value, unit, metadata

    def update(self, new_value: int, metadata: Optional[str] = None) -> None:
        self._value, self._metadata = new_value, self._metadata if metadata is None else metadata

    def render(self) -> str:
        label = f"<span class=label>{escape(str(self._label))}</span>" if self._label else ""
        unit = f" {self._unit}" if self._unit else ""
        count = escape(f"{self._value} of {self._max}{unit}")
        bar = f'<progress max="{escape(str(self._max))}" value="{escape(str(self._value))}"></progress>'
        metadata = f"<span class=note>{escape(str(self._metadata))}</span>" if self._metadata else ""
        return f"<div class=progress>{label}{bar} {count} {metadata}</div>"


class ValueBox(_Own):
    """A number that matters, with a title; `theme` is `success`, `warning`, `danger` or nothing."""

    def __init__(
        self,
        title: Optional[str] = None,
        value: Union[str, int, float] = "",
        subtitle: Optional[str] = None,
        theme: Optional[str] = None,
        change_indicator: Optional[str] = None,
    ) -> None:
        self._fields: Dict[str, Any] = {}
        self.update(title, value, subtitle, theme, change_indicator)

    def update(
        self,
        title: Optional[str] = None,
        value: Union[str, int, float, None] = None,
        subtitle: Optional[str] = None,
        theme: Optional[str] = None,
        change_indicator: Optional[str] = None,
    ) -> None:
        given = {"title": title, "value": value, "subtitle": subtitle, "change": change_indicator, "theme": theme}
        self._fields.update((name, each) for name, each in given.items() if each is not None)

    def render(self) -> str:
        theme = self._fields.get("theme", "default")
        lines = [
            f"<span class={name}>{escape(str(self._fields[name]))}</span>"
            for name in ("title", "value", "change", "subtitle")
            if self._fields.get(name) not in (None, "")
        ]
        return f'<div class="box {theme if theme in _THEMES else "default"}">{"".join(lines)}</div>'


class VegaChart(_Own):
    """A Vega or Vega-Lite chart. The page loads nothing, so it shows the chart's specification."""

    def __init__(self, spec: Dict[str, Any], show_controls: bool = False) -> None:
        self._spec = spec

    @classmethod
    def from_altair_chart(cls, altair_chart: Any) -> VegaChart:
        return cls(altair_chart.to_dict())

    def update(self, spec: Optional[Dict[str, Any]] = None) -> None:
        self._spec = self._spec if spec is None else spec

    def render(self) -> str:
        title = self._spec.get("title") if isinstance(self._spec, dict) else None
        named = title.get("text") if isinstance(title, dict) else title
        summary = f"chart{f': {named}' if named else ''}, as its specification"
        return f"<details><summary>{escape(summary)}</summary><pre>{escape(_json(self._spec))}</pre></details>"


class PythonCode(_Own):
    """The source of a function, or a text of Python."""

    def __init__(self, code_func: Optional[Callable[..., Any]] = None, code_string: Optional[str] = None) -> None:
        self._code = code_string
        if code_func is not None:
            try:
                self._code = textwrap.dedent(inspect.getsource(code_func))
            except (OSError, TypeError):
                self._code = f"# the source of {_repr(code_func)} is not there"

    def render(self) -> str:
        return f"<pre class=code><code>{escape(str(self._code or ''))}</code></pre>"


class EventsTimeline(_Own):
    """What happened, the newest first: `update({"step": "load", "rows": 3})` adds an event."""

    def __init__(self, title: Optional[str] = None, max_events: int = 100) -> None:
        self._title, self._max = title, max_events
        self._events: List[Dict[str, Any]] = []
        self._finished = False

    def update(
        self,
        event_data: Dict[str, Any],
        style_theme: Optional[str] = None,
        priority: Optional[str] = None,
        payloads: Optional[Dict[str, Any]] = None,
        finished: Optional[bool] = None,
    ) -> None:
        self._events = [{"data": event_data, "theme": style_theme, "payloads": payloads}, *self._events][: self._max]
        self._finished = self._finished if finished is None else finished

    def get_stats(self) -> Dict[str, Any]:
        return {"total_events": len(self._events), "finished": self._finished}

    def render(self) -> str:
        title = f"<span class=label>{escape(str(self._title))}</span>" if self._title else ""
        rows = "".join(f"<li>{self._event(each)}</li>" for each in self._events)
        return f"<div class=timeline>{title}<ol>{rows}</ol></div>"

    @staticmethod
    def _event(event: Dict[str, Any]) -> str:
        pairs = ", ".join(f"<b>{escape(str(name))}</b> {_shown(value)}" for name, value in event["data"].items())
        return pairs + "".join(map(_shown, (event["payloads"] or {}).values()))


class JSONViewer(_Own):
    """What JSON can hold."""

    def __init__(
        self,
        data: Any,
        collapsible: bool = True,
        max_height: Optional[str] = None,
        show_copy_button: bool = True,
        title: Optional[str] = None,
    ) -> None:
        self._data, self._title = data, title

    def update(self, data: Any) -> None:
        self._data = data

    def _text(self) -> str:
        return _json(self._data)

    def render(self) -> str:
        title = escape(str(self._title or type(self).__name__.replace("Viewer", "")))
        return f"<details open><summary>{title}</summary><pre>{escape(self._text())}</pre></details>"


class YAMLViewer(JSONViewer):
    """The same in YAML, where a text is shown as it is."""

    def _text(self) -> str:
        return self._data if isinstance(self._data, str) else _yaml(self._data)


def short(value: Any) -> str:
    """A value at a glance; never raises."""
    try:
        glance = reprlib.Repr()
        glance.maxstring = glance.maxother = 200
        glance.maxlist = glance.maxtuple = glance.maxset = glance.maxfrozenset = glance.maxdict = 10
        return glance.repr(value[:200] if isinstance(value, (bytes, bytearray)) else value)
    except Exception as error:  # noqa: BLE001 - the user's own `__repr__`
        return f"<{type(value).__name__} whose representation fails: {type(error).__name__}>"


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - the user's own `__repr__`
        return f"<{type(value).__name__} whose representation fails: {type(error).__name__}>"


def _shown(cell: Any) -> str:
    if isinstance(cell, MetaflowCardComponent):
        return cell.html()
    return escape(cell if isinstance(cell, str) else short(cell))


def _cell(value: Any) -> Any:
    return value if isinstance(value, (str, MetaflowCardComponent)) else str(value)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, indent=2, default=short, ensure_ascii=False)
    except (TypeError, ValueError):  # keys that are none, or a circle
        return short(value)


def _yaml(value: Any, indent: str = "") -> str:
    """Block style for what nests, JSON for what does not, which is YAML too."""
    if isinstance(value, dict) and value:
        return "\n".join(f"{indent}{name}:{_below(each, indent)}" for name, each in value.items())
    if isinstance(value, (list, tuple)) and value:
        return "\n".join(f"{indent}-{_below(each, indent)}" for each in value)
    return indent + _json(value)


def _below(value: Any, indent: str) -> str:
    nests = isinstance(value, (dict, list, tuple)) and value
    return f"\n{_yaml(value, indent + '  ')}" if nests else f" {_json(value)}"
