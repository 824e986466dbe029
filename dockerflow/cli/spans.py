"""How long something is, as users type it."""

from __future__ import annotations

import re

from dockerflow.cli.errors import CommandLineError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SPAN = re.compile(rf"(\d+)([{''.join(_UNITS)}])|0")


def seconds(text: str, option: str) -> float:
    """`30m`, `12h`, `30d`, `2w` in seconds. Raises CommandLineError."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise CommandLineError(
            f"`{text}` is no length of time, which `{option}` needs",
            "write minutes, hours, days or weeks in one word, as `30m`, `12h`, `30d` or `2w`",
        )
    return int(found[1] or 0) * _UNITS[found[2] or "s"]
