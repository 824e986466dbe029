"""Two runs beside each other.

artifacts     which artifacts of which tasks are the same, by their hashes
"""

from __future__ import annotations

__all__: list[str] = []
