"""What may go wrong when past runs are read.

    ClientError
    ├── NoStore            there is no store to read from
    ├── InvalidPathspec    a text that cannot name a flow, run, step, task or artifact
    └── NotFound           nothing has this name; also a KeyError, and for `task.data.x` an AttributeError

What is there but damaged is a StoreError or an ArtifactError.
"""

from __future__ import annotations

import difflib
from typing import Iterable, List, Optional

from dockerflow.errors import DockerflowError

__all__ = ["ClientError", "InvalidPathspec", "NoStore", "NotFound", "not_found"]

# So many names are listed when none of them is near.
LISTED = 8


class ClientError(DockerflowError):
    """Something that was asked of past runs and is not there."""

    exit_code = 8


class NoStore(ClientError):
    pass


class InvalidPathspec(ClientError):
    pass


class NotFound(ClientError, KeyError, AttributeError):
    """Also a KeyError, so that `run["x"]` fails as with a dict, and an AttributeError for `hasattr(task.data, "x")`."""


def not_found(what: str, name: str, where: str, names: Iterable[str]) -> NotFound:
    """The error for a `name` that is none of `names`, which are those of `where`."""
    known = list(names)
    return NotFound(f"there is no {what} `{name}` in {where}", _hint(name, known))


def _hint(name: str, known: List[str]) -> Optional[str]:
    near = difflib.get_close_matches(name, known, n=3)
    shown = near or known[:LISTED]
    if not shown:
        return None
    listed = ", ".join(f"`{one}`" for one in shown)
    return f"did you mean {listed}?" if near else f"there is {listed}{', …' if len(known) > LISTED else ''}"
