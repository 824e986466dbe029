"""A flow file that Python itself runs may import what only its containers have, too, as far as Python lets us.

    python flow.py run

Python imports such a file before there is any command. So from the moment that it imports `FlowSpec` until it calls its
flow, missing libraries have stand-ins: those that it, or a file of its folder, imports after that. Standard library
only, Python 3.7.
"""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any, List, Optional

from dockerflow.flow.metaflow_names import is_metaflow

__all__ = ["begin", "end"]

_open: List[Any] = []


def begin() -> None:
    """Give stand-ins from now on, if it is a script that imports us, and no command of ours."""
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    if file is None or is_metaflow() or not _is_at_its_top(vars(main)):
        return
    import atexit  # noqa: PLC0415 - nobody else pays for these

    from dockerflow.flow.stand_ins import stand_ins  # noqa: PLC0415

    _open.append(stand_ins(os.path.dirname(os.path.abspath(file))))
    _open[-1].__enter__()
    atexit.register(end)  # a script that calls no flow


def end() -> None:
    """The script calls its flow, whose command reads the file anew."""
    while _open:
        _open.pop().__exit__(None, None, None)


def _is_at_its_top(names: Any) -> bool:
    """Whether the statements of this module itself are being run."""
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None and not (frame.f_globals is names and frame.f_code.co_name == "<module>"):
        frame = frame.f_back
    return frame is not None
