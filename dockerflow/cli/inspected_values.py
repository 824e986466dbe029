"""The values of parameters, as `inspect` tells them: looked at and never loaded, so nobody's code is called."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from dockerflow.comparing import inert
from dockerflow.errors import DockerflowError
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import manifest
from dockerflow.store.base import BlobStore
from dockerflow.store.manifest import ArtifactRef


@dataclass(frozen=True)
class Value:
    """As JSON if it can be, and as Python shows it; `unreadable` says why neither is known."""

    plain: Any = None
    text: str | None = None
    unreadable: str | None = None


def value_of(blobs: BlobStore, ref: ArtifactRef) -> Value:
    try:
        value = inert.look(manifest.content(blobs, ref))
    except DockerflowError as error:
        return Value(unreadable=error.message)
    return Value(_plain(value), _text(value))


def _plain(value: Any) -> Any:
    """The value if JSON has it as it is, otherwise None."""
    with suppress(ValueError, TypeError, RecursionError, ArithmeticError):
        if json.loads(json.dumps(value, allow_nan=False)) == value:
            return value
    return None


def _text(value: Any) -> str:
    with suppress(ValueError, RecursionError):  # of a number with thousands of digits
        return repr(value)
    return f"<{type(value).__name__}>"
