"""The namespace: a tag that runs must have to be seen, so that people who share a store see their own runs first.

It is `user:NAME` unless another is set, in a step that of the run; any tag can be one, and None shows everything. It
is the process's: setting it changes what is looked for from then on, not what objects that are there already show.
"""

from __future__ import annotations

from typing import Any, Optional

from dockerflow.flow.current import current

_UNSET: Any = object()
_chosen: Any = _UNSET


def namespace(ns: Optional[str]) -> Optional[str]:
    """Look at the runs with the tag `ns` from now on; None: at all runs. Returns it."""
    global _chosen
    _chosen = ns
    return ns


def get_namespace() -> Optional[str]:
    """The namespace that is looked at; None for all runs."""
    if _chosen is not _UNSET:
        return _chosen  # type: ignore[no-any-return]
    if current.is_running_flow and current.namespace is not None:
        return current.namespace or None
    return _of_user()


def default_namespace() -> str:
    """Look at one's own runs again; returns that namespace, `user:NAME`."""
    ns = _of_user()
    namespace(ns)
    return ns


def _of_user() -> str:
    from dockerflow.flow.parameters import user_name  # noqa: PLC0415 - only where nothing was said

    return f"user:{current.username or user_name()}"
