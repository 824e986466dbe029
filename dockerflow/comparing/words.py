"""How values and differences are put into words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any

from dockerflow.comparing.inert import REBUILD, Made, numbers
from dockerflow.lazy_dataclasses import dataclass

# Characters that are shown of a value, and lines of a difference between texts.
SHOWN, LINES = 60, 12

# Bits of a number that is written out.
LARGEST = 1000


@dataclass(frozen=True)
class Difference:
    """In a line, with more lines where there is more to say; `facts` is the same for programs."""

    text: str
    more: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


Compared = Difference | None


def lines_of(found: Difference) -> Iterator[str]:
    yield found.text
    yield from (f"  {line}" for line in found.more)


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


def shorter(line: str) -> str:
    """A line of somebody's text, as it may stand on a terminal."""
    return printable(line if len(line) <= 2 * SHOWN else f"{line[: 2 * SHOWN - 1]}…")


def printable(text: str) -> str:
    """The text with escapes for what would move the cursor, or cannot be written at all."""
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(sign: str) -> str:
    return sign if sign.isprintable() or sign == "\t" else repr(sign)[1:-1]


def shown(value: Any, room: int = SHOWN) -> str:
    """A value in a few words."""
    if isinstance(value, (str, bytes, bytearray)):
        text = repr(value[:room])  # not the whole of what may be large
        return text if len(text) <= room and len(value) <= room else f"{text[: room - 1]}…"
    if isinstance(value, Made):
        return _time(value) or f"<{kind(value)}>"
    if isinstance(value, (list, tuple, dict, set, frozenset)) and len(value) > room:
        return f"<{kind(value)} of {len(value):,}>"
    try:
        text = repr(value)
    except ValueError:  # of numbers with thousands of digits
        return f"<{kind(value)}>"
    return text if len(text) <= room else f"{text[: room - 1]}…"


TIMES = (f"{REBUILD}.timestamp", f"{REBUILD}.timedelta", f"{REBUILD}.scalar")
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def _time(value: Made) -> str:
    """A time of numpy's or pandas', in UTC; empty for anything else and for what is too far away."""
    if value.made_by in TIMES[:2]:
        value = value.arguments[0]
    if not isinstance(value, Made) or value.made_by != TIMES[2]:
        return ""
    words, memory = value.arguments
    kind, unit = words[1:3], words[4:-1]
    if kind not in ("M8", "m8") or unit not in _PER_SECOND:
        return ""
    span = numbers(f"{words[0]}i8", memory) or (0,)
    try:
        since = timedelta(microseconds=span[0] * 10**6 // _PER_SECOND[unit])
        return str(since) if kind == "m8" else (datetime(1970, 1, 1) + since).isoformat(" ")
    except OverflowError:
        return ""


_NAMES = {
    **dict.fromkeys(("array", "object_array", "text_array", "structure", "records", "viewed"), "numpy.ndarray"),
    "frame": "pandas.DataFrame",
    "series": "pandas.Series",
    "timestamp": "pandas.Timestamp",
    "timedelta": "pandas.Timedelta",
    **dict.fromkeys(("index", "range_index", "multi_index", "time_index"), "pandas.Index"),
}

_OTHERS = {
    "dockerflow.artifacts.masked.masked_array": "numpy.ma.MaskedArray",
    "dockerflow.artifacts.matrices.matrix": "scipy.sparse.matrix",
}


def kind(value: Any) -> str:
    """The name of a value's class."""
    if isinstance(value, type):
        return "type"
    if not isinstance(value, Made):
        return type(value).__name__
    module, _, name = value.made_by.rpartition(".")
    if module == REBUILD:
        return _NAMES.get(name, name)
    if value.made_by in _OTHERS:
        return _OTHERS[value.made_by]
    if value.made_by in ("copyreg.__newobj__", "copyreg._reconstructor") and value.arguments:
        return getattr(value.arguments[0], "made_by", value.made_by)
    return value.made_by


def typed(value: Any) -> str:
    return shown(value) if value is None or isinstance(value, Made) else f"{kind(value)} {shown(value)}"


def changed(one: Any, other: Any, *more: str, **facts: Any) -> Difference:
    return Difference(f"{shown(one)} → {shown(other)}", more, {"values": [plain(one), plain(other)], **facts})


def plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, int) and value.bit_length() > LARGEST:
        return shown(value)
    return value if value is None or isinstance(value, (bool, int, float)) else shown(value, 1000)
