from __future__ import annotations

from typing import Any, Callable, Dict


def reducers() -> Dict[type, Callable[[Any], Any]]:
    return {}
