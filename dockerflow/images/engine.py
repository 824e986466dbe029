"""The Docker SDK as images need it: its API without the gaps in its types, its errors as errors of ours."""

from __future__ import annotations

import gzip
import http.client
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker.errors
import requests
import urllib3.exceptions
import zstandard
from docker import DockerClient
from docker.utils import parse_repository_tag

from dockerflow.errors import inside
from dockerflow.images.errors import DiskFullError, ImageError, LoadError

# Seconds to connect, and between two signs of life. An engine says nothing while it reads or packs a large image, and
# the SDK's own 60 seconds are too few for that.
PATIENCE = (60, 1800)

_FULL = "no space left on device"

# What is raised where an engine breaks off in the middle of an image that it saves: it has answered 200 by then.
_CUT = (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)


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


def inspect(client: DockerClient, name: str) -> Mapping[str, Any] | None:
    """What the engine says of the image; None if it lacks it."""
    try:
        # With the containerd store this asks, too, what of the image is there (since API 1.48).
        found: Mapping[str, Any] = stream(client, "GET", f"/images/{name}/json", params={"manifests": "1"}).json()
    except docker.errors.NotFound:
        return None
    return found


def is_whole(found: Mapping[str, Any]) -> bool:
    """Whether a container could start in the image of which the engine said this, as far as the engine tells.

    An engine with the containerd store keeps the name of an image whose layers it could not find. Such a one is not
    unpacked, and some of its content is not available; one that is unpacked needs the content no more.
    """
    manifests = found.get("Manifests")
    return manifests is None or any(one.get("Available") or _unpacked(one) for one in manifests)


def is_surely_whole(found: Mapping[str, Any]) -> bool:
    """As `is_whole`, but False where the engine keeps such names and cannot tell: containerd stores before API 1.48."""
    return is_whole(found) and not (found.get("Manifests") is None and named_by_manifest(found))


def _unpacked(manifest: Mapping[str, Any]) -> int:
    return int(((manifest.get("ImageData") or {}).get("Size") or {}).get("Unpacked") or 0)


def named_by_manifest(found: Mapping[str, Any]) -> bool:
    """Whether the engine that said this of an image calls images by their manifests, not by their configs.

    Those with the containerd store do. They describe the manifest (API 1.48); older ones are known by their driver.
    """
    driver = (found.get("GraphDriver") or {}).get("Name")  # the classic store's is `overlay2`, Podman's `overlay`
    return bool(found.get("Descriptor")) or driver == "overlayfs"


def pull(
    client: DockerClient, name: str, heard: Callable[[Mapping[str, Any]], None] = lambda line: None
) -> Mapping[str, Any]:
    """Pull the image, and what the engine says of it then; `heard` is told each line of progress.

    Raises what the SDK raises, and a `DockerException` for an error in the answer, which comes after the status.
    """
    repository, tag = parse_repository_tag(name)
    # Without a tag the engine would pull all there are.
    for line in api(client).pull(repository, tag=tag or "latest", stream=True, decode=True):
        if line.get("error"):
            raise docker.errors.DockerException(str(line["error"]))
        heard(line)
    return dict(api(client).inspect_image(name))


@contextmanager
def explaining_engine(action: str, error_class: type[ImageError] = LoadError) -> Iterator[None]:
    """Turn a failure of `action` (`loading image …`) into an `ImageError` that names it."""
    try:
        yield
    except (docker.errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError, *_CUT) as error:
        raise engine_failure(action, str(getattr(error, "explanation", None) or error), error_class) from error


# What is raised where nobody answers any more; the SDK's own errors are answers.
_LOST = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.TimeoutError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
)


def was_cut(error: ImageError) -> bool:
    """Whether it came of a connection that was lost, or not to be had, and not of what the engine said."""
    return any(isinstance(one, _LOST) for one in inside(error))


def engine_failure(action: str, reason: str, error_class: type[ImageError] = LoadError) -> ImageError:
    if _FULL in reason:
        return DiskFullError(
            f"no space left on the engine's disk while {action}",
            hint="free some with `docker image prune` or `docker system df`, then run the command again",
        )
    return error_class(f"the engine failed while {action}: {reason}", hint="check the engine with `dockerflow doctor`")
