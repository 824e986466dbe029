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

# Seconds to connect, and between two signs of life. An engine says nothing while it reads or packs a large image, and
# the SDK's own 60 seconds are too few for that.
PATIENCE = (60, 1800)

_FULL = "no space left on device"


def api(client: DockerClient) -> Any:
    """The client's low-level API, which the SDK's type stubs describe only in part."""
    return client.api


def stream(client: DockerClient, method: str, path: str, **options: Any) -> requests.Response:
    """Ask the engine for `path` and return the answer, its body unread; waits longer than the SDK does."""
    session: requests.Session = client.api
    url = f"{client.api.base_url}/v{client.api.api_version}{path}"
    answer = session.request(method, url, stream=True, timeout=PATIENCE, **options)
    try:
        answer.raise_for_status()
    except requests.HTTPError as error:
        docker.errors.create_api_error_from_http_exception(error)  # it raises
    return answer


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
