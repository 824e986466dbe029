"""Package indexes: which ones are asked, in which order, and how uv is told.

An environment names them by URL, in order of priority: a package is taken from the first that has it, as from conda's
channels, so that nobody can put another package of the same name before it. The word `default` stands for the index
that uv itself is configured for, which is always the last.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerflow import credentials
from dockerflow.environments.errors import InvalidSpec

DEFAULT = "default"


def checked(url: str, written: str, place: str) -> str:
    """The URL of an index without a slash at its end; `written` is what stands in `place`. Raises InvalidSpec."""
    if not url.startswith(("https://", "http://", "file:///")):
        raise InvalidSpec(
            f"{place}: `{credentials.hidden(written)}` names a package index by what is no URL",
            "write it like `https://host/simple`",
        )
    if credentials.in_url(url):
        raise InvalidSpec(
            f"{place} has the package index `{credentials.hidden(url)}` with credentials in its URL, which would be"
            " written into locks",
            credentials.HINT,
        )
    return url.rstrip("/")


def uv_options(indexes: Sequence[str]) -> list[str]:
    """What tells uv to ask these indexes and no others; none for the ones that it is configured for."""
    named = [index for index in indexes if index != DEFAULT]
    if not named:
        return []
    *first, last = named
    options = [option for index in first for option in ("--index", index)]
    return [*options, "--index" if DEFAULT in indexes else "--default-index", last]
