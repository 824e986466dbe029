"""How durations, sizes and counts are written for people."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """`20 ms`, `0.3 s`, `42 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds < 0.0995:
        return f"{1000 * max(0.0, seconds):.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: int) -> str:
    """Bytes in decimal units, as package indexes and disk makers count: `512 B`, `1.4 MB`, `120 MB`."""
    if count < 1000:
        return f"{count} B"
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def counted(count: int, noun: str) -> str:
    """`1 task`, `3 tasks`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(names: tuple[str, ...], most: int = 4) -> str:
    """`a, b, c`, or `a, b, c, 5 more` when there are more than `most`."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])}, {len(names) - most + 1} more"
