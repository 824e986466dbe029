"""The Docker SDK as images need it: its API without the gaps in its types, its errors as errors of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker.errors
import requests
import urllib3.exceptions
from docker import DockerClient

from dockerflow.images.errors import DiskFullError, ImageError, LoadError

_FULL = "no space left on device"


def api(client: DockerClient) -> Any:
    """The client's low-level API, which the SDK's type stubs describe only in part."""
    return client.api


@contextmanager
def explaining_engine(action: str, error_class: type[ImageError] = LoadError) -> Iterator[None]:
    """Turn a failure of `action` (`loading image …`) into an `ImageError` that names it."""
    try:
        yield
    except (docker.errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise engine_failure(action, str(getattr(error, "explanation", None) or error), error_class) from error


def engine_failure(action: str, reason: str, error_class: type[ImageError] = LoadError) -> ImageError:
    if _FULL in reason:
        return DiskFullError(
            f"no space left on the engine's disk while {action}",
            hint="free some with `docker image prune` or `docker system df`, then run the command again",
        )
    return error_class(f"the engine failed while {action}: {reason}", hint="check the engine with `dockerflow doctor`")
