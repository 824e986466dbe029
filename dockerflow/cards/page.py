"""The page of a card: one HTML file that loads nothing and runs nothing.

Every text in it is escaped, and a policy in its head forbids what might slip through. The same task gives the same
page. It is limited in size: what a component has beyond that is left out, and the page says so.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from html import escape
from typing import Iterable, Iterator, Sequence, Tuple

from dockerflow.cards.components import Error, MetaflowCardComponent
from dockerflow.lazy_dataclasses import dataclass

__all__ = ["LARGEST", "About", "Row", "page"]

# Of one page, in characters. Images are most of it, and have a third more than their bytes.
LARGEST = 16 << 20

_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1.5rem;color:#1c2430;background:#fff}
header{border-bottom:3px solid #2f6feb;padding-bottom:.6rem;margin-bottom:1.4rem}
header h1{font-size:1.5rem;margin:0}
header p{margin:.2rem 0 0;color:#5b6675}
h2{font-size:1.1rem;margin:1.8rem 0 .5rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .7rem;border-bottom:1px solid #d8dee6}
th{font-weight:600;background:#f3f5f8}
td.size{white-space:nowrap;text-align:right;font-variant-numeric:tabular-nums}
pre,code{font:13px/1.45 ui-monospace,monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f3f5f8;border-radius:6px;padding:.6rem .8rem;margin:.4rem 0}
td pre{background:none;padding:0;margin:0}td p:first-child{margin-top:0}td p:last-child{margin-bottom:0}
.wide{overflow-x:auto}
.values th:last-child{width:60%}.values th:nth-child(3){text-align:right}
.type,.note,figcaption{color:#5b6675;font-size:.85rem}
.label{font-weight:600;margin-right:.6rem}
.error{border-left:4px solid #d1242f;padding:.2rem .9rem;margin:.8rem 0}
.box{display:inline-flex;flex-direction:column;min-width:11rem;border:1px solid #d8dee6;border-radius:8px;
padding:.7rem 1rem;margin:.4rem .5rem .4rem 0}
.box .value{font-size:1.7rem;font-weight:650}
.box.success{border-color:#1a7f37}.box.warning{border-color:#bf8700}.box.danger{border-color:#d1242f}
.progress{margin:.5rem 0}progress{width:16rem;vertical-align:middle}
figure{margin:1rem 0}img{max-width:100%}
blockquote{border-left:4px solid #d8dee6;margin:.6rem 0;padding:.1rem 1rem;color:#5b6675}
section.component{margin:.9rem 0}
@media(prefers-color-scheme:dark){body{color:#e4e9f0;background:#11161d}th,pre{background:#1b222c}
th,td,.box,blockquote{border-color:#323b48}}
""".strip()

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True)
class Row:
    """An artifact or a parameter: `size` in bytes, `text` what it is at a glance."""

    name: str
    type: str
    size: int
    text: str


@dataclass(frozen=True)
class About:
    """What a card tells of its task. `plain`: nothing but the title and the components."""

    title: str
    facts: Sequence[Tuple[str, str]] = ()
    parameters: Sequence[Row] = ()
    artifacts: Sequence[Row] = ()
    plain: bool = False


def page(about: About, components: Iterable[MetaflowCardComponent]) -> str:
    """Raises nothing for a component that fails: the page says so in its place."""
    parts = list(_parts(about, components))
    title = escape(about.title)
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        f"<title>{title or 'card'}</title><style>{_STYLE}</style>"
    )
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _parts(about: About, components: Iterable[MetaflowCardComponent]) -> Iterator[str]:
    if about.title or not about.plain:
        facts = " · ".join(f"{escape(name)} {escape(value)}" for name, value in about.facts)
        yield f"<header><h1>{escape(about.title)}</h1>{f'<p>{facts}</p>' if facts and not about.plain else ''}</header>"
    left = LARGEST
    for component in components:
        html = _rendered(component)
        if len(html) > left:
            html = Error(f"{len(html):,} characters, more than fit on a card", type(component).__name__).render()
        left -= len(html)
        yield f"<section class=component>{html}</section>"
    if not about.plain:
        yield from _rows("Parameters", about.parameters)
        yield from _rows("Artifacts", about.artifacts)


def _rendered(component: MetaflowCardComponent) -> str:
    try:
        return component.html()
    except Exception as error:  # noqa: BLE001 - the user's own component, or what it shows
        return Error(f"{type(error).__name__}: {error}", f"`{type(component).__name__}` could not be shown").render()


def _rows(title: str, rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    lines = "".join(
        f"<tr><td><b>{escape(row.name)}</b></td><td class=type>{escape(row.type)}</td>"
        f"<td class=size>{_size(row.size)}</td><td><pre>{escape(row.text)}</pre></td></tr>"
        for row in rows
    )
    head = "<tr><th>name</th><th>type</th><th>size</th><th>value</th></tr>"
    table = f"<table><thead>{head}</thead><tbody>{lines}</tbody></table>"
    yield f'<h2>{title}</h2><div class="wide values">{table}</div>'


def _size(size: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
