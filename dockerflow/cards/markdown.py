"""Markdown as HTML: what people write in reports, and nothing that could leave the page.

Headings, paragraphs, lists, quotes, code, tables, rules, emphasis, links. All text is escaped, HTML in it too, and a
link goes to the web or by mail alone. What is not understood stays as it was written.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import re
from html import escape
from typing import Callable, List, Match, Tuple

__all__ = ["to_html"]

_FENCE = re.compile(r"\s*(```|~~~)")
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\Z")
_RULE = re.compile(r"\s*([-*_])(\s*\1){2,}\s*\Z")
_ITEM = re.compile(r"\s*(?:[-*+]|(\d+)[.)])\s+(.*)")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*\Z")

# Of a text that is escaped already, in the order in which they are looked for.
_INLINE = re.compile(
    r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)"
    r"|!?\[(?P<text>[^\]]*)\]\((?P<target>[^()\s]+)\)"
    r"|(?P<strong>\*\*|__)(?P<bold>\S|\S.*?\S)(?P=strong)"
    r"|(?P<mark>\*|(?<!\w)_)(?P<italic>[^\s*_]|[^\s*_].*?\S)(?P=mark)(?!\w)"
)
_LINK = re.compile(r"(https?://|mailto:|#)", re.IGNORECASE)


def to_html(text: str) -> str:
    lines = text.expandtabs(4).splitlines()
    found: List[str] = []
    position = 0
    while position < len(lines):
        html, position = _block(lines, position)
        found.append(html)
    return "\n".join(filter(None, found))


def _block(lines: List[str], start: int) -> Tuple[str, int]:
    """The block that begins at a line, and where the next one may begin."""
    line = lines[start]
    heading = _HEADING.match(line)
    if not line.strip():
        return "", start + 1
    if _FENCE.match(line):
        return _fenced(lines, start)
    if heading:
        level = len(heading[1])
        return f"<h{level}>{_inline(heading[2])}</h{level}>", start + 1
    if _RULE.match(line):
        return "<hr>", start + 1
    if line.lstrip().startswith(">"):
        return _quote(lines, start)
    if _ITEM.match(line):
        return _list(lines, start)
    if "|" in line and start + 1 < len(lines) and _TABLE_RULE.match(lines[start + 1]):
        return _table(lines, start)
    return _paragraph(lines, start)


def _fenced(lines: List[str], start: int) -> Tuple[str, int]:
    fence = lines[start].strip()[:3]
    end = next((n for n in range(start + 1, len(lines)) if lines[n].strip().startswith(fence)), len(lines))
    return f"<pre><code>{escape(chr(10).join(lines[start + 1 : end]))}</code></pre>", end + 1


def _quote(lines: List[str], start: int) -> Tuple[str, int]:
    end = _while(lines, start, lambda line: line.lstrip().startswith(">"))
    inner = "\n".join(line.lstrip()[1:] for line in lines[start:end])
    return f"<blockquote>{to_html(inner)}</blockquote>", end


def _list(lines: List[str], start: int) -> Tuple[str, int]:
    """Items of one level; lines that are indented go on in the item before them, as a list of their own if they are."""
    first = _ITEM.match(lines[start])
    ordered = first is not None and first[1] is not None
    indent = _indent(lines[start])
    items: List[List[str]] = []
    position = start
    while position < len(lines) and lines[position].strip():
        line = lines[position]
        item = _ITEM.match(line)
        if item and _indent(line) <= indent:
            items.append([item[2]])
        else:
            items[-1].append(line[indent + 2 :] if _indent(line) > indent else line)
        position += 1
    tag = "ol" if ordered else "ul"
    shown = "".join(f"<li>{_item(each)}</li>" for each in items)
    return f"<{tag}>{shown}</{tag}>", position


def _item(lines: List[str]) -> str:
    nested = next((n for n, line in enumerate(lines) if n and _ITEM.match(line)), len(lines))
    rest = f"\n{to_html(chr(10).join(lines[nested:]))}" if nested < len(lines) else ""
    return _inline(" ".join(line.strip() for line in lines[:nested])) + rest


def _table(lines: List[str], start: int) -> Tuple[str, int]:
    end = _while(lines, start + 2, lambda line: "|" in line)
    head = "".join(f"<th>{_inline(cell)}</th>" for cell in _cells(lines[start]))
    rows = "".join(
        f"<tr>{''.join(f'<td>{_inline(cell)}</td>' for cell in _cells(line))}</tr>" for line in lines[start + 2 : end]
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>", end


def _cells(line: str) -> List[str]:
    text = line.strip()
    text = text[1:] if text.startswith("|") else text
    text = text[:-1] if text.endswith("|") else text
    return [cell.strip() for cell in text.split("|")]


def _paragraph(lines: List[str], start: int) -> Tuple[str, int]:
    end = start + 1
    while end < len(lines) and lines[end].strip() and not _begins_block(lines[end]):
        end += 1
    return f"<p>{_inline(chr(10).join(line.strip() for line in lines[start:end]))}</p>", end


def _begins_block(line: str) -> bool:
    return any(pattern.match(line) for pattern in (_FENCE, _HEADING, _RULE, _ITEM)) or line.lstrip().startswith(">")


def _while(lines: List[str], start: int, holds: Callable[[str], bool]) -> int:
    end = start
    while end < len(lines) and lines[end].strip() and holds(lines[end]):
        end += 1
    return end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _inline(text: str) -> str:
    return _marked(escape(text))


def _marked(escaped: str) -> str:
    return _INLINE.sub(_mark, escaped)


def _mark(found: Match[str]) -> str:
    if found["code"] is not None:
        return f"<code>{found['code'].strip()}</code>"
    if found["target"] is not None:
        if not _LINK.match(found["target"]):
            return found[0]
        return f'<a href="{found["target"]}" rel="noreferrer">{_marked(found["text"]) or found["target"]}</a>'
    if found["bold"] is not None:
        return f"<strong>{_marked(found['bold'])}</strong>"
    return f"<em>{_marked(found['italic'])}</em>"
