"""What may go wrong when past runs are read.

    ClientError
    ├── NoStore            there is no store to read from
    ├── InvalidPathspec    a text that cannot name a flow, run, step, task or artifact
    ├── NamespaceMismatch  it is there, but not in the namespace that is looked at
    └── NotFound           nothing has this name; also a KeyError, and for `task.data.x` an AttributeError

What is there but damaged is a StoreError or an ArtifactError. Tags that a run cannot have or lose are a TaggingError.
"""

from __future__ import annotations

import difflib
from typing import Iterable, List, Optional

from dockerflow.errors import DockerflowError
from dockerflow.store.errors import TaggingError

__all__ = [
    "ClientError",
    "InvalidPathspec",
    "NamespaceMismatch",
    "NoStore",
    "NotFound",
    "TaggingError",
    "elsewhere",
    "not_found",
]

# So many names are listed when none of them is near.
LISTED = 8


class ClientError(DockerflowError):
    """Something that was asked of past runs and is not there."""

    exit_code = 8


class NoStore(ClientError):
    pass


class InvalidPathspec(ClientError):
    pass


class NamespaceMismatch(ClientError):
    pass


class NotFound(ClientError, KeyError, AttributeError):
    """Also a KeyError, so that `run["x"]` fails as with a dict, and an AttributeError for `hasattr(task.data, "x")`."""


def not_found(what: str, name: str, where: str, names: Iterable[str]) -> NotFound:
    """The error for a `name` that is none of `names`, which are those of `where`."""
    known = list(names)
    return NotFound(f"there is no {what} `{name}` in {where}", _hint(name, known))


def elsewhere(what: str, namespace: str, tags: Iterable[str]) -> NamespaceMismatch:
    """The error for something that has not the tag that the namespace is, but `tags`; `what` ends in `is not`."""
    users = sorted(tag for tag in tags if tag.startswith("user:"))
    known = f"it is in `{users[0]}`; " if users else ""
    return NamespaceMismatch(
        f"{what} in the namespace `{namespace}`",
        f"{known}`namespace(None)` looks at the runs of all users",
    )


def _hint(name: str, known: List[str]) -> Optional[str]:
    # Ids of runs begin with the same digits: what differs in more than a digit or two was not meant.
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.9 if name.isdigit() else 0.6)
    shown = near or known[:LISTED]
    if not shown:
        return None
    listed = ", ".join(f"`{one}`" for one in shown)
    return f"did you mean {listed}?" if near else f"there is {listed}{', …' if len(known) > LISTED else ''}"
