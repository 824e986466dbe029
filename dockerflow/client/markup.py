"""Pieces of HTML for notebooks: a frame with its style, tables, texts of times and sizes.

Every text is escaped here, once: what these functions return is HTML, what they take is text, but for `Html`. Nothing
is loaded from elsewhere and nothing runs. Colours are between light and dark, and the notebook's own are used for text:
both themes can be read.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import html
from datetime import datetime
from typing import Iterable, Optional, Sequence, Union

__all__ = ["COLOURS", "Html", "cut", "escaped", "fault", "frame", "moment", "note", "size", "span", "status", "table"]

# Of a status.
COLOURS = {
    "succeeded": "#2da44e",
    "caught": "#c99000",
    "running": "#3b82f6",
    "failed": "#e5484d",
    "stopped": "#c99000",
    "killed": "#c99000",
}
GREY = "#8b949e"

# A text in a cell has no more characters.
LONGEST = 300

_STYLE = """
.dkf{font:13px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;margin:.2em 0}
.dkf .dkf-head{font-size:14px;font-weight:600}
.dkf .dkf-dim{opacity:.65;font-weight:400}
.dkf .dkf-facts{opacity:.8;margin-bottom:.4em}
.dkf .dkf-tag{border:1px solid rgba(128,128,128,.45);border-radius:9px;padding:0 .55em;margin-right:.25em;
font-size:11.5px}
.dkf .dkf-dot{display:inline-block;width:.65em;height:.65em;border-radius:50%;margin-right:.4em}
.dkf .dkf-wide{overflow-x:auto;max-width:100%}
.dkf .dkf-note{opacity:.65;font-size:12px}
.dkf table.dkf-table{border-collapse:collapse;border:0;margin:.3em 0;font-size:13px;color:inherit}
.dkf table.dkf-table tr{background:none}
.dkf table.dkf-table th,.dkf table.dkf-table td{text-align:left;vertical-align:top;padding:.25em .9em .25em 0;border:0;
border-bottom:1px solid rgba(128,128,128,.25);background:none;color:inherit;max-width:36em;
overflow-wrap:anywhere;white-space:normal}
.dkf table.dkf-table th{font-weight:600;opacity:.65;font-size:12px}
.dkf table.dkf-table td.dkf-right,.dkf table.dkf-table th.dkf-right{text-align:right;white-space:nowrap;
font-variant-numeric:tabular-nums}
.dkf table.dkf-table td.dkf-keep{white-space:nowrap}
.dkf code,.dkf pre{font:12px/1.45 ui-monospace,SFMono-Regular,Menlo,monospace;background:none;color:inherit;padding:0}
.dkf table.dkf-table code{background:none;padding:0}
.dkf pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.3em 0;max-height:30em;overflow-y:auto}
.dkf pre.dkf-fault{border-left:3px solid #e5484d;padding-left:.8em}
.dkf svg text{fill:currentColor}
""".strip().replace("\n", "")


class Html(str):
    """A text that is HTML already."""


Text = Union[str, Html]


def frame(parts: Iterable[str]) -> str:
    """The whole output of a cell."""
    return f'<div class="dkf"><style>{_STYLE}</style>{"".join(parts)}</div>'


def escaped(text: Text) -> Html:
    return text if isinstance(text, Html) else Html(html.escape(cut(str(text), LONGEST)))


def cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def span(kind: str, text: Text, title: str = "") -> Html:
    said = f' title="{html.escape(title)}"' if title else ""
    return Html(f'<span class="dkf-{kind}"{said}>{escaped(text)}</span>')


def code(text: str) -> Html:
    return Html(f"<code>{escaped(text)}</code>")


def note(text: str) -> Html:
    return Html(f'<div class="dkf-note">{escaped(text)}</div>')


def fault(text: str) -> Html:
    """What went wrong, with its lines."""
    return Html(f'<pre class="dkf-fault">{html.escape(text)}</pre>')


def status(name: str) -> Html:
    dot = f'<span class="dkf-dot" style="background:{COLOURS.get(name, GREY)}"></span>'
    return Html(f"{dot}{escaped(name)}")


def head(what: str, name: str, *more: Text) -> Html:
    rest = "".join(f" &nbsp; {escaped(each)}" for each in more if each)
    return Html(f'<div class="dkf-head">{span("dim", what)} {escaped(name)}{rest}</div>')


def facts(*each: Text) -> Html:
    said = [escaped(one) for one in each if one]
    return Html(f'<div class="dkf-facts">{" · ".join(said)}</div>' if said else "")


def tags(names: Iterable[str]) -> Html:
    return Html("".join(span("tag", name) for name in sorted(names)))


def table(titles: Sequence[str], rows: Iterable[Sequence[Text]], right: Sequence[str] = ()) -> Html:
    """`right` are the titles of columns with numbers."""
    marks = [' class="dkf-right"' if title in right else "" for title in titles]
    top = "".join(f"<th{mark}>{escaped(title)}</th>" for mark, title in zip(marks, titles))
    body = "".join(
        f"<tr>{''.join(f'<td{mark}>{escaped(cell)}</td>' for mark, cell in zip(marks, row))}</tr>" for row in rows
    )
    inside = f'<table class="dkf-table"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
    return Html(f'<div class="dkf-wide">{inside}</div>')


def moment(time: Optional[float]) -> str:
    """Local time, as everywhere in the client."""
    return "" if time is None else f"{datetime.fromtimestamp(time):%Y-%m-%d %H:%M:%S}"


def duration(seconds: Optional[float]) -> str:
    """`20 ms`, `0.3 s`, `42 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds is None:
        return ""
    if seconds < 0.0995:
        return f"{1000 * max(0.0, seconds):.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    )


def size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
